// The authority on a disk that fails at every step in turn: who got a certificate finds it in the
// store afterwards, once, and nobody was shown one that is not there.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "store/sqlite/sqlite_store.h"
#include "tests/ca/authority_fixture.h"
#include "tests/store/fault_vfs.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using store::FaultVfs;
using Effect = FaultVfs::Effect;
using store::CertificateRecord;

constexpr const char* kFaultPolicy = R"(
default = "queue"
[[rule]]
name = "token"
match = { certname_regex = "tok-.*", token = "required" }
action = "sign"
[[rule]]
name = "web"
match = { certname_regex = "web-.*" }
action = "sign"
)";
constexpr std::size_t kNames = 6;  // that the load asks certificates for
constexpr const char* kRevoked = "web-1";

class AuthorityFaultTest : public AuthorityTest {
 protected:
  // What the machines and the operator know. The same CSR is sent again after an answer that left
  // them in the dark, as agents do.
  struct Known {
    std::map<std::string, CertificateRecord> handed;  // by certname
    std::map<std::string, CertificateRecord> shown;   // by a read
    bool revoked = false;
    std::string secret, token;  // a right to one certificate, from before the fault
  };

  std::optional<CertificateRecord> current(const std::string& name) {
    return store.current_certificate(name).value();
  }

  void keep(const std::string& name, const Result<Submitted>& answer) {
    if (answer && answer->certificate) {
      const auto before = known_.handed.find(name);
      if (before != known_.handed.end()) {
        EXPECT_EQ(answer->certificate->der, before->second.der) << name << " got another one";
      }
      known_.handed[name] = *answer->certificate;
    } else if (!answer) {
      EXPECT_EQ(answer.error().code, Code::unavailable) << name << ": " << answer.error().detail;
      if (!known_.shown.contains(name)) {
        EXPECT_FALSE(current(name)) << name << ": what is in doubt is shown";
      }
    }
  }

  void ask(const std::string& name, int key) {
    if (name == kRevoked && known_.handed.contains(name)) return;  // it may be revoked by now
    std::string& own = csrs_[name];
    if (own.empty()) own = csr(name, {.key = key});
    Submission submission;
    submission.csr = own;
    if (name.starts_with("tok-")) submission.token = Secret(std::string(known_.secret));
    const auto answer = run(authority->submit(std::move(submission), caller_of(Role::anonymous)));
    keep(name, answer);
    if (answer && answer->request.state == store::RequestState::queued) {
      keep(name, approve(answer->request.id));
    }
    if (const auto row = current(name)) known_.shown[name] = *row;
  }

  void load() {
    ask("web-1", 0);
    ask("db-1", 1);
    ask("tok-1", 2);
    const auto victim = known_.handed.find(kRevoked);
    if (victim != known_.handed.end() && !known_.revoked) {
      const auto done =
          run(authority->revoke(victim->second.serial, x509::RevocationReason::key_compromise, op));
      known_.revoked = done || done.error().code == Code::already_revoked;
      if (!known_.revoked) {
        EXPECT_EQ(done.error().code, Code::unavailable);
      }
    }
    ask("web-2", 1);
    ask("db-2", 2);
    ask("web-3", 3);
  }

  // After the last fault: all is there, and once.
  void check_all() {
    ASSERT_TRUE(eventually([&] { return authority->health().ready; }));
    load();
    EXPECT_EQ(known_.handed.size(), kNames) << "somebody got no answer after the fault was over";
    EXPECT_TRUE(known_.revoked);
    check(*store.under);
    const auto all = store.under->certificates({.limit = 1000}, clock.now()).value();
    EXPECT_EQ(all.rows.size(), kNames) << "there is one that nobody was handed";
    const auto requests = store.under->requests({.limit = 100}).value();
    for (const auto& request : requests.rows) {
      EXPECT_EQ(request.state, store::RequestState::signed_) << request.certname;
    }
  }

