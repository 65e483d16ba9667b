#include "ca/crl_entries.h"

#include <algorithm>

#include "x509/crl.h"

namespace countersign::ca {
namespace {

// What an entry can say of when (RFC 5280 4.1.2.5). A row with another time, of a clock that was
// far off, is revoked all the same, and must not stand in the way of every CRL to come.
constexpr Timestamp kFirst = std::chrono::sys_days(std::chrono::year(1950) / 1 / 1);
constexpr Timestamp kLast = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31);

}  // namespace

void CrlEntries::append(const store::RevocationRecord& revocation) {
  const std::size_t before = der_.size();
  x509::append_crl_entry(der_,
                         {revocation.serial, std::clamp(revocation.revocation.at, kFirst, kLast),
                          static_cast<x509::RevocationReason>(revocation.revocation.reason)});
  marks_.push_back({revocation.sequence, revocation.not_after, der_.size() - before});
  through_ = revocation.sequence;
}

void CrlEntries::drop(std::int64_t through, Timestamp before) {
  std::size_t kept = 0;
  std::size_t read = 0;
  std::size_t write = 0;
  for (const Mark mark : marks_) {
    if (mark.sequence > through || mark.not_after >= before) {
      const auto from = der_.begin() + static_cast<std::ptrdiff_t>(read);
      const auto to = der_.begin() + static_cast<std::ptrdiff_t>(write);
      if (read != write) std::copy(from, from + static_cast<std::ptrdiff_t>(mark.octets), to);
      write += mark.octets;
      marks_[kept++] = mark;
    }
    read += mark.octets;
  }
  der_.resize(write);
  marks_.resize(kept);
}

}  // namespace countersign::ca
