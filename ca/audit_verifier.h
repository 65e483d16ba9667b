// Holds an audit against its chain and its checkpoints, and says what is wrong with it and where.
#ifndef COUNTERSIGN_CA_AUDIT_VERIFIER_H_
#define COUNTERSIGN_CA_AUDIT_VERIFIER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "store/audit_chain.h"
#include "x509/key.h"

namespace countersign::ca {

struct AuditFinding {
  enum class Kind {
    changed,    // a row does not fit its hash
    missing,    // numbers are left out
    moved,      // a row stands in the place of another
    cut_off,    // a checkpoint tells of rows past the last
    rewritten,  // the chain fits itself, but not what a checkpoint signed
    foreign,    // a checkpoint is not signed by the audit key
    unsigned_,  // no good checkpoint at all
  };
  Kind kind = Kind::changed;
  std::int64_t first = 0;  // rows, or the row of the checkpoint
  std::int64_t last = 0;
  std::string text;  // for people: one sentence
};
// "changed", "missing", "moved", "cut off", "rewritten", "foreign checkpoint", "not signed".
std::string_view to_string(AuditFinding::Kind kind);

struct AuditReport {
  std::int64_t rows = 0;
  std::int64_t first = 0, last = 0;    // numbers of the first row and the last
  std::int64_t checkpoints = 0;        // that are good
  std::int64_t signed_to = 0;          // row of the last good one; what follows is chained only
  std::int64_t before_chain = 0;       // rows from before there was a chain, that hold no hash
  std::vector<AuditFinding> findings;  // the first 100, in order of rows
  std::size_t more = 0;                // findings beyond those
  bool good() const { return findings.empty(); }
};

// Not thread-safe. First every checkpoint, then every row in the order in which it is kept, then
// finish() once. Memory grows with checkpoints, not with rows.
class AuditVerifier {
 public:
  enum class Extent {
    whole,  // begins with row 1
    part,   // may also begin with the row after a checkpoint that is there and good
  };
  AuditVerifier(x509::PublicKey key, Extent extent);

  void checkpoint(store::AuditCheckpoint checkpoint);
  void row(const store::AuditRecord& row);
  AuditReport finish();

 private:
  // A row that does not fit, and the hash that stands before it.
  struct Misfit {
    store::AuditRecord row;
    Bytes before;
  };
  void find(AuditFinding::Kind kind, std::int64_t first, std::int64_t last, std::string text);
  void begin(std::int64_t first);
  void hold_against_checkpoint(std::int64_t sequence);
  void judge_misfits();
  bool fits_somewhere(const Misfit& misfit, const Misfit& place) const;

  const x509::PublicKey key_;
  const Extent extent_;
  AuditReport report_;
  std::map<std::int64_t, store::AuditCheckpoint> waiting_;  // by row
  std::int64_t end_ = 0;                                    // number of the last row
  Bytes hash_;                                              // of it; empty: not known
  bool chained_ = false;                                    // has a row with a hash been seen?
  std::int64_t chain_from_ = 0;                             // the first such row
  std::vector<Misfit> misfits_;                             // at most kMisfits
  std::int64_t more_misfits_from_ = 0, more_misfits_to_ = 0;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_AUDIT_VERIFIER_H_
