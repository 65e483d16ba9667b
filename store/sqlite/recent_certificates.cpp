#include "store/sqlite/recent_certificates.h"

#include <variant>

namespace countersign::store {

std::optional<CertificateRecord> RecentCertificates::current(const std::string& certname) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(certname);
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

void RecentCertificates::committed(std::span<const WriteBatch> batches,
                                   std::span<const Result<void>> results) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    if (results[i].has_error()) continue;
    for (const Mutation& mutation : batches[i]) {
      if (const auto* insert = std::get_if<InsertCertificate>(&mutation)) {
        note(insert->certificate);
      } else if (const auto* revoke = std::get_if<RevokeCertificate>(&mutation)) {
        const auto found = names_of_serials_.find({revoke->issuer, revoke->serial});
        if (found != names_of_serials_.end()) drop(std::string(found->second));
      } else if (const auto* release = std::get_if<ReleaseName>(&mutation)) {
        drop(release->certname);
      }
    }
  }
}

void RecentCertificates::forget() {
  const std::lock_guard lock(mutex_);
  by_name_.clear();
  names_of_serials_.clear();
  names_.clear();
}

void RecentCertificates::note(const CertificateRecord& certificate) {
  // One that is not current changes nothing of what the name stands for.
  if (!certificate.current) return;
  drop(certificate.certname);
  names_of_serials_.emplace(std::pair(certificate.issuer, certificate.serial),
                            certificate.certname);
  by_name_.emplace(certificate.certname, certificate);
  names_.push_back(certificate.certname);
  if (names_.size() <= limit_) return;
  drop(names_.front());
  names_.pop_front();
}

void RecentCertificates::drop(const std::string& certname) {
  const auto found = by_name_.find(certname);
  if (found == by_name_.end()) return;
  names_of_serials_.erase({found->second.issuer, found->second.serial});
  by_name_.erase(found);
}

}  // namespace countersign::store
