#include "cli/export_puppet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "ca/certificate_row.h"
#include "cli/failure.h"
#include "tests/ca/authority_fixture.h"
#include "x509/digest.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;
using ca::testing::TestCa;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr std::string_view kNow = "2026-06-01T12:00:00Z";

Timestamp at(std::string_view time) { return parse_rfc3339(time).value(); }

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  return names;
}

std::string content(const fs::path& file) {
  return system_files().read(file, std::size_t{1} << 20U).value();
}

// The first CRL of a file: number, and "serial/reason/date" of its entries.
std::uint64_t crl_number(const fs::path& file) {
  const auto blocks = x509::pem_decode_all(content(file)).value();
  return x509::Crl::parse(blocks.at(0).der).value()->number();
}
std::vector<std::string> crl_entries(const fs::path& file) {
  const auto blocks = x509::pem_decode_all(content(file)).value();
  const auto crl = x509::Crl::parse(blocks.at(0).der).value();
  std::vector<std::string> found;
  for (const auto& entry : crl->entries()) {
    found.push_back(to_hex(entry.serial) + " " + std::string(to_string(entry.reason)) + " " +
                    to_rfc3339(entry.revoked_at));
  }
  return found;
}

class ExportPuppet : public testing::Test {
 protected:
  ExportPuppet() {
    add(store::InsertIssuer{{.id = issuer->id(),
                             .name = "Test Issuing CA",
                             .certificate = to_bytes(issuer->certificate().der())}});
  }

  void add(store::Mutation mutation) {
    const std::vector<store::WriteBatch> batches = {{std::move(mutation)}};
    ASSERT_TRUE(store->apply(batches).at(0).has_value());
  }

  store::CertificateRecord row(const std::string& certname, const std::string& serial) const {
    return {.issuer = issuer->id(),
            .serial = from_hex(serial).value(),
            .certname = certname,
            .der = {0x30, 0x00},
            .not_before = at("2026-01-01T00:00:00Z"),
            .not_after = at("2031-01-01T00:00:00Z")};
  }

  void keep(const std::string& name, const std::string& value) {
    add(store::PutDocument{.space = "puppet", .key = name, .value = value});
  }

  PuppetExport written() {
    PuppetCadirWriter writer(cadir);
    const PuppetExport done =
        write_puppet_cadir({*store, *issuer, key, parents, infra_inventory, at(kNow)}, writer);
    writer.publish();
    return done;
  }

  ca::testing::Folder folder;
  const fs::path cadir = folder.path() / "cadir";
  std::unique_ptr<store::Store> store = store::make_memory_store(x509::sha256);
  std::unique_ptr<ca::Issuer> issuer =
      ca::Issuer::create(TestCa::get().chain, x509::make_signer(TestCa::get().issuing_key()),
                         system_clock(), system_random())
          .value();
  const Secret key{TestCa::get().issuing_pem};
  std::string parents = "the parents\n";
  std::optional<std::string> infra_inventory;
};

TEST_F(ExportPuppet, AFolderOfNothingButTheCaHasEveryFileThatPuppetserverWants) {
  const PuppetExport done = written();
  EXPECT_THAT(names_in(cadir),
              UnorderedElementsAre("ca_crt.pem", "ca_key.pem", "ca_pub.pem", "ca_crl.pem", "serial",
                                   "inventory.txt", "signed", "requests"));
  EXPECT_EQ(content(cadir / "ca_crt.pem"), issuer->chain_pem());
  EXPECT_EQ(content(cadir / "inventory.txt"), "");
  EXPECT_EQ(content(cadir / "serial"), "0001");
  EXPECT_THAT(content(cadir / "ca_crl.pem"), testing::EndsWith("\nthe parents\n"));
  EXPECT_EQ(done.crl_number, 1U);
}