  // What was handed out or shown is there; nothing is there twice, nor without its audit row.
  void check(const store::Store& kept) {
    for (const auto* list : {&known_.handed, &known_.shown}) {
      for (const auto& [name, certificate] : *list) {
        const auto found = kept.certificate_by_serial(certificate.serial).value();
        ASSERT_TRUE(found) << name << " was handed out and is lost";
        EXPECT_EQ(found->der, certificate.der);
      }
    }
    std::set<std::string> names;
    const auto all = kept.certificates({.limit = 1000}, clock.now()).value();
    for (const auto& row : all.rows) {
      EXPECT_TRUE(names.insert(row.certname).second) << row.certname << " has two";
      std::size_t signings = 0;
      for (const auto& audit : kept.audit(row.certname, 1000).value()) {
        if (audit.action == "issue" || audit.action == "approve") ++signings;
      }
      EXPECT_EQ(signings, 1U) << row.certname;
    }
    const auto token = kept.enrolment_token(known_.token).value();
    ASSERT_TRUE(token);
    EXPECT_EQ(token->used == 1, names.contains("tok-1")) << "used up for nothing, or not at all";
    if (!known_.revoked) return;
    const auto& victim = known_.handed.at(kRevoked);
    EXPECT_TRUE(kept.certificate_by_serial(victim.serial).value()->revocation);
  }

  void serve(const std::filesystem::path& file) {
    store.under = store::open_sqlite_store(file, x509::sha256).value();
    start(kFaultPolicy);
  }
  void end() {
    authority.reset();
    store.under.reset();
  }

  // The service lives through the fault at the nth step, the power goes, and it lives again. True
  // while the load has an nth step.
  bool run_with(std::size_t n, Effect effect) {
    const auto folder_of_run = folder.path() / std::to_string(n);
    std::filesystem::create_directories(folder_of_run);
    const auto file = folder_of_run / "store.db";
    known_ = {};
    std::map<std::string, std::string> left;
    bool struck = false;
    {
      FaultVfs disk(n);
      serve(file);
      Authority::EnrolmentOrder order;
      order.tokens = {{.certname = "tok-1"}};
      order.lifetime = std::chrono::hours(1);
      const auto minted = run(authority->mint_enrolment_tokens(std::move(order), op)).value();
      known_.secret = minted.front().secret;
      known_.token = minted.front().token.id;
      disk.plan(FaultVfs::kEvery, n, effect);
      load();
      struck = disk.struck();
      if (effect != Effect::power_cut) {
        disk.heal();
        check_all();
      }
      left = disk.after_power_cut(n);
      end();
    }
    const auto cut = folder_of_run / "cut";
    std::filesystem::create_directory(cut);
    for (const auto& [path, content] : left) {
      std::ofstream(cut / std::filesystem::path(path).filename(), std::ios::binary) << content;
    }
    serve(cut / "store.db");
    check(*store.under);
    check_all();
    end();
    return struck;
  }

  void at_every_step(Effect effect, std::size_t stride = 1) {
    std::size_t n = 1;
    for (bool struck = true; struck && !HasFailure(); n += stride) {
      SCOPED_TRACE("step " + std::to_string(n));
      struck = run_with(n, effect);
    }
    EXPECT_GT(n, 2 * kNames) << "a certificate is a write and a sync at least";
  }

 private:
  Known known_;
  std::map<std::string, std::string> csrs_;  // by certname
};

TEST_F(AuthorityFaultTest, AfterAPowerCutEveryCertificateThatWasHandedOutIsThereOnce) {
  at_every_step(Effect::power_cut);
}

TEST_F(AuthorityFaultTest, AfterAFailedWriteOrSyncEveryCertificateThatWasHandedOutIsThereOnce) {
  at_every_step(Effect::io_error);
}

TEST_F(AuthorityFaultTest, AfterAWriteByHalfEveryCertificateThatWasHandedOutIsThereOnce) {
  at_every_step(Effect::short_write);
}

TEST_F(AuthorityFaultTest, OnADiskThatWasFullEveryCertificateThatWasHandedOutIsThereOnce) {
  at_every_step(Effect::full, 3);  // each takes the half second until the store is tried again
}

}  // namespace
}  // namespace countersign::ca
