#include "cli/puppet_cadir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "base/random.h"
#include "cli/failure.h"
#include "tests/cli/cadir_maker.h"
#include "tests/x509/maker.h"

namespace countersign::cli {
namespace {

using testing::CadirMaker;
using testing::get;
namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::put;

// A directory with three certificates, of which one is revoked, and a request.
class PuppetCadirTest : public ::testing::Test {
 protected:
  PuppetCadirTest() {
    maker.issue("a.example.com");
    maker.issue("b.example.com");
    maker.issue("c.example.com");
    maker.revoke(3, x509::RevocationReason::superseded);
    maker.finish();
    request("waiting.example.com", "waiting.example.com");
  }
  ~PuppetCadirTest() override { fs::remove_all(dir); }
  PuppetCadirTest(const PuppetCadirTest&) = delete;
  PuppetCadirTest& operator=(const PuppetCadirTest&) = delete;

 public:
  void request(const std::string& file, const std::string& name) const {
    x509::testing::CsrContent content;
    content.subject = x509::common_name_only(name);
    put(maker.folder / "requests" / (file + ".pem"),
        x509::pem_encode(x509::kPemCsr, x509::testing::make_csr(content)));
  }

 protected:
  PuppetCadir read(std::string_view passphrase = "") const {
    return read_puppet_cadir(maker.folder, passphrase, system_clock(), system_random());
  }
  std::vector<store::CertificateRecord> merged(PuppetCadir& cadir) const {
    return merge_certificates(cadir.inventory, std::move(cadir.files), cadir.revoked, "issuer",
                              cadir.issuer->certificate().not_after(), cadir.findings);
  }

  static fs::path new_folder() {
    std::string name = (fs::temp_directory_path() / "countersign-test-XXXXXX").string();
    return ::mkdtemp(name.data());
  }

  fs::path dir = new_folder();
  CadirMaker maker{dir / "ca"};
};

TEST_F(PuppetCadirTest, AWholeDirectoryIsReadWithoutAFinding) {
  PuppetCadir cadir = read();
  EXPECT_THAT(cadir.findings.entries(), IsEmpty());
  EXPECT_FALSE(cadir.changed);
  ASSERT_TRUE(cadir.issuer);
  EXPECT_EQ(cadir.issuer->chain().size(), 2U);
  EXPECT_EQ(format_serial(cadir.next_serial), "0004");
  EXPECT_EQ(cadir.crl->number(), 7U);
  EXPECT_THAT(cadir.parent_crls, HasSubstr("X509 CRL"));
  ASSERT_EQ(cadir.requests.size(), 1U);
  EXPECT_EQ(cadir.requests[0].certname, "waiting.example.com");
  const auto rows = merged(cadir);
  ASSERT_EQ(rows.size(), 3U);
  for (const auto& row : rows) EXPECT_TRUE(row.current && !row.der.empty()) << row.certname;
  EXPECT_FALSE(rows[0].revocation || rows[1].revocation);
  ASSERT_TRUE(rows[2].revocation);
  EXPECT_EQ(rows[2].revocation->reason, 4);
  EXPECT_EQ(rows[2].revocation->at, maker.entries[0].revoked_at);
}

TEST_F(PuppetCadirTest, WhatHasNoFileIsKnownByItsSerialAndWhatOnlyTheCrlKnowsStaysRevoked) {
  fs::remove(maker.folder / "signed/a.example.com.pem");
  maker.revoke(99, x509::RevocationReason::key_compromise);
  maker.finish();
  PuppetCadir cadir = read();
  const auto rows = merged(cadir);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].certname, "a.example.com");
  EXPECT_TRUE(rows[0].der.empty());
  EXPECT_FALSE(rows[0].current);
  EXPECT_EQ(rows[3].certname, "(unknown)");
  EXPECT_EQ(rows[3].not_after, cadir.issuer->certificate().not_after());
  ASSERT_TRUE(rows[3].revocation);
  EXPECT_EQ(cadir.findings.count(Severity::note), 1U);
}