TEST_F(ExportPuppet, TheInventoryHasARowForEachCertificateAndTheFolderOneForEachName) {
  add(store::InsertCertificate{row("a.test", "03")});
  add(store::InsertCertificate{row("b.test", "61D4FDF9F52AD34D73E96C51C7037C34")});
  add(store::InsertCertificate{row("a.test", "02"), true});
  auto inventory_only = row("gone.test", "07");
  inventory_only.der.clear();
  inventory_only.current = false;
  add(store::InsertCertificate{inventory_only});
  auto service = row("ca.test", "62D4FDF9F52AD34D73E96C51C7037C34");
  service.rule = "service";
  service.current = false;
  add(store::InsertCertificate{service});
  const PuppetExport done = written();
  constexpr const char* kDates = " 2026-01-01T00:00:00UTC 2031-01-01T00:00:00UTC /CN=";
  EXPECT_EQ(content(cadir / "inventory.txt"),
            std::string("0x0003") + kDates + "a.test\n" + "0x61D4FDF9F52AD34D73E96C51C7037C34" +
                kDates + "b.test\n0x0002" + kDates + "a.test\n0x0007" + kDates + "gone.test\n" +
                "0x62D4FDF9F52AD34D73E96C51C7037C34" + kDates + "ca.test\n");
  EXPECT_THAT(names_in(cadir / "signed"), UnorderedElementsAre("a.test.pem", "b.test.pem"));
  EXPECT_EQ(content(cadir / "serial"), "0008");
  EXPECT_EQ(done.certificates, 5U);
  EXPECT_EQ(done.signed_, 2U);
  EXPECT_EQ(done.valid_outside, 2U) << "the first of a.test, and gone.test";
}

TEST_F(ExportPuppet, WhatOnlyACrlKnewOfIsInTheCrlAndNowhereElse) {
  auto unknown = row(std::string(ca::kUnknownCertname), "2A");
  unknown.der.clear();
  unknown.current = false;
  unknown.revocation = {at("2026-02-03T04:05:06Z"), 1};
  add(store::InsertCertificate{unknown});
  const PuppetExport done = written();
  EXPECT_EQ(done.certificates, 0U);
  EXPECT_EQ(content(cadir / "inventory.txt"), "");
  EXPECT_EQ(crl_entries(cadir / "ca_crl.pem").size(), 1U);
  EXPECT_EQ(done.serial, "002B");
}

TEST_F(ExportPuppet, TheSerialGoesOnWhereTheImportedOneStood) {
  keep("serial", "00FF");
  add(store::InsertCertificate{row("a.test", "0A")});
  EXPECT_EQ(written().serial, "00FF");
  EXPECT_EQ(content(cadir / "serial"), "00FF");
}

TEST_F(ExportPuppet, TheCrlHoldsWhatIsRevokedAndNotExpiredWithDateAndReasonAndTheNextNumber) {
  auto revoked = row("a.test", "03");
  revoked.revocation = {at("2026-02-03T04:05:06Z"), 4};
  auto expired = row("b.test", "04");
  expired.not_after = at("2026-05-01T00:00:00Z");
  expired.revocation = {at("2026-02-03T04:05:06Z"), 1};
  add(store::InsertCertificate{revoked});
  add(store::InsertCertificate{expired});
  for (const std::uint64_t number : {1U, 2U}) {
    const PuppetExport done = written();
    EXPECT_EQ(done.revoked, 1U);
    EXPECT_EQ(done.crl_number, number);
    EXPECT_EQ(crl_number(cadir / "ca_crl.pem"), number);
    EXPECT_THAT(crl_entries(cadir / "ca_crl.pem"),
                ElementsAre("03 superseded 2026-02-03T04:05:06Z"));
    // A revoked certificate stands for its name until it is cleaned; so does an expired one.
    EXPECT_THAT(names_in(cadir / "signed"), UnorderedElementsAre("a.test.pem", "b.test.pem"));
    EXPECT_EQ(store->last_crl(issuer->id()).value()->number, number);
    fs::remove_all(cadir);
  }
  EXPECT_EQ(store->audit("Test Issuing CA", 10).value().size(), 2U);
}

TEST_F(ExportPuppet, RequestsThatWaitAreWrittenAndNoOthers) {
  for (const char* name : {"a.test", "b.test"}) {
    store::RequestRecord request;
    request.id = std::string("01") + name;
    request.certname = name;
    request.csr = {0x30, 0x00};
    add(store::InsertRequest{request});
  }
  add(store::WithdrawRequest{"b.test", at(kNow), "someone"});
  EXPECT_EQ(written().requests, 1U);
  EXPECT_THAT(names_in(cadir / "requests"), ElementsAre("a.test.pem"));
  EXPECT_EQ(content(cadir / "requests/a.test.pem"),
            "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n");
}

TEST_F(ExportPuppet, WhatIsOfAnotherCaOrNoFileCanBeCalledIsLeftOutAndCounted) {
  add(store::InsertIssuer{{.id = "AA", .name = "other", .certificate = {0x30, 0x00}}});
  auto foreign = row("foreign.test", "7000");
  foreign.issuer = "AA";
  add(store::InsertCertificate{foreign});
  add(store::InsertCertificate{row("../../outside", "03")});
  const PuppetExport done = written();
  EXPECT_EQ(done.foreign, 1U);
  EXPECT_EQ(done.unfit, 1U);
  EXPECT_EQ(done.certificates, 1U);
  EXPECT_TRUE(names_in(cadir / "signed").empty());
  EXPECT_FALSE(fs::exists(folder.path() / "outside.pem"));
  EXPECT_EQ(done.serial, "0004");
}

