// An authority with a CA of its own, a clock that a test moves, and a store that a test can break.
#ifndef COUNTERSIGN_TESTS_CA_AUTHORITY_FIXTURE_H_
#define COUNTERSIGN_TESTS_CA_AUTHORITY_FIXTURE_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ca/authority.h"
#include "store/memory/memory_store.h"
#include "tests/x509/maker.h"
#include "x509/digest.h"
#include "x509/pem.h"

namespace countersign::ca::testing {

class FakeClock : public Clock {
 public:
  Timestamp now() const override { return Timestamp(std::chrono::milliseconds(now_.load())); }
  std::chrono::milliseconds since_boot() const override {
    return std::chrono::milliseconds(passed_.load());
  }
  // Time passes.
  void advance(std::chrono::milliseconds by) {
    passed_.fetch_add(by.count());
    jump(by);
  }
  // Somebody sets the clock.
  void jump(std::chrono::milliseconds by) { now_.fetch_add(by.count()); }

 private:
  std::atomic<std::int64_t> passed_{0};
  std::atomic<std::int64_t> now_{x509::testing::at("2026-06-01T12:00:00Z").time_since_epoch() /
                                 std::chrono::milliseconds(1)};
};

// Passes everything on, and fails writes while `failing` is set.
class BreakableStore : public store::Store {
 public:
  std::vector<Result<void>> apply(std::span<const store::WriteBatch> batches) override {
    if (failing) {
      return std::vector<Result<void>>(batches.size(),
                                       Result<void>(fail(Code::unavailable, "the disk is gone")));
    }
    return under->apply(batches);
  }
  Result<void> reopen() override {
    return failing ? Result<void>(fail(Code::unavailable, "the disk is gone")) : under->reopen();
  }
  Result<std::vector<store::IssuerRecord>> issuers() const override { return under->issuers(); }
  Result<std::optional<store::CertificateRecord>> certificate(const std::string& issuer,
                                                              ByteView serial) const override {
    return under->certificate(issuer, serial);
  }
  Result<std::optional<store::CertificateRecord>> certificate_by_serial(
      ByteView serial) const override {
    return under->certificate_by_serial(serial);
  }
  Result<std::optional<store::CertificateRecord>> current_certificate(
      const std::string& certname) const override {
    return under->current_certificate(certname);
  }
  Result<std::vector<store::CertificateRecord>> certificates_of(
      const std::string& certname) const override {
    return under->certificates_of(certname);
  }
  Result<store::CertificatePage> certificates(const store::CertificateQuery& query,
                                              Timestamp now) const override {
    return under->certificates(query, now);
  }
  Result<std::optional<store::RequestRecord>> request(const std::string& id) const override {
    return under->request(id);
  }
  Result<std::optional<store::RequestRecord>> queued_request(
      const std::string& certname) const override {
    return under->queued_request(certname);
  }
  Result<bool> knows(const std::string& certname) const override { return under->knows(certname); }
  Result<std::optional<store::RequestRecord>> request_by_csr(const std::string& certname,
                                                             ByteView csr) const override {
    return under->request_by_csr(certname, csr);
  }
  Result<std::vector<store::RequestRecord>> requests_of(const std::string& certname,
                                                        std::size_t limit) const override {
    return under->requests_of(certname, limit);
  }
  Result<store::RequestPage> requests(const store::RequestQuery& query) const override {
    return under->requests(query);
  }
  Result<std::vector<store::RequestRecord>> stale_requests(Timestamp before,
                                                           std::size_t limit) const override {
    return under->stale_requests(before, limit);
  }
  Result<std::vector<store::RevokedSerial>> revoked(const std::string& issuer,
                                                    Timestamp now) const override {
    return under->revoked(issuer, now);
  }
  Result<std::vector<store::RevocationRecord>> revocations(const std::string& issuer,
                                                           std::int64_t after,
                                                           std::size_t limit) const override {
    return under->revocations(issuer, after, limit);
  }
  Result<std::optional<store::CrlRecord>> last_crl(const std::string& issuer) const override {
    return under->last_crl(issuer);
  }
  Result<std::optional<store::TokenRecord>> token_by_hash(ByteView hash) const override {
    return under->token_by_hash(hash);
  }
  Result<std::optional<store::TokenRecord>> token(const std::string& id) const override {
    return under->token(id);
  }
  Result<std::vector<store::TokenRecord>> tokens() const override { return under->tokens(); }
  Result<std::optional<store::EnrolmentTokenRecord>> enrolment_token(
      const std::string& id) const override {
    return under->enrolment_token(id);
  }
  Result<std::optional<store::EnrolmentTokenRecord>> enrolment_token_by_hash(
      ByteView hash) const override {
    return under->enrolment_token_by_hash(hash);
  }
  Result<store::EnrolmentTokenPage> enrolment_tokens(
      const store::EnrolmentTokenQuery& query) const override {
    return under->enrolment_tokens(query);
  }
  Result<std::optional<store::InstanceRecord>> instance(const std::string& kind,
                                                        const std::string& subject) const override {
    return under->instance(kind, subject);
  }
  Result<store::Allowance> allowance(const std::string& key) const override {
    return under->allowance(key);
  }
  Result<std::vector<store::HookEventRecord>> due_hook_events(const std::string& hook,
                                                              Timestamp now,
                                                              std::size_t limit) const override {
    return under->due_hook_events(hook, now, limit);
  }
  Result<std::vector<store::HookTally>> hook_tallies() const override {
    return under->hook_tallies();
  }
  Result<std::vector<store::AuditRecord>> audit(const std::string& subject,
                                                std::size_t limit) const override {
    return under->audit(subject, limit);
  }
  Result<store::AuditPage> audit_rows(const store::AuditQuery& query) const override {
    return under->audit_rows(query);
  }
  Result<std::vector<store::AuditCheckpoint>> audit_checkpoints(std::int64_t after,
                                                                std::size_t limit) const override {
    return under->audit_checkpoints(after, limit);
  }
  Result<std::optional<store::AuditCheckpoint>> last_audit_checkpoint() const override {
    return under->last_audit_checkpoint();
  }
  Result<std::optional<store::Document>> document(const std::string& space,
                                                  const std::string& key) const override {
    return under->document(space, key);
  }
  Result<store::Counts> counts() const override { return under->counts(); }

