// Makes Puppet CA directories as puppetserver does, whole or with a damage.
#ifndef COUNTERSIGN_TESTS_CLI_CADIR_MAKER_H_
#define COUNTERSIGN_TESTS_CLI_CADIR_MAKER_H_

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/puppet_inventory.h"
#include "x509/certificate.h"
#include "x509/crl.h"
#include "x509/key.h"
#include "x509/pem.h"

namespace countersign::cli::testing {

namespace fs = std::filesystem;
using std::chrono::days;
using std::chrono::sys_seconds;

inline sys_seconds now_seconds() {
  return std::chrono::floor<std::chrono::seconds>(system_clock().now());
}

inline Bytes serial_bytes(std::uint64_t number) {
  Bytes bytes;
  for (; number > 0; number >>= 8U) bytes.insert(bytes.begin(), std::uint8_t(number & 0xFFU));
  return bytes.empty() ? Bytes{0} : bytes;
}

inline void put(const fs::path& path, std::string_view content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

inline std::string get(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct TestCa {
  x509::PrivateKey key;
  std::shared_ptr<const x509::Certificate> certificate;
};

inline TestCa make_test_ca(const std::string& name, const x509::KeySpec& spec,
                           const TestCa* parent = nullptr) {
  auto key = x509::PrivateKey::generate(spec).value();
  const x509::PrivateKey& signer = parent != nullptr ? parent->key : key;
  x509::CertificateContent content;
  content.serial = serial_bytes(parent != nullptr ? 2 : 1);
  content.subject = x509::common_name_only(name);
  content.issuer = parent != nullptr ? parent->certificate->subject() : content.subject;
  content.not_before = now_seconds() - days(1);
  content.not_after = now_seconds() + days(5000);
  content.spki = to_bytes(key.public_key().spki());
  content.extensions = {x509::basic_constraints(true),
                        x509::key_usage(x509::kKeyCertSign | x509::kCrlSign),
                        x509::subject_key_identifier(key.public_key().key_id()),
                        x509::authority_key_identifier(signer.public_key().key_id())};
  const Bytes algorithm = signer.signature_algorithm();
  const Bytes tbs = x509::encode_tbs(content, algorithm);
  auto made =
      x509::Certificate::parse(x509::assemble_signed(tbs, algorithm, signer.sign(tbs).value()));
  return {std::move(key), std::move(made).value()};
}

inline std::string crl_of(const TestCa& ca, std::uint64_t number,
                          const std::vector<x509::CrlEntry>& entries,
                          std::chrono::seconds lifetime = days(1825)) {
  const Bytes algorithm = ca.key.signature_algorithm();
  const Bytes tbs = x509::encode_tbs_crl({.issuer = ca.certificate->subject(),
                                          .authority_key_id = ca.certificate->subject_key_id(),
                                          .number = number,
                                          .this_update = now_seconds() - days(2),
                                          .next_update = now_seconds() - days(2) + lifetime,
                                          .entries = entries},
                                         algorithm);
  return x509::pem_encode(x509::kPemCrl,
                          x509::assemble_signed(tbs, algorithm, ca.key.sign(tbs).value()));
}

// A directory with an intermediate and a root. Thread-safe where it says so.
class CadirMaker {
 public:
  explicit CadirMaker(fs::path dir, const x509::KeySpec& spec = {x509::KeyAlgorithm::ec, 256},
                      const x509::KeySpec& leaf_spec = {x509::KeyAlgorithm::ec, 256})
      : folder(std::move(dir)),
        root(make_test_ca("Puppet Root CA: 1234", spec)),
        ca(make_test_ca("Puppet CA: ca.example.com", spec, &root)),
        leaf_key(x509::PrivateKey::generate(leaf_spec).value()) {
    fs::create_directories(folder / "signed");
    fs::create_directories(folder / "requests");
  }

  // Thread-safe.
  std::shared_ptr<const x509::Certificate> leaf(std::uint64_t serial,
                                                const std::string& name) const {
    return leaf_by(ca, serial, name);
  }
  std::shared_ptr<const x509::Certificate> leaf_by(const TestCa& by, std::uint64_t serial,
                                                   const std::string& name) const {
    x509::CertificateContent content;
    content.serial = serial_bytes(serial);
    content.subject = x509::common_name_only(name);
    content.issuer = by.certificate->subject();
    content.not_before = now_seconds() - days(1);
    content.not_after = now_seconds() + days(1825);
    content.spki = to_bytes(leaf_key.public_key().spki());
    content.extensions = {
        x509::netscape_comment("Puppet Server Internal Certificate"),
        x509::authority_key_identifier(by.certificate->subject_key_id()),
        x509::subject_key_identifier(leaf_key.public_key().key_id()),
        x509::basic_constraints(false),
        x509::key_usage(x509::kDigitalSignature | x509::kKeyEncipherment),
        x509::extended_key_usage(
            {std::string(x509::oid::kServerAuth), std::string(x509::oid::kClientAuth)}, true),
        x509::subject_alt_name({{x509::GeneralName::Type::dns, name}})};
    const Bytes algorithm = by.key.signature_algorithm();
    const Bytes tbs = x509::encode_tbs(content, algorithm);
    return x509::Certificate::parse(x509::assemble_signed(tbs, algorithm, by.key.sign(tbs).value()))
        .value();
  }

  void add_to_inventory(const x509::Certificate& certificate) {
    inventory += format_inventory_row({.serial = certificate.serial(),
                                       .not_before = certificate.not_before(),
                                       .not_after = certificate.not_after(),
                                       .subject = "CN=" + certificate.common_name()});
  }
  std::shared_ptr<const x509::Certificate> issue(const std::string& name) {
    auto made = leaf(next++, name);
    add_to_inventory(*made);
    put(folder / "signed" / (name + ".pem"), made->pem());
    return made;
  }
  void revoke(std::uint64_t serial, x509::RevocationReason reason) {
    entries.push_back({serial_bytes(serial), now_seconds() - days(3), reason});
  }

  // Everything that is no certificate's own file.
  void finish() const {
    put(folder / "ca_crt.pem", ca.certificate->pem() + root.certificate->pem());
    put(folder / "ca_key.pem", ca.key.to_pem(""));
    put(folder / "ca_crl.pem", crl_of(ca, 7, entries) + crl_of(root, 3, {}));
    put(folder / "serial", format_serial(serial_bytes(next)));
    put(folder / "inventory.txt", inventory);
  }

  const fs::path folder;
  const TestCa root;
  const TestCa ca;
  const x509::PrivateKey leaf_key;
  std::uint64_t next = 1;
  std::string inventory;
  std::vector<x509::CrlEntry> entries;
};

}  // namespace countersign::cli::testing

#endif  // COUNTERSIGN_TESTS_CLI_CADIR_MAKER_H_