TEST_F(ExportPuppet, TheInfraCrlHasTheRevokedOnesOfTheListAndItsOwnNumber) {
  keep("file:infra_inventory.txt", "compiler.test\n\nother.test \n");
  keep("file:infra_crl.pem",
       x509::pem_encode(
           x509::kPemCrl,
           issuer
               ->sign_crl(41, std::chrono::floor<std::chrono::seconds>(at("2026-01-01T00:00:00Z")),
                          std::chrono::floor<std::chrono::seconds>(at("2031-01-01T00:00:00Z")), {})
               .value()));
  for (const auto& [name, serial] : {std::pair("compiler.test", "0101"), {"node.test", "0102"}}) {
    auto revoked = row(name, serial);
    revoked.revocation = {at("2026-02-03T04:05:06Z"), 1};
    add(store::InsertCertificate{revoked});
  }
  add(store::InsertCertificate{row("other.test", "61D4FDF9F52AD34D73E96C51C7037C34")});
  EXPECT_TRUE(written().infra);
  EXPECT_EQ(content(cadir / "infra_inventory.txt"), "compiler.test\n\nother.test \n");
  EXPECT_EQ(content(cadir / "infra_serials"), "257\n130041033778464013192087931032114002996\n");
  EXPECT_EQ(crl_number(cadir / "infra_crl.pem"), 42U);
  EXPECT_THAT(crl_entries(cadir / "infra_crl.pem"),
              ElementsAre("0101 keyCompromise 2026-02-03T04:05:06Z"));
  EXPECT_EQ(crl_entries(cadir / "ca_crl.pem").size(), 2U);
}

TEST_F(ExportPuppet, TheInfraFilesAreThoseOfToday) {
  keep("file:infra_inventory.txt", "old.test\n");
  const auto from = std::chrono::floor<std::chrono::seconds>(at("2026-01-01T00:00:00Z"));
  const Bytes served = issuer->sign_crl(50, from, from + std::chrono::days(365), {}).value();
  add(store::PutDocument{
      .space = "crl", .key = "infra", .value = x509::pem_encode(x509::kPemCrl, served)});
  infra_inventory = "compiler.test\n";
  auto revoked = row("compiler.test", "0101");
  revoked.revocation = {at("2026-02-03T04:05:06Z"), 1};
  add(store::InsertCertificate{revoked});
  EXPECT_TRUE(written().infra);
  EXPECT_EQ(content(cadir / "infra_inventory.txt"), "compiler.test\n");
  EXPECT_EQ(crl_number(cadir / "infra_crl.pem"), 51U);
  EXPECT_EQ(crl_entries(cadir / "infra_crl.pem").size(), 1U);
}

TEST_F(ExportPuppet, WhatIsNotPublishedIsRemovedWithItsKey) {
  {
    PuppetCadirWriter writer(cadir);
    write_puppet_cadir({*store, *issuer, key, parents, {}, at(kNow)}, writer);
    EXPECT_TRUE(fs::exists(folder.path() / "cadir.part/ca_key.pem"));
    EXPECT_FALSE(fs::exists(cadir));
    EXPECT_EQ(fs::status(folder.path() / "cadir.part").permissions(), fs::perms::owner_all);
  }
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST_F(ExportPuppet, AFolderThatWasFilledMeanwhileIsNotReplaced) {
  fs::create_directory(cadir);
  PuppetCadirWriter writer(cadir);
  folder.write("cadir/mine", "kept");
  EXPECT_THROW(writer.publish(), Failure);
  EXPECT_EQ(content(cadir / "mine"), "kept");
}

TEST_F(ExportPuppet, AFileOrALinkInThePlaceOfTheFolderIsRefused) {
  folder.write("cadir", "a file");
  EXPECT_THROW(PuppetCadirWriter{cadir}, Failure);
  fs::remove(cadir);
  fs::create_symlink(folder.path() / "nowhere", cadir);
  EXPECT_THROW(PuppetCadirWriter{cadir}, Failure);
  EXPECT_THAT(names_in(folder.path()), ElementsAre("cadir"));
}

}  // namespace
}  // namespace countersign::cli
