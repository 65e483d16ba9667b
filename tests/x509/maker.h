// Makes requests and certificates, right and wrong, for the tests of x509/.
#ifndef COUNTERSIGN_TESTS_X509_MAKER_H_
#define COUNTERSIGN_TESTS_X509_MAKER_H_

#include <filesystem>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "x509/certificate.h"
#include "x509/csr.h"
#include "x509/der.h"
#include "x509/structure.h"

namespace countersign::x509::testing {

inline const PrivateKey& ec_key() {
  static const PrivateKey key = PrivateKey::generate({KeyAlgorithm::ec, 256}).value();
  return key;
}
inline const PrivateKey& other_key() {
  static const PrivateKey key = PrivateKey::generate({KeyAlgorithm::ec, 256}).value();
  return key;
}

// Tests run in the root of the tree.
inline std::filesystem::path test_folder() { return "tests"; }
inline Bytes test_data(const std::string& file) {
  const auto text = system_files().read(test_folder() / "data" / file, 1 << 20);
  return to_bytes(as_bytes(text.value()));
}

template <class Body>
Bytes written(Body body) {
  der::Writer writer;
  body(writer);
  return writer.take();
}

// One RDN.
inline Bytes rdn(std::string_view oid, std::uint8_t tag, std::string_view value) {
  return written([&](der::Writer& w) {
    w.nest(der::kSet, [&] {
      w.nest(der::kSequence, [&] {
        w.object_identifier(oid);
        w.element(tag, as_bytes(value));
      });
    });
  });
}
inline Bytes name_of(const std::vector<Bytes>& rdns) {
  return written([&](der::Writer& w) {
    w.nest(der::kSequence, [&] {
      for (const Bytes& part : rdns) w.raw(part);
    });
  });
}

inline Bytes attribute(std::string_view oid, const std::vector<Bytes>& values) {
  return written([&](der::Writer& w) {
    w.nest(der::kSequence, [&] {
      w.object_identifier(oid);
      w.nest(der::kSet, [&] {
        for (const Bytes& value : values) w.raw(value);
      });
    });
  });
}
inline Bytes text_value(std::uint8_t tag, std::string_view text) {
  return written([&](der::Writer& w) { w.element(tag, as_bytes(text)); });
}
inline Bytes extensions_value(const std::vector<Extension>& extensions) {
  return written([&](der::Writer& w) { write_extensions(w, extensions); });
}

struct CsrContent {
  std::uint64_t version = 0;
  Bytes subject = common_name_only("host.example.com");
  Bytes spki = to_bytes(ec_key().public_key().spki());
  std::vector<Bytes> attributes;
};

inline Bytes sign_csr(const Bytes& info, const PrivateKey& key = ec_key()) {
  return assemble_signed(info, key.signature_algorithm(), key.sign(info).value());
}
inline Bytes make_csr(const CsrContent& content, const PrivateKey& key = ec_key()) {
  return sign_csr(written([&](der::Writer& w) {
                    w.nest(der::kSequence, [&] {
                      w.unsigned_integer(content.version);
                      w.raw(content.subject);
                      w.raw(content.spki);
                      w.nest(der::context_constructed(0), [&] {
                        for (const Bytes& one : content.attributes) w.raw(one);
                      });
                    });
                  }),
                  key);
}
inline Bytes csr_with_subject(const std::vector<Bytes>& rdns) {
  CsrContent content;
  content.subject = name_of(rdns);
  return make_csr(content);
}
inline Bytes csr_with_attributes(std::vector<Bytes> attributes) {
  CsrContent content;
  content.attributes = std::move(attributes);
  return make_csr(content);
}
inline Bytes csr_with_extensions(const std::vector<Extension>& extensions) {
  return csr_with_attributes({attribute(oid::kExtensionRequest, {extensions_value(extensions)})});
}

// RSA SubjectPublicKeyInfo of a modulus of `bits` (all ones but the second octet) and an exponent.
inline Bytes rsa_spki(std::size_t bits, std::uint64_t exponent) {
  Bytes modulus(bits / 8, 0xFF);
  modulus[1] = 0x3B;
  const Bytes key = written([&](der::Writer& w) {
    w.nest(der::kSequence, [&] {
      w.unsigned_integer(modulus);
      w.unsigned_integer(exponent);
    });
  });
  return written([&](der::Writer& w) {
    w.nest(der::kSequence, [&] {
      w.nest(der::kSequence, [&] {
        w.object_identifier("1.2.840.113549.1.1.1");
        w.element(der::kNull, {});
      });
      w.bit_string(key);
    });
  });
}

inline std::chrono::sys_seconds at(const char* time) {
  return std::chrono::floor<std::chrono::seconds>(parse_rfc3339(time).value());
}

// A leaf that breaks no rule, issued by ec_key() to other_key().
inline CertificateContent leaf_content() {
  CertificateContent content;
  content.serial = Bytes(16, 0x7A);
  content.issuer = common_name_only("Test CA");
  content.subject = common_name_only("host.example.com");
  content.not_before = at("2026-01-01T00:00:00Z");
  content.not_after = at("2051-01-01T00:00:00Z");
  content.spki = to_bytes(other_key().public_key().spki());
  content.extensions = {
      basic_constraints(false),
      key_usage(kDigitalSignature | kKeyEncipherment),
      extended_key_usage({std::string(oid::kServerAuth), std::string(oid::kClientAuth)}, false),
      subject_key_identifier(other_key().public_key().key_id()),
      authority_key_identifier(ec_key().public_key().key_id()),
      subject_alt_name({{GeneralName::Type::dns, "host.example.com"}}),
      utf8_extension("1.3.6.1.4.1.34380.1.1.13", "webserver"),
  };
  return content;
}
inline Bytes issue(const CertificateContent& content, const PrivateKey& key = ec_key()) {
  const Bytes tbs = encode_tbs(content, key.signature_algorithm());
  return assemble_signed(tbs, key.signature_algorithm(), key.sign(tbs).value());
}

}  // namespace countersign::x509::testing

#endif  // COUNTERSIGN_TESTS_X509_MAKER_H_
