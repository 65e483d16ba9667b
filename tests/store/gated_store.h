// A store whose apply() waits at a gate, and fails on demand. It keeps nothing.
#ifndef COUNTERSIGN_TESTS_STORE_GATED_STORE_H_
#define COUNTERSIGN_TESTS_STORE_GATED_STORE_H_

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "store/store.h"

namespace countersign::store {

// Thread-safe. A batch that releases the name "bad" is a conflict; all else is done.
class GatedStore final : public Store {
 public:
  std::vector<Result<void>> apply(std::span<const WriteBatch> batches) override {
    std::unique_lock lock(mutex_);
    groups_.push_back(batches.size());
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    std::vector<Result<void>> results;
    for (const WriteBatch& batch : batches) results.push_back(outcome_of(batch));
    return results;
  }

  Result<void> reopen() override {
    const std::lock_guard lock(mutex_);
    ++reopens_;
    changed_.notify_all();
    if (broken_) return fail(Code::unavailable, "broken");
    return {};
  }

  void close_gate() { set(open_, false); }
  void open_gate() { set(open_, true); }
  void break_disk() { set(broken_, true); }
  void mend_disk() { set(broken_, false); }

  // These wait until it has come to that.
  void await_groups(std::size_t count) {
    await([&] { return groups_.size() >= count; });
  }
  void await_reopens(std::size_t count) {
    await([&] { return reopens_ >= count; });
  }

  std::vector<std::size_t> groups() const {
    const std::lock_guard lock(mutex_);
    return groups_;
  }

  Result<std::vector<IssuerRecord>> issuers() const override { return none(); }
  Result<std::optional<CertificateRecord>> certificate(const std::string&,
                                                       ByteView) const override {
    return none();
  }
  Result<std::optional<CertificateRecord>> certificate_by_serial(ByteView) const override {
    return none();
  }
  Result<std::optional<CertificateRecord>> current_certificate(const std::string&) const override {
    return none();
  }
  Result<std::vector<CertificateRecord>> certificates_of(const std::string&) const override {
    return none();
  }
  Result<CertificatePage> certificates(const CertificateQuery&, Timestamp) const override {
    return none();
  }
  Result<std::optional<RequestRecord>> request(const std::string&) const override { return none(); }
  Result<std::optional<RequestRecord>> queued_request(const std::string&) const override {
    return none();
  }
  Result<bool> knows(const std::string&) const override { return false; }
  Result<std::optional<RequestRecord>> request_by_csr(const std::string&, ByteView) const override {
    return none();
  }
  Result<std::vector<RequestRecord>> requests_of(const std::string&, std::size_t) const override {
    return none();
  }
  Result<RequestPage> requests(const RequestQuery&) const override { return none(); }
  Result<std::vector<RequestRecord>> stale_requests(Timestamp, std::size_t) const override {
    return none();
  }
  Result<std::vector<RevokedSerial>> revoked(const std::string&, Timestamp) const override {
    return none();
  }
  Result<std::vector<RevocationRecord>> revocations(const std::string&, std::int64_t,
                                                    std::size_t) const override {
    return none();
  }
  Result<std::optional<CrlRecord>> last_crl(const std::string&) const override { return none(); }
  Result<std::optional<TokenRecord>> token_by_hash(ByteView) const override { return none(); }
  Result<std::optional<TokenRecord>> token(const std::string&) const override { return none(); }
  Result<std::vector<TokenRecord>> tokens() const override { return none(); }
  Result<std::optional<EnrolmentTokenRecord>> enrolment_token(const std::string&) const override {
    return none();
  }
  Result<std::optional<EnrolmentTokenRecord>> enrolment_token_by_hash(ByteView) const override {
    return none();
  }
  Result<EnrolmentTokenPage> enrolment_tokens(const EnrolmentTokenQuery&) const override {
    return none();
  }
  Result<std::optional<InstanceRecord>> instance(const std::string&,
                                                 const std::string&) const override {
    return none();
  }
  Result<Allowance> allowance(const std::string&) const override { return none(); }
  Result<std::vector<HookEventRecord>> due_hook_events(const std::string&, Timestamp,
                                                       std::size_t) const override {
    return none();
  }
  Result<std::vector<HookTally>> hook_tallies() const override { return none(); }
  Result<std::vector<AuditRecord>> audit(const std::string&, std::size_t) const override {
    return none();
  }
  Result<AuditPage> audit_rows(const AuditQuery&) const override { return none(); }
  Result<std::vector<AuditCheckpoint>> audit_checkpoints(std::int64_t, std::size_t) const override {
    return none();
  }
  Result<std::optional<AuditCheckpoint>> last_audit_checkpoint() const override { return none(); }
  Result<std::optional<Document>> document(const std::string&, const std::string&) const override {
    return none();
  }
  Result<Counts> counts() const override { return none(); }

 private:
  static Error none() { return fail(Code::internal, "It keeps nothing."); }

  Result<void> outcome_of(const WriteBatch& batch) const {
    if (broken_) return fail(Code::unavailable, "broken");
    const auto* release = batch.empty() ? nullptr : std::get_if<ReleaseName>(&batch.front());
    if (release != nullptr && release->certname == "bad") return fail(Code::conflict, "bad");
    return {};
  }

  void set(bool& flag, bool value) {
    const std::lock_guard lock(mutex_);
    flag = value;
    changed_.notify_all();
  }

  template <class Condition>
  void await(Condition condition) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, condition);
  }

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  bool open_ = true;
  bool broken_ = false;
  std::vector<std::size_t> groups_;
  std::size_t reopens_ = 0;
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_TESTS_STORE_GATED_STORE_H_
