// Makes CRLs of the CAs above ours, right and wrong.
#ifndef COUNTERSIGN_TESTS_CA_CRL_MAKER_H_
#define COUNTERSIGN_TESTS_CA_CRL_MAKER_H_

#include <string>
#include <vector>

#include "tests/ca/authority_fixture.h"
#include "x509/crl.h"

namespace countersign::ca::testing {

struct ParentCrl {
  std::string issuer = "Test Root CA";
  const x509::PrivateKey* key = &TestCa::get().root_key;
  // keyIdentifier; empty: the extension is left out.
  Bytes key_id = TestCa::get().root_key.public_key().key_id();
  Bytes number = {5};
  std::chrono::sys_seconds this_update = x509::testing::at("2026-01-01T00:00:00Z");
  std::chrono::sys_seconds next_update = x509::testing::at("2027-01-01T00:00:00Z");
  std::vector<Bytes> revoked;               // serials
  bool critical_entry = false;              // certificateIssuer in each entry
  std::vector<x509::Extension> extensions;  // more

  ParentCrl with_number(std::uint8_t value) const {
    ParentCrl copy = *this;
    copy.number = {value};
    return copy;
  }
};

inline void write_entry(x509::der::Writer& w, const Bytes& serial, bool critical) {
  w.nest(x509::der::kSequence, [&] {
    w.unsigned_integer(serial);
    w.time(x509::testing::at("2026-01-01T00:00:00Z"));
    if (critical) {
      x509::write_extensions(w, {{.oid = "2.5.29.29", .critical = true, .value = {0x30, 0}}});
    }
  });
}

inline Bytes crl_der(const ParentCrl& crl) {
  using x509::testing::written;
  namespace der = x509::der;
  std::vector<x509::Extension> extensions = crl.extensions;
  if (!crl.key_id.empty()) extensions.push_back(x509::authority_key_identifier(crl.key_id));
  if (!crl.number.empty()) {
    extensions.push_back({.oid = std::string(x509::oid::kCrlNumber),
                          .critical = false,
                          .value = written([&](auto& w) { w.unsigned_integer(crl.number); })});
  }
  const Bytes tbs = written([&](der::Writer& w) {
    w.nest(der::kSequence, [&] {
      w.unsigned_integer(std::uint64_t{1});
      w.raw(crl.key->signature_algorithm());
      w.raw(x509::common_name_only(crl.issuer));
      w.time(crl.this_update);
      w.time(crl.next_update);
      if (!crl.revoked.empty()) {
        w.nest(der::kSequence, [&] {
          for (const Bytes& serial : crl.revoked) write_entry(w, serial, crl.critical_entry);
        });
      }
      w.nest(der::context_constructed(0), [&] { x509::write_extensions(w, extensions); });
    });
  });
  return x509::assemble_signed(tbs, crl.key->signature_algorithm(), crl.key->sign(tbs).value());
}

inline std::string crl_pem(const ParentCrl& crl) {
  return x509::pem_encode(x509::kPemCrl, crl_der(crl));
}

inline x509::Extension delta_indicator() {
  return {.oid = std::string(x509::oid::kDeltaCrlIndicator), .critical = true, .value = {2, 1, 1}};
}

}  // namespace countersign::ca::testing

#endif  // COUNTERSIGN_TESTS_CA_CRL_MAKER_H_