TEST_F(PuppetCadirTest, TheCaIsFoundByItsKeyWhereverItStandsAndOtherCertificatesAreNamed) {
  const auto other = testing::make_test_ca("Old CA", {x509::KeyAlgorithm::ec, 256});
  put(maker.folder / "ca_crt.pem",
      other.certificate->pem() + maker.root.certificate->pem() + maker.ca.certificate->pem());
  const PuppetCadir cadir = read();
  ASSERT_TRUE(cadir.issuer);
  EXPECT_EQ(cadir.issuer->certificate().common_name(), "Puppet CA: ca.example.com");
  ASSERT_EQ(cadir.findings.entries().size(), 1U);
  EXPECT_EQ(cadir.findings.entries()[0].severity, Severity::left);
  EXPECT_THAT(cadir.findings.entries()[0].at.text, HasSubstr("'Old CA'"));
}

TEST_F(PuppetCadirTest, ALoneSelfSignedCaIsAChainOfOneWithoutCrlsAboveIt) {
  put(maker.folder / "ca_crt.pem", maker.root.certificate->pem());
  put(maker.folder / "ca_key.pem", maker.root.key.to_pem(""));
  put(maker.folder / "ca_crl.pem", testing::crl_of(maker.root, 0, {}));
  fs::remove_all(maker.folder / "signed");
  const PuppetCadir cadir = read();
  EXPECT_THAT(cadir.findings.entries(), IsEmpty());
  ASSERT_TRUE(cadir.issuer);
  EXPECT_EQ(cadir.issuer->chain().size(), 1U);
  EXPECT_EQ(cadir.parent_crls, "");
}

TEST_F(PuppetCadirTest, ACaThatItsOwnCrlRevokesIsNotTakenOver) {
  put(maker.folder / "ca_crt.pem", maker.root.certificate->pem());
  put(maker.folder / "ca_key.pem", maker.root.key.to_pem(""));
  put(maker.folder / "ca_crl.pem",
      testing::crl_of(maker.root, 3,
                      {{maker.root.certificate->serial(), testing::now_seconds(),
                        x509::RevocationReason::key_compromise}}));
  fs::remove_all(maker.folder / "signed");
  const PuppetCadir cadir = read();
  ASSERT_EQ(cadir.findings.count(Severity::fatal), 1U);
  EXPECT_THAT(cadir.findings.entries()[0].at.text, HasSubstr("0x0001, which is the CA itself"));
}

TEST_F(PuppetCadirTest, AnEncryptedKeyNeedsItsPassphrase) {
  put(maker.folder / "ca_key.pem", maker.ca.key.to_pem("secret"));
  EXPECT_TRUE(read("secret").issuer);
  for (const char* wrong : {"", "other"}) {
    const PuppetCadir cadir = read(wrong);
    EXPECT_FALSE(cadir.issuer);
    ASSERT_EQ(cadir.findings.count(Severity::fatal), 1U);
    EXPECT_THAT(cadir.findings.entries()[0].at.text, HasSubstr("--key-passphrase-file"));
  }
}

struct Damage {
  const char* what;
  std::function<void(const PuppetCadirTest&, const CadirMaker&)> bring_about;
  Severity severity;
  std::string file;
  std::size_t line;
  const char* text;
};

void append(const fs::path& path, const std::string& text) { put(path, get(path) + text); }

