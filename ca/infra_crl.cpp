#include "ca/infra_crl.h"

#include <algorithm>

#include "base/log.h"
#include "x509/pem.h"

namespace countersign::ca {
namespace {

constexpr std::string_view kSpace = "crl";
constexpr std::string_view kKey = "infra";

}  // namespace

InfraCrl::InfraCrl(const Issuer& issuer, const store::Store& store, std::filesystem::path inventory,
                   std::chrono::seconds lifetime)
    : issuer_(issuer), store_(store), inventory_(std::move(inventory)), lifetime_(lifetime) {}

bool InfraCrl::inventory_changed() const {
  const FileVersion now = version_of(inventory_);
  const std::lock_guard lock(mutex_);
  return now != seen_;
}

Result<void> InfraCrl::read_inventory() {
  const ReadBegin begin;
  FileVersion version = version_of(inventory_);
  auto names = read_infra_inventory(inventory_);
  {
    const std::lock_guard lock(mutex_);
    seen_ = begin.since(std::move(version));
  }
  if (names.has_error()) {
    if (!names_) return names.error();
    log::warn("infra_inventory_refused",
              {{"file", inventory_.string()}, {"error", names.error().detail}});
    return {};
  }
  names_ = std::move(*names);
  return {};
}

Result<std::vector<x509::CrlEntry>> InfraCrl::entries(Timestamp now) const {
  std::vector<x509::CrlEntry> list;
  for (const std::string& name : *names_) {
    const auto rows = store_.certificates_of(name);
    if (rows.has_error()) return rows.error();
    for (const store::CertificateRecord& row : *rows) {
      if (row.issuer != issuer_.id() || !row.revocation || row.not_after <= now) continue;
      list.push_back({row.serial, row.revocation->at,
                      static_cast<x509::RevocationReason>(row.revocation->reason)});
    }
  }
  std::ranges::sort(list, {}, &x509::CrlEntry::serial);
  return list;
}

Result<std::optional<InfraCrl::Next>> InfraCrl::prepare(std::chrono::sys_seconds now) {
  const auto read = read_inventory();
  if (read.has_error()) return read.error();
  auto list = entries(now);
  if (list.has_error()) return list.error();
  const auto age = now - this_update_;
  const bool young = !der_.empty() && age >= std::chrono::seconds(0) && age < lifetime_ / 2;
  if (young && *list == entries_) return std::optional<Next>();

  const std::string space(kSpace);
  const std::string key(kKey);
  const auto last = store_.document(space, key);
  if (last.has_error()) return last.error();
  std::uint64_t number = 1;
  if (*last) {
    const auto der = x509::pem_decode((*last)->value, {x509::kPemCrl});
    if (der.has_error()) return der.error();
    const auto crl = x509::Crl::parse(*der);
    if (crl.has_error()) return crl.error();
    number = (*crl)->number() + 1;
  }
  auto der = issuer_.sign_crl(number, now, now + lifetime_, *list);
  if (der.has_error()) return der.error();
  Next next{.der = std::move(*der), .entries = std::move(*list), .this_update = now};
  next.document = {.space = space,
                   .key = key,
                   .value = x509::pem_encode(x509::kPemCrl, next.der),
                   .expected = *last ? (*last)->version : 0};
  return std::optional<Next>(std::move(next));
}

void InfraCrl::adopt(Next next) {
  der_ = std::move(next.der);
  entries_ = std::move(next.entries);
  this_update_ = next.this_update;
}

}  // namespace countersign::ca
