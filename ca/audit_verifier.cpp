#include "ca/audit_verifier.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "x509/digest.h"

namespace countersign::ca {
namespace {

using Kind = AuditFinding::Kind;

constexpr std::size_t kFindings = 100;
// Rows that do not fit are held against each other, which costs the cube of this.
constexpr std::size_t kMisfits = 24;

std::string rows_text(std::int64_t first, std::int64_t last) {
  if (first == last) return "Row " + std::to_string(first);
  return "Rows " + std::to_string(first) + " to " + std::to_string(last);
}

std::string is_or_are(std::int64_t first, std::int64_t last) {
  return first == last ? " is" : " are";
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::changed:
      return "changed";
    case Kind::missing:
      return "missing";
    case Kind::moved:
      return "moved";
    case Kind::cut_off:
      return "cut off";
    case Kind::rewritten:
      return "rewritten";
    case Kind::foreign:
      return "foreign checkpoint";
    case Kind::unsigned_:
      return "not signed";
  }
  return "changed";
}

AuditVerifier::AuditVerifier(x509::PublicKey key, Extent extent)
    : key_(std::move(key)), extent_(extent), hash_(store::chain_start()) {}

void AuditVerifier::checkpoint(store::AuditCheckpoint checkpoint) {
  const std::int64_t row = checkpoint.sequence;
  const auto good = key_.verify(store::checkpoint_content(checkpoint), checkpoint.signature);
  if (good.has_error()) {
    find(Kind::foreign, row, row,
         "The checkpoint at row " + std::to_string(row) + " is not signed by this audit key.");
    return;
  }
  const auto [known, fresh] = waiting_.try_emplace(row, checkpoint);
  if (fresh || known->second.hash == checkpoint.hash) return;
  find(Kind::rewritten, row, row,
       "Two checkpoints at row " + std::to_string(row) +
           " are signed by the audit key and differ: there were two histories.");
}

void AuditVerifier::begin(std::int64_t first) {
  report_.first = first;
  if (extent_ == Extent::whole || first <= 1) return;
  const auto anchor = waiting_.find(first - 1);
  if (anchor == waiting_.end()) return;
  if (anchor != waiting_.begin()) {
    // An export of a part begins with the one checkpoint that it is chained to.
    find(Kind::missing, 1, first - 1,
         rows_text(1, first - 1) + is_or_are(1, first - 1) +
             " missing, though there are checkpoints of them: was the beginning cut off?");
  }
  end_ = first - 1;
  hash_ = anchor->second.hash;
  ++report_.checkpoints;
  report_.signed_to = end_;
  waiting_.erase(waiting_.begin(), std::next(anchor));
}

void AuditVerifier::row(const store::AuditRecord& row) {
  if (report_.rows++ == 0) begin(row.sequence);
  if (row.sequence > end_ + 1) {
    find(Kind::missing, end_ + 1, row.sequence - 1,
         rows_text(end_ + 1, row.sequence - 1) + is_or_are(end_ + 1, row.sequence - 1) +
             " missing.");
    if (!row.hash.empty()) hash_.clear();
  } else if (row.sequence <= end_) {
    find(Kind::moved, row.sequence, row.sequence,
         rows_text(row.sequence, row.sequence) + " stands behind row " + std::to_string(end_) +
             ": the order was changed.");
    return;
  }
  const Bytes hash = hash_.empty() ? Bytes() : store::chain_hash(x509::sha256, hash_, row);
  const bool hashed = !row.hash.empty();
  if (hashed && !chained_) chain_from_ = row.sequence;
  chained_ = chained_ || hashed;
  if (!chained_) {
    ++report_.before_chain;
  } else if (!hashed || (!hash.empty() && hash != row.hash)) {
    if (misfits_.size() < kMisfits) {
      misfits_.push_back({row, hash_});
    } else {
      if (more_misfits_from_ == 0) more_misfits_from_ = row.sequence;
      more_misfits_to_ = row.sequence;
    }
  }
  hash_ = hashed ? row.hash : hash;
  end_ = row.sequence;
  hold_against_checkpoint(row.sequence);
}

void AuditVerifier::hold_against_checkpoint(std::int64_t sequence) {
  const auto found = waiting_.find(sequence);
  if (found == waiting_.end()) return;
  if (found->second.hash == hash_) {
    ++report_.checkpoints;
    report_.signed_to = sequence;
  } else {
    const std::int64_t first = report_.signed_to + 1;
    find(Kind::rewritten, first, sequence,
         rows_text(first, sequence) + is_or_are(first, sequence) +
             " not what the checkpoint at row " + std::to_string(sequence) + " signed.");
  }
  waiting_.erase(found);
}

// Would the row, with the number of that place and some hash before it, have the hash that it or
// the place holds?
bool AuditVerifier::fits_somewhere(const Misfit& misfit, const Misfit& place) const {
  store::AuditRecord row = misfit.row;
  row.sequence = place.row.sequence;
  std::vector<const Bytes*> before = {&place.before};
  for (const Misfit& other : misfits_) before.push_back(&other.row.hash);
  return std::ranges::any_of(before, [&](const Bytes* hash) {
    const Bytes made = store::chain_hash(x509::sha256, *hash, row);
    return made == misfit.row.hash || made == place.row.hash;
  });
}

void AuditVerifier::judge_misfits() {
  for (const Misfit& misfit : misfits_) {
    const std::int64_t number = misfit.row.sequence;
    const std::string place = std::to_string(number);
    // Only what stands before it is wrong. Its hash then covers that of another misfit, and hashes
    // form no circle: of any misfits at least one is told.
    if (misfits_.size() > 1 && fits_somewhere(misfit, misfit)) continue;
    const auto home = std::ranges::find_if(misfits_, [&](const Misfit& other) {
      return &other != &misfit && fits_somewhere(misfit, other);
    });
    if (home != misfits_.end()) {
      find(Kind::moved, number, number,
           "In the place of row " + place + " stands what was row " +
               std::to_string(home->row.sequence) + ": the order was changed.");
    } else if (report_.before_chain > 0 && number == chain_from_) {
      find(Kind::changed, report_.first, number,
           "One of the rows " + std::to_string(report_.first) + " to " + place +
               " was changed: rows up to " + std::to_string(number - 1) +
               " are from before the chain, so it cannot say which.");
    } else {
      find(Kind::changed, number, number,
           "Row " + place +
               " does not fit its hash: it was changed, or the row before it was, "
               "together with its hash.");
    }
  }
  if (more_misfits_from_ == 0) return;
  find(Kind::changed, more_misfits_from_, more_misfits_to_,
       "Further rows from " + std::to_string(more_misfits_from_) + " to " +
           std::to_string(more_misfits_to_) + " do not fit their hashes.");
}

AuditReport AuditVerifier::finish() {
  judge_misfits();
  if (!waiting_.empty() && waiting_.rbegin()->first > end_) {
    const std::int64_t last = waiting_.rbegin()->first;
    find(Kind::cut_off, end_ + 1, last,
         rows_text(end_ + 1, last) + is_or_are(end_ + 1, last) +
             " cut off: a checkpoint was signed over row " + std::to_string(last) + ".");
  }
  if (report_.rows > 0 && report_.signed_to == 0 && report_.good()) {
    find(
        Kind::unsigned_, report_.first, end_,
        "No checkpoint covers these rows, so the chain alone proves nothing. The service signs one "
        "soon after its start.");
  }
  report_.last = end_;
  std::ranges::stable_sort(report_.findings, {}, &AuditFinding::first);
  return std::move(report_);
}

void AuditVerifier::find(Kind kind, std::int64_t first, std::int64_t last, std::string text) {
  if (report_.findings.size() == kFindings) {
    ++report_.more;
    return;
  }
  report_.findings.push_back({kind, first, last, std::move(text)});
}

}  // namespace countersign::ca
