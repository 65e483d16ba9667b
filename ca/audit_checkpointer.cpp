#include "ca/audit_checkpointer.h"

#include <boost/json.hpp>
#include <utility>

#include "base/log.h"
#include "store/audit_chain.h"
#include "x509/digest.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kPage = 1000;
constexpr int kPagesACall = 10;  // so that a CRL does not wait for a long history

}  // namespace

Result<store::AuditCheckpoint> sign_checkpoint(const x509::Signer& key,
                                               const store::AuditRecord& row, Timestamp now) {
  store::AuditCheckpoint checkpoint{.sequence = row.sequence,
                                    .hash = row.hash,
                                    .at = now,
                                    .key = to_hex(key.public_key().key_id()),
                                    .signature = {}};
  auto signature = key.sign(store::checkpoint_content(checkpoint));
  if (signature.has_error()) return signature.error();
  checkpoint.signature = std::move(*signature);
  return checkpoint;
}

AuditCheckpointer::AuditCheckpointer(std::shared_ptr<const x509::Signer> key, store::Store& store,
                                     store::Committer& committer, const Clock& clock,
                                     std::int64_t rows, std::chrono::seconds interval)
    : key_(std::move(key)),
      store_(store),
      committer_(committer),
      clock_(clock),
      rows_(rows),
      interval_(interval) {
  end_.hash = store::chain_start();
}

Result<void> AuditCheckpointer::keep() {
  if (!key_) return {};
  const std::lock_guard lock(mutex_);
  auto begun = begin();
  if (begun.has_error()) return begun;
  const auto reached = take_up();
  if (reached.has_error()) return reached.error();
  const auto age = clock_.now() - signed_at_;  // negative: the clock went back
  const bool due = end_.sequence - signed_ >= rows_ || age >= interval_ || age.count() < 0;
  return *reached && due ? sign() : Result<void>();
}

Result<void> AuditCheckpointer::close() {
  if (!key_) return {};
  const std::lock_guard lock(mutex_);
  auto begun = begin();
  if (begun.has_error()) return begun;
  for (bool done = false; !done;) {
    const auto reached = take_up();
    if (reached.has_error()) return reached.error();
    done = *reached;
  }
  return sign();
}

// Starts from the newest checkpoint, if it is ours and its row is still what it says.
Result<void> AuditCheckpointer::begin() {
  if (begun_) return {};
  const auto last = store_.last_audit_checkpoint();
  if (last.has_error()) return last.error();
  if (*last) {
    const store::AuditCheckpoint& checkpoint = **last;
    const auto page = store_.audit_rows({.after = checkpoint.sequence - 1, .limit = 1});
    if (page.has_error()) return page.error();
    const bool there = !page->rows.empty() && page->rows[0].sequence == checkpoint.sequence;
    const bool hashed = there && !page->rows[0].hash.empty();  // it is not from before the chain
    const auto ours =
        key_->public_key().verify(store::checkpoint_content(checkpoint), checkpoint.signature);
    begun_ = true;
    signed_ = checkpoint.sequence;
    end_.sequence = checkpoint.sequence;
    end_.hash = checkpoint.hash;
    if (ours.has_error()) {
      broken(checkpoint.sequence, "the newest checkpoint is not signed by the audit key");
    } else if (!there || (hashed && page->rows[0].hash != checkpoint.hash)) {
      broken(checkpoint.sequence, "the row of the newest checkpoint is not what was signed");
    }
    if (hashed) end_ = page->rows[0];
  }
  begun_ = true;
  return {};
}

Result<bool> AuditCheckpointer::take_up() {
  for (int i = 0; i < kPagesACall; ++i) {
    const auto page = store_.audit_rows({.after = end_.sequence, .limit = kPage});
    if (page.has_error()) return page.error();
    for (const store::AuditRecord& row : page->rows) {
      Bytes hash = store::chain_hash(x509::sha256, end_.hash, row);
      const bool before_the_chain = row.hash.empty();
      if (row.sequence != end_.sequence + 1) {
        broken(row.sequence, "the rows before it are missing");
      } else if (!before_the_chain && row.hash != hash) {
        broken(row.sequence, "it does not fit its hash and the row before");
      }
      end_ = row;
      if (before_the_chain) end_.hash = std::move(hash);
    }
    if (page->next == 0) break;
    if (i + 1 == kPagesACall) return false;
  }
  const auto newest = store_.audit_rows({.newest_first = true, .limit = 1});
  if (newest.has_error()) return newest.error();
  const store::AuditRecord none;
  const store::AuditRecord& last = newest->rows.empty() ? none : newest->rows[0];
  if (last.sequence < end_.sequence) {
    broken(last.sequence, "the rows after it are cut off");
    end_ = last;
    if (last.sequence == 0) end_.hash = store::chain_start();
  }
  return true;
}

Result<void> AuditCheckpointer::sign() {
  if (end_.sequence <= signed_) return {};
  const Timestamp now = clock_.now();
  auto checkpoint = sign_checkpoint(*key_, end_, now);
  if (checkpoint.has_error()) return checkpoint.error();
  store::WriteBatch batch;
  batch.push_back(store::AppendAuditCheckpoint{std::move(*checkpoint)});
  auto stored = committer_.commit_blocking(std::move(batch));
  if (stored.has_error()) return stored;
  signed_ = end_.sequence;
  signed_at_ = now;
  // Kept with the log elsewhere, this line proves as much as the checkpoint does.
  log::info("audit_checkpoint", {{"sequence", end_.sequence}, {"hash", to_hex(end_.hash)}});
  return {};
}

void AuditCheckpointer::broken(std::int64_t sequence, const std::string& what) {
  whole_.store(false);
  log::error("audit_broken", {{"sequence", sequence}, {"error", what}});
  const boost::json::object detail{{"sequence", sequence}, {"what", what}};
  store::WriteBatch batch;
  batch.push_back(store::AppendAudit{{.at = clock_.now(),
                                      .action = "audit broken",
                                      .actor = "service",
                                      .detail = boost::json::serialize(detail)}});
  const auto written = committer_.commit_blocking(std::move(batch));
  if (written.has_error()) log::error("audit_failed", {{"error", written.error().detail}});
}

}  // namespace countersign::ca
