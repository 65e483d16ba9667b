// The entries of our CRL as DER, in the order of the revocations, so that a new CRL costs what is
// new: RFC 5280 asks for no order.
#ifndef COUNTERSIGN_CA_CRL_ENTRIES_H_
#define COUNTERSIGN_CA_CRL_ENTRIES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "store/records.h"

namespace countersign::ca {

// Not thread-safe.
class CrlEntries {
 public:
  // `revocation` must be past through().
  void append(const store::RevocationRecord& revocation);
  // Forgets what was revoked up to the sequence `through` and whose certificate ended before
  // `before`. An entry may go once a CRL from after that end has listed it (RFC 5280 3.3).
  void drop(std::int64_t through, Timestamp before);
  void clear() { *this = CrlEntries(); }

  ByteView der() const { return der_; }
  std::size_t size() const { return marks_.size(); }
  std::int64_t through() const { return through_; }  // the last sequence taken, 0 for none

 private:
  struct Mark {
    std::int64_t sequence = 0;
    Timestamp not_after;
    std::size_t octets = 0;
  };
  Bytes der_;
  std::vector<Mark> marks_;
  std::int64_t through_ = 0;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_CRL_ENTRIES_H_