  std::atomic<bool> failing{false};
  std::unique_ptr<store::Store> under = store::make_memory_store(x509::sha256);
};

class Folder {
 public:
  Folder() {
    std::string form =
        (std::filesystem::temp_directory_path() / "countersign-test-XXXXXX").string();
    path_ = ::mkdtemp(form.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path write(const std::string& name, const std::string& text,
                              bool executable = false) const {
    const auto file = path_ / name;
    std::ofstream(file) << text;
    if (executable) std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Waits, within a bound, for something that no event tells of.
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

// Runs the authority's own loop on a thread of its own.
class Loop {
 public:
  explicit Loop(Authority& authority) : authority_(authority) {
    boost::asio::co_spawn(io_, authority.run(), [](std::exception_ptr) {});
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Loop() {
    authority_.stop();
    thread_.join();
  }

 private:
  Authority& authority_;
  boost::asio::io_context io_;
  std::thread thread_;
};

// A root and an issuing CA, made once for the process.
struct TestCa {
  x509::PrivateKey root_key = x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}).value();
  std::string issuing_pem =
      x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}).value().to_pem("");
  std::vector<std::shared_ptr<const x509::Certificate>> chain;

  TestCa() {
    const auto issuing = issuing_key();
    chain = {certificate("Test Issuing CA", "Test Root CA", issuing.public_key(), 1),
             certificate("Test Root CA", "Test Root CA", root_key.public_key(), 2)};
  }
  x509::PrivateKey issuing_key() const {
    return x509::PrivateKey::from_pem(issuing_pem, "").value();
  }

  static const TestCa& get() {
    static const TestCa ca;
    return ca;
  }

 private:
  std::shared_ptr<const x509::Certificate> certificate(const std::string& name,
                                                       const std::string& issuer,
                                                       const x509::PublicKey& key,
                                                       std::uint8_t serial) const {
    x509::CertificateContent content;
    content.serial = Bytes{serial};
    content.issuer = x509::common_name_only(issuer);
    content.subject = x509::common_name_only(name);
    content.not_before = x509::testing::at("2020-01-01T00:00:00Z");
    content.not_after = x509::testing::at("2046-01-01T00:00:00Z");
    content.spki = to_bytes(key.spki());
    content.extensions = {x509::basic_constraints(true),
                          x509::key_usage(x509::kKeyCertSign | x509::kCrlSign),
                          x509::subject_key_identifier(key.key_id()),
                          x509::authority_key_identifier(root_key.public_key().key_id())};
    return x509::Certificate::parse(x509::testing::issue(content, root_key)).value();
  }
};

inline const x509::PrivateKey& machine_key(int number = 0) {
  static const std::vector<x509::PrivateKey> keys = [] {
    std::vector<x509::PrivateKey> made;
    for (int i = 0; i < 4; ++i) {
      made.push_back(x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}).value());
    }
    return made;
  }();
  return keys.at(static_cast<std::size_t>(number));
}

struct Asked {
  std::vector<x509::GeneralName> names;
  std::vector<x509::Extension> extensions;
  int key = 0;
  bool renews = false;  // the attribute of machines that renew by themselves
  std::pair<std::string, std::string> attribute{};  // OID and value of one more
};