TEST_F(PuppetCadirTest, EveryDamageIsNamedByItsPlaceAndWhatItMeans) {
  const auto whole = dir / "whole";
  fs::copy(maker.folder, whole, fs::copy_options::recursive);
  const std::string row = maker.inventory.substr(0, maker.inventory.find('\n') + 1);
  const Damage damages[] = {
      {"no key", [](auto&, auto& m) { fs::remove(m.folder / "ca_key.pem"); }, Severity::fatal, "",
       0, "Missing: "},
      {"nothing at all",
       [](auto&, auto& m) {
         fs::remove_all(m.folder);
         fs::create_directories(m.folder);
       },
       Severity::fatal, "", 0, "Found: nothing. Missing: "},
      {"another key", [](auto&, auto& m) { put(m.folder / "ca_key.pem", m.leaf_key.to_pem("")); },
       Severity::fatal, "ca_crt.pem", 0, "none of its certificates has the key"},
      {"no root", [](auto&, auto& m) { put(m.folder / "ca_crt.pem", m.ca.certificate->pem()); },
       Severity::fatal, "ca_crt.pem", 0, "('Puppet Root CA: 1234') is not in it"},
      {"a key in the bundle",
       [](auto&, auto& m) { append(m.folder / "ca_crt.pem", m.leaf_key.to_pem("")); },
       Severity::fatal, "ca_crt.pem", 0, "PEM block 3: a 'PRIVATE KEY' does not belong here"},
      {"a CRL that is cut off",
       [](auto&, auto& m) {
         put(m.folder / "ca_crl.pem", get(m.folder / "ca_crl.pem").substr(0, 100));
       },
       Severity::fatal, "ca_crl.pem", 0, "X509 CRL"},
      {"a CRL of the root alone",
       [](auto&, auto& m) { put(m.folder / "ca_crl.pem", testing::crl_of(m.root, 1, {})); },
       Severity::fatal, "ca_crl.pem", 0, "would be trusted again"},
      {"a CRL by another key",
       [](auto&, auto& m) {
         const auto other =
             testing::make_test_ca("Puppet CA: ca.example.com", {x509::KeyAlgorithm::ec, 256});
         put(m.folder / "ca_crl.pem", testing::crl_of(other, 1, {}));
       },
       Severity::fatal, "ca_crl.pem", 0, "is not signed by its key"},
      {"a root CRL that ended",
       [](auto&, auto& m) {
         put(m.folder / "ca_crl.pem",
             testing::crl_of(m.ca, 1, {}) + testing::crl_of(m.root, 1, {}, std::chrono::hours(1)));
       },
       Severity::fatal, "ca_crl.pem", 0, "is past its nextUpdate"},
      {"no root CRL",
       [](auto&, auto& m) { put(m.folder / "ca_crl.pem", testing::crl_of(m.ca, 1, {})); },
       Severity::fatal, "ca_crl.pem", 0, "no CRL of 'Puppet Root CA: 1234'"},
      {"a root CRL that revokes this CA",
       [](auto&, auto& m) {
         put(m.folder / "ca_crl.pem",
             testing::crl_of(m.ca, 1, {}) +
                 testing::crl_of(m.root, 4,
                                 {{m.ca.certificate->serial(), testing::now_seconds(),
                                   x509::RevocationReason::ca_compromise}}));
       },
       Severity::fatal, "ca_crl.pem", 0, "the CRLs of the CAs above this one: "},
      {"a line of infra_inventory.txt that is no certname",
       [](auto&, auto& m) { put(m.folder / "infra_inventory.txt", "a.test\nno name\n"); },
       Severity::fatal, "", 0, "infra_inventory.txt:2: this line is no certname"},
      {"a subject that is not UTF-8",
       [](auto&, auto& m) {
         append(m.folder / "inventory.txt",
                "0x0010 2024-01-01T00:00:00UTC 2044-01-01T00:00:00UTC /CN=caf\xe9\n");
       },
       Severity::damage, "inventory.txt", 4, "not UTF-8"},
      {"a request with a weak key",
       [](auto&, auto& m) {
         x509::testing::CsrContent content;
         content.spki = x509::testing::rsa_spki(1024, 65537);
         put(m.folder / "requests/host.example.com.pem",
             x509::pem_encode(x509::kPemCsr, x509::testing::make_csr(content)));
       },
       Severity::damage, "requests/host.example.com.pem", 0, "1024 bits"},
      {"a request of somebody else's key",
       [](auto&, auto& m) {
         x509::testing::CsrContent content;
         put(m.folder / "requests/host.example.com.pem",
             x509::pem_encode(x509::kPemCsr, x509::testing::make_csr(content, m.leaf_key)));
       },
       Severity::damage, "requests/host.example.com.pem", 0, ""},
      {"a CRL of a stranger",
       [](auto&, auto& m) {
         const auto other = testing::make_test_ca("Other", {x509::KeyAlgorithm::ec, 256});
         append(m.folder / "ca_crl.pem", testing::crl_of(other, 1, {}));
       },
       Severity::left, "ca_crl.pem", 0, "not in the chain"},
      {"a revocation in the infra CRL alone",
       [](auto&, auto& m) {
         put(m.folder / "infra_crl.pem",
             testing::crl_of(m.ca, 1, {{.serial = {9}, .revoked_at = testing::now_seconds()}}));
       },
       Severity::warning, "infra_crl.pem", 0, "revokes 0x0009"},
      {"no serial", [](auto&, auto& m) { put(m.folder / "serial", "\n"); }, Severity::fatal,
       "serial", 1, "it is empty"},
      {"a serial that is no number", [](auto&, auto& m) { put(m.folder / "serial", "next"); },
       Severity::fatal, "serial", 1, "no hexadecimal number"},
      {"a serial that was given", [](auto&, auto& m) { put(m.folder / "serial", "0003"); },
       Severity::warning, "serial", 1, "0x0003 was given already"},
      {"an inventory that is cut off",
       [](auto&, auto& m) { append(m.folder / "inventory.txt", "0x0004 2024-01-01T0"); },
       Severity::damage, "inventory.txt", 4, "was it cut off?"},
      {"a row twice", [&row](auto&, auto& m) { append(m.folder / "inventory.txt", row); },
       Severity::note, "inventory.txt", 4, "with the same row"},
      {"a serial twice",
       [](auto&, auto& m) {
         append(m.folder / "inventory.txt",
                "0x0001 2024-01-01T00:00:00UTC 2044-01-01T00:00:00UTC /CN=z\n");
       },
       Severity::damage, "inventory.txt", 4, "another certificate, of 'a.example.com'"},
      {"two files of one serial",
       [](auto&, auto& m) { put(m.folder / "signed/z.pem", m.leaf(1, "z")->pem()); },
       Severity::damage, "signed/z.pem", 0, "its serial 0x0001 is also that of"},
      {"a file that is another's in the inventory",
       [](auto&, auto& m) {
         fs::remove(m.folder / "signed/a.example.com.pem");
         put(m.folder / "signed/z.pem", m.leaf(1, "z")->pem());
       },
       Severity::damage, "signed/z.pem", 0, "is of 'a.example.com' in inventory.txt"},
      {"a certificate under another name",
       [](auto&, auto& m) {
         fs::rename(m.folder / "signed/a.example.com.pem", m.folder / "signed/z.pem");
       },
       Severity::damage, "signed/z.pem", 0, "its CN is 'a.example.com'"},
      {"a certificate of another CA",
       [](auto&, auto& m) { put(m.folder / "signed/z.pem", m.leaf_by(m.root, 9, "z")->pem()); },
       Severity::damage, "signed/z.pem", 0, "by another CA ('Puppet Root CA: 1234')"},
      {"a certificate by another key",
       [](auto&, auto& m) {
         const auto other =
             testing::make_test_ca("Puppet CA: ca.example.com", {x509::KeyAlgorithm::ec, 256});
         put(m.folder / "signed/z.pem", m.leaf_by(other, 9, "z")->pem());
       },
       Severity::damage, "signed/z.pem", 0, "it is not by this CA's key"},
      {"a certificate that is no PEM",
       [](auto&, auto& m) { put(m.folder / "signed/z.pem", "nothing"); }, Severity::damage,
       "signed/z.pem", 0, "no PEM block 'CERTIFICATE'"},
      {"an empty file", [](auto&, auto& m) { put(m.folder / "signed/z.pem", ""); },
       Severity::damage, "signed/z.pem", 0, "it is empty"},
      {"a folder", [](auto&, auto& m) { fs::create_directories(m.folder / "signed/z.pem"); },
       Severity::damage, "signed/z.pem", 0, "it is a folder"},
      {"a FIFO", [](auto&, auto& m) { ::mkfifo((m.folder / "signed/z.pem").c_str(), 0600); },
       Severity::damage, "signed/z.pem", 0, "no regular file"},
      {"a link to nowhere",
       [](auto&, auto& m) { fs::create_symlink("nowhere", m.folder / "signed/z.pem"); },
       Severity::damage, "signed/z.pem", 0, "leads nowhere"},
      {"a link to itself",
       [](auto&, auto& m) { fs::create_symlink("z.pem", m.folder / "signed/z.pem"); },
       Severity::damage, "signed/z.pem", 0, "cannot be read"},
      {"a huge file",
       [](auto&, auto& m) { put(m.folder / "signed/z.pem", std::string(2 << 20, 'x')); },
       Severity::damage, "signed/z.pem", 0, "larger than"},
      {"a request of another name", [](auto& t, auto&) { t.request("z", "y"); }, Severity::damage,
       "requests/z.pem", 0, "Instance name \"y\" does not match requested key \"z\""},
      {"a request that is no PEM",
       [](auto&, auto& m) { put(m.folder / "requests/z.pem", "nothing"); }, Severity::damage,
       "requests/z.pem", 0, "ends too early"},
      {"a file of somebody's", [](auto&, auto& m) { put(m.folder / "notes.txt", "x"); },
       Severity::left, "notes.txt", 0, "no file of a Puppet CA"},
      {"the root's key", [](auto&, auto& m) { put(m.folder / "root_key.pem", "x"); },
       Severity::left, "root_key.pem", 0, "Keep it in a safe place"},
      {"a file beside the certificates",
       [](auto&, auto& m) { put(m.folder / "signed/a.pem.orig", "x"); }, Severity::left,
       "signed/a.pem.orig", 0, "does not end in .pem"},
  };
  for (const Damage& damage : damages) {
    SCOPED_TRACE(damage.what);
    fs::remove_all(maker.folder);
    fs::copy(whole, maker.folder, fs::copy_options::recursive);
    damage.bring_about(*this, maker);
    PuppetCadir cadir = read();
    if (cadir.issuer) check_next_serial(cadir.next_serial, merged(cadir), cadir.findings);
    bool found = false;
    std::string all;
    for (const auto& [severity, at] : cadir.findings.entries()) {
      all += std::string(to_string(severity)) + " " + at.file + ":" + std::to_string(at.line) +
             ": " + at.text + "\n";
      found = found || (severity == damage.severity && at.file == damage.file &&
                        at.line == damage.line && at.text.find(damage.text) != std::string::npos);
    }
    EXPECT_TRUE(found) << all;
  }
}

