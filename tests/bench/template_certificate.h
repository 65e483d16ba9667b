// Certificates that are alike but for what differs from machine to machine, without a signature
// for each: one that the CA issued is the template, and what is written over is its serial, name,
// key, key id and the bits of its signature. They parse; they verify against nobody.
#ifndef COUNTERSIGN_TESTS_BENCH_TEMPLATE_CERTIFICATE_H_
#define COUNTERSIGN_TESTS_BENCH_TEMPLATE_CERTIFICATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "store/records.h"

namespace countersign::bench {

class TemplateCertificate {
 public:
  // The rows of one enrolment of a name of `kNameHex` hex digits and a domain, by a P-256 key.
  // Throws std::runtime_error if they are not that.
  TemplateCertificate(store::CertificateRecord certificate, store::RequestRecord request,
                      store::AuditRecord audit);

  static constexpr std::size_t kNameHex = 16;

  // What tells the certificate of an index from the others: the same for an index in every store.
  struct Identity {
    std::string label;  // the first of its name, kNameHex digits
    Bytes serial;       // kSerialBytes
  };
  static constexpr std::size_t kSerialBytes = 20;
  static Identity identity_of(std::uint64_t index);

  struct Rows {
    store::CertificateRecord certificate;
    store::RequestRecord request;
    store::AuditRecord audit;
  };
  // The rows of another machine. Names and serials are scattered; of keys there are a few thousand,
  // for to make one takes as long as to store it.
  Rows rows_of(std::uint64_t index, Timestamp now) const;
  std::size_t der_bytes() const { return first_.certificate.der.size(); }

 private:
  struct Key {
    Bytes point;  // the last 64 bytes of its SPKI
    Bytes key_id;
  };
  // Where in a DER something stands.
  struct Places {
    std::vector<std::size_t> name;
    std::size_t point = 0;
    std::vector<std::size_t> noise;  // bytes that may be anything
  };
  void mark(const Bytes& der, Places& places) const;
  void patch(Bytes& der, const Places& places, const std::string& name, const Key& key,
             std::uint64_t seed) const;
  std::string renamed(std::string text, const std::string& name) const;

  const Rows first_;
  std::vector<Key> keys_;
  Bytes point_;
  std::size_t serial_at_ = 0;
  std::size_t key_id_at_ = 0;
  Places in_certificate_;
  Places in_request_;
};

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_TEMPLATE_CERTIFICATE_H_
