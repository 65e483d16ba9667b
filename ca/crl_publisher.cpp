#include "ca/crl_publisher.h"

#include "base/log.h"
#include "x509/pem.h"

namespace countersign::ca {

CrlPublisher::CrlPublisher(const Issuer& issuer, store::Store& store, store::Committer& committer,
                           const Clock& clock, std::chrono::seconds delay,
                           std::chrono::seconds lifetime, std::string parents_pem)
    : issuer_(issuer),
      store_(store),
      committer_(committer),
      clock_(clock),
      delay_(delay),
      lifetime_(lifetime),
      parents_pem_(std::move(parents_pem)) {}

bool CrlPublisher::due() const {
  const Timestamp now = clock_.now();
  const std::lock_guard lock(mutex_);
  // A clock that went back makes the age negative: publish then, too.
  const auto age = now - this_update_;
  if (age < std::chrono::seconds(0) || age >= lifetime_ / 2) return true;
  return dirty_.load(std::memory_order_acquire) && age >= delay_;
}

Result<void> CrlPublisher::publish() {
  const std::lock_guard one_at_a_time(publishing_);
  // Cleared before the read: a revocation during the read asks for one more CRL.
  dirty_.store(false, std::memory_order_release);
  const auto retry = [this](const Error& error) {
    changed();
    return error;
  };
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now());
  const auto last = store_.last_crl(issuer_.id());
  if (last.has_error()) return retry(last.error());
  const auto revoked = store_.revoked(issuer_.id(), now);
  if (revoked.has_error()) return retry(revoked.error());
  std::vector<x509::CrlEntry> entries;
  entries.reserve(revoked->size());
  for (const store::RevokedSerial& row : *revoked) {
    entries.push_back({row.serial, row.revocation.at,
                       static_cast<x509::RevocationReason>(row.revocation.reason)});
  }
  const std::uint64_t number = *last ? (*last)->number + 1 : 1;
  const auto next_update = now + lifetime_;
  auto der = issuer_.sign_crl(number, now, next_update, entries);
  if (der.has_error()) return retry(der.error());
  store::CrlRecord record{.issuer = issuer_.id(),
                          .number = number,
                          .this_update = now,
                          .next_update = next_update,
                          .der = *der};
  const auto committed = committer_.commit_blocking({store::InsertCrl{std::move(record)}});
  if (committed.has_error()) return retry(committed.error());
  auto pem =
      std::make_shared<const std::string>(x509::pem_encode(x509::kPemCrl, *der) + parents_pem_);
  auto bytes = std::make_shared<const std::string>(as_text(*der));
  {
    const std::lock_guard lock(mutex_);
    pem_ = std::move(pem);
    der_ = std::move(bytes);
    // Not thisUpdate: who fetched the CRL before in that very second must not be told that it is
    // still the same.
    changed_at_ = clock_.now();
    this_update_ = now;
    next_update_ = next_update;
  }
  log::info("crl_published", {{"number", number}, {"entries", entries.size()}});
  return {};
}

std::shared_ptr<const std::string> CrlPublisher::pem() const {
  const std::lock_guard lock(mutex_);
  return pem_;
}

std::shared_ptr<const std::string> CrlPublisher::der() const {
  const std::lock_guard lock(mutex_);
  return der_;
}

Timestamp CrlPublisher::changed_at() const {
  const std::lock_guard lock(mutex_);
  return changed_at_;
}

bool CrlPublisher::expired() const {
  const std::lock_guard lock(mutex_);
  return clock_.now() >= next_update_;
}

}  // namespace countersign::ca
