// The authority on a disk that fails: who got a certificate finds it in the store afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "store/sqlite/sqlite_store.h"
#include "tests/ca/authority_fixture.h"
#include "tests/store/fault_vfs.h"

namespace countersign::ca {
namespace {

using namespace testing;
using store::FaultVfs;
using Effect = FaultVfs::Effect;

class AuthorityFaultTest : public AuthorityTest {
 protected:
  struct Got {
    std::vector<store::CertificateRecord> certificates;
    std::vector<std::string> revoked;  // serials, hex
    std::vector<std::string> queued;   // ids
  };

  void keep(const Result<Submitted>& answer, Got& got) {
    if (answer && answer->certificate) got.certificates.push_back(*answer->certificate);
    if (!answer) {
      EXPECT_EQ(answer.error().code, Code::unavailable) << answer.error().detail;
    }
  }

  Got load() {
    Got got;
    for (int i = 0; i < 3; ++i) {
      keep(submit(csr("web-" + std::to_string(i) + ".example.com")), got);
    }
    const auto waits = submit(csr("db-1.example.com"));
    if (waits) {
      got.queued.push_back(waits->request.id);
      keep(approve(waits->request.id), got);
    }
    const auto living = got.certificates;
    for (const auto& certificate : living) {
      const std::string serial = to_hex(certificate.serial);
      if (run(authority->revoke(certificate.serial, x509::RevocationReason::key_compromise, op)))
        got.revoked.push_back(serial);
    }
    keep(submit(csr("web-9.example.com", {.key = 1})), got);
    return got;
  }

  void check(const std::filesystem::path& file, const Got& got) {
    const auto kept = store::open_sqlite_store(file, x509::sha256);
    ASSERT_TRUE(kept) << kept.error().detail;
    for (const auto& certificate : got.certificates) {
      const auto found = (*kept)->certificate_by_serial(certificate.serial).value();
      ASSERT_TRUE(found) << certificate.certname << " was handed out and is not in the store";
      EXPECT_EQ(found->der, certificate.der);
      EXPECT_EQ((*kept)->certificates_of(certificate.certname).value().size(), 1U);
    }
    for (const std::string& serial : got.revoked) {
      EXPECT_TRUE((*kept)->certificate_by_serial(from_hex(serial).value()).value()->revocation);
    }
    for (const std::string& id : got.queued) EXPECT_TRUE((*kept)->request(id).value());
  }

  // True while the load has an nth step.
  bool run_with(std::size_t n, Effect effect) {
    const auto file = folder.path() / ("store-" + std::to_string(n) + ".db");
    Got got;
    std::map<std::string, std::string> left;
    bool struck = false;
    {
      FaultVfs disk(n);
      store.under = store::open_sqlite_store(file, x509::sha256).value();
      start(kWebPolicy);
      disk.plan(FaultVfs::kEvery, n, effect);
      got = load();
      left = disk.after_power_cut(n);
      struck = disk.struck();
      authority.reset();
      store.under.reset();
    }
    if (effect != Effect::power_cut) check(file, got);
    const auto cut = folder.path() / ("cut-" + std::to_string(n));
    std::filesystem::create_directory(cut);
    for (const auto& [path, content] : left) {
      std::ofstream(cut / std::filesystem::path(path).filename(), std::ios::binary) << content;
    }
    check(cut / file.filename(), got);
    return struck;
  }

  void at_steps(Effect effect, std::size_t stride) {
    std::size_t n = 1;
    for (bool struck = true; struck && !HasFailure(); n += stride) {
      SCOPED_TRACE("step " + std::to_string(n));
      struck = run_with(n, effect);
    }
    EXPECT_GT(n, 2 * stride);
  }
};

TEST_F(AuthorityFaultTest, AfterAPowerCutEveryCertificateThatWasHandedOutIsThere) {
  at_steps(Effect::power_cut, 2);
}

TEST_F(AuthorityFaultTest, AfterAFailedWriteOrSyncEveryCertificateThatWasHandedOutIsThere) {
  at_steps(Effect::io_error, 3);
}

TEST_F(AuthorityFaultTest, OnAFullDiskEveryCertificateThatWasHandedOutIsThere) {
  at_steps(Effect::full, 3);
}

}  // namespace
}  // namespace countersign::ca