TEST_F(PuppetCadirTest, WhatIsLeftOutOfADamagedPairIsKnownByItsSerialStill) {
  fs::rename(maker.folder / "signed/a.example.com.pem", maker.folder / "signed/z.pem");
  PuppetCadir cadir = read();
  const auto rows = merged(cadir);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].certname, "a.example.com");
  EXPECT_FALSE(rows[0].der.empty());
  EXPECT_FALSE(rows[0].current) << "no name stands for it";
}

TEST_F(PuppetCadirTest, TheCasOwnRowAndSubjectsOfSeveralPartsAreCertnamesOfNoMachine) {
  append(maker.folder / "inventory.txt",
         "0x0010 2024-01-01T00:00:00UTC 2044-01-01T00:00:00UTC /CN=Puppet CA: ca.example.com\n"
         "0x0011 2024-01-01T00:00:00UTC 2044-01-01T00:00:00UTC /CN=a,OU=b\n"
         "0x0012 2024-01-01T00:00:00UTC 2044-01-01T00:00:00UTC /O=c\n");
  PuppetCadir cadir = read();
  const auto rows = merged(cadir);
  EXPECT_EQ(rows.at(3).certname, "Puppet CA: ca.example.com");
  EXPECT_EQ(rows.at(4).certname, "a,OU=b");
  EXPECT_EQ(rows.at(5).certname, "O=c");
}