// A CSR as PEM.
inline std::string csr(const std::string& certname, const Asked& asked = {}) {
  std::vector<x509::Extension> extensions = asked.extensions;
  if (!asked.names.empty()) extensions.push_back(x509::subject_alt_name(asked.names));
  x509::testing::CsrContent content;
  content.subject = x509::common_name_only(certname);
  content.spki = to_bytes(machine_key(asked.key).public_key().spki());
  if (!extensions.empty()) {
    content.attributes = {x509::testing::attribute(x509::oid::kExtensionRequest,
                                                   {x509::testing::extensions_value(extensions)})};
  }
  if (asked.renews) {
    content.attributes.push_back(
        x509::testing::attribute("1.3.6.1.4.1.34380.1.3.2",
                                 {x509::testing::text_value(x509::der::kPrintableString, "true")}));
  }
  if (!asked.attribute.first.empty()) {
    content.attributes.push_back(x509::testing::attribute(
        asked.attribute.first,
        {x509::testing::text_value(x509::der::kPrintableString, asked.attribute.second)}));
  }
  return x509::pem_encode(x509::kPemCsr, x509::testing::make_csr(content, machine_key(asked.key)));
}

inline x509::GeneralName dns(const std::string& name) {
  return {x509::GeneralName::Type::dns, name};
}

inline Caller caller_of(Role role) {
  Caller caller;
  caller.role = role;
  caller.name = role == Role::anonymous ? "" : "someone";
  caller.source = "192.0.2.1";
  caller.request_id = "feedbeef";
  return caller;
}

class AuthorityTest : public ::testing::Test {
 protected:
  // The policy, if it is not empty, becomes a file. Tests change `config` before this.
  Authority& start(const std::string& policy = "") {
    if (!policy.empty()) config.policy_file = folder.write("policy.toml", policy);
    authority.reset();
    authority = std::make_unique<Authority>(config, issuer(), store, clock, system_random());
    return *authority;
  }

  std::unique_ptr<Issuer> issuer() {
    return Issuer::create(TestCa::get().chain, x509::make_signer(TestCa::get().issuing_key()),
                          clock, system_random())
        .value();
  }

  // Runs to the end.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    boost::asio::io_context io;
    boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr thrown, T value) {
      if (thrown) std::rethrow_exception(thrown);
      result.emplace(std::move(value));
    });
    io.run();
    return std::move(result).value();
  }
  // Runs all of them at once.
  template <class T>
  std::vector<T> race(std::vector<Task<T>> tasks) {
    std::vector<T> results;
    boost::asio::io_context io;
    for (Task<T>& task : tasks) {
      boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr thrown, T value) {
        if (thrown) std::rethrow_exception(thrown);
        results.push_back(std::move(value));
      });
    }
    io.run();
    return results;
  }

  Result<Submitted> submit(const std::string& pem, bool puppet = false,
                           Role role = Role::anonymous) {
    Submission submission;
    submission.csr = pem;
    submission.puppet = puppet;
    return run(authority->submit(std::move(submission), caller_of(role)));
  }
  Result<Submitted> approve(const std::string& id, const Approval& approval = {}) {
    return run(authority->approve(id, approval, op));
  }
  std::shared_ptr<const x509::Certificate> certificate_of(const Submitted& outcome) {
    return x509::Certificate::parse(outcome.certificate.value().der).value();
  }
  std::shared_ptr<const x509::Crl> crl() {
    return x509::Crl::parse(as_bytes(*authority->crl_der())).value();
  }
  std::vector<std::string> actions(const std::string& subject) {
    std::vector<std::string> list;
    for (const auto& row : store.audit(subject, 1000).value()) list.push_back(row.action);
    return list;  // newest first
  }

  FakeClock clock;
  BreakableStore store;
  Folder folder;
  AuthorityConfig config = [] {
    AuthorityConfig made;
    made.profiles["agent"] = {};
    made.profiles["server"] = {};
    made.profiles["server"].name = "server";
    made.hostnames = {"ca.example.com"};
    return made;
  }();
  const Caller op = caller_of(Role::operator_);
  const Caller admin = caller_of(Role::admin);
  std::unique_ptr<Authority> authority;
};

inline constexpr const char* kWebPolicy = R"(
default = "queue"

[[rule]]
name = "no intruders"
match = { certname_regex = 'evil-.*' }
action = "deny"
reason = "not ours"

[[rule]]
name = "web tier"
match = { certname_regex = 'web-[a-z0-9]+\.example\.com' }
grant = { dns = ["{certname}", "www.example.com", "ca.example.com"], extensions = ["pp_role"] }
action = "sign"
)";

}  // namespace countersign::ca::testing

#endif  // COUNTERSIGN_TESTS_CA_AUTHORITY_FIXTURE_H_