TEST_F(PuppetCadirTest, NothingInTheDirectoryIsChangedByReading) {
  const auto before = fs::last_write_time(maker.folder);
  const auto text = get(maker.folder / "inventory.txt");
  read();
  EXPECT_EQ(fs::last_write_time(maker.folder), before);
  EXPECT_EQ(get(maker.folder / "inventory.txt"), text);
}

// A puppetserver that revokes while the directory is read.
class BusyClock : public Clock {
 public:
  explicit BusyClock(fs::path file) : file_(std::move(file)) {}
  Timestamp now() const override {
    put(file_, get(file_) + "\n");
    return system_clock().now();
  }

 private:
  fs::path file_;
};

TEST_F(PuppetCadirTest, ADirectoryThatChangesWhileItIsReadIsSaidToHave) {
  for (const char* file : {"ca_crl.pem", "inventory.txt", "serial", "signed/a.example.com.pem.tmp",
                           "requests/a.example.com.pem.tmp"}) {
    const BusyClock clock(maker.folder / file);
    EXPECT_TRUE(read_puppet_cadir(maker.folder, "", clock, system_random()).changed) << file;
  }
}

TEST_F(PuppetCadirTest, AFolderThatMayNotBeReadIsNotCalledEmpty) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  fs::permissions(dir, fs::perms(0755));
  fs::permissions(maker.folder, fs::perms(0700));
  constexpr uid_t kNobody = 65534;
  ASSERT_EQ(::seteuid(kNobody), 0);
  std::string said;
  try {
    read();
  } catch (const Failure& failure) {
    said = failure.what();
  }
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_THAT(said, HasSubstr("permission denied"));
}

TEST_F(PuppetCadirTest, AFolderThatIsNotThereIsAMistakeOfTheCommandLine) {
  EXPECT_THROW(read_puppet_cadir(dir / "nowhere", "", system_clock(), system_random()), Failure);
}

}  // namespace
}  // namespace countersign::cli
