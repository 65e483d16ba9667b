#include "tests/bench/template_certificate.h"

#include <algorithm>
#include <stdexcept>

#include "base/random.h"
#include "ca/request_id.h"
#include "x509/certificate.h"
#include "x509/csr.h"
#include "x509/der.h"
#include "x509/key.h"

namespace countersign::bench {
namespace {

constexpr std::size_t kPoint = 64;
constexpr std::size_t kKeys = 4096;

// SplitMix64: numbers of a seed, scattered enough to be names.
class Scatter {
 public:
  explicit Scatter(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EB;
    return z ^ (z >> 31U);
  }

 private:
  std::uint64_t state_;
};

std::size_t place_of(const Bytes& der, ByteView part, const char* what) {
  const auto found = std::search(der.begin(), der.end(), part.begin(), part.end());
  if (part.empty() || found == der.end()) {
    throw std::runtime_error(std::string("the template holds no ") + what);
  }
  return static_cast<std::size_t>(found - der.begin());
}

// The signature is the last element of a certificate or a request: all of it that may differ. Of an
// ECDSA signature these are the lower bytes of its two integers.
std::vector<std::size_t> signature_bytes(const Bytes& der) {
  x509::der::Fault fault(Code::malformed);
  x509::der::Reader outer(der, fault);
  x509::der::Reader parts(outer.read(x509::der::kSequence, "the whole").content, fault);
  parts.any("what is signed");
  parts.any("the algorithm");
  ByteView bits = parts.read(x509::der::kBitString, "the signature").content.subspan(1);
  std::vector<ByteView> varying = {bits};
  if (bits.front() == x509::der::kSequence && bits.size() < 200) {
    x509::der::Reader sequence(bits, fault);
    x509::der::Reader integers(sequence.read(x509::der::kSequence, "r and s").content, fault);
    varying = {integers.read(x509::der::kInteger, "r").content,
               integers.read(x509::der::kInteger, "s").content};
  }
  if (fault.found()) throw std::runtime_error(fault.error().detail);
  std::vector<std::size_t> places;
  for (const ByteView view : varying) {
    const auto at = static_cast<std::size_t>(view.data() - der.data());
    for (std::size_t i = 2; i < view.size(); ++i) places.push_back(at + i);
  }
  return places;
}

}  // namespace

TemplateCertificate::TemplateCertificate(store::CertificateRecord certificate,
                                         store::RequestRecord request, store::AuditRecord audit)
    : first_{std::move(certificate), std::move(request), std::move(audit)} {
  for (std::size_t i = 0; i < kKeys; ++i) {
    const auto key = x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}).value();
    const ByteView spki = key.public_key().spki();
    keys_.push_back({to_bytes(spki.last(kPoint)), key.public_key().key_id()});
  }
  const Bytes& der = first_.certificate.der;
  const auto parsed = x509::Certificate::parse(der).value();
  point_ = to_bytes(parsed->public_key().spki().last(kPoint));
  if (first_.certificate.serial.size() != kSerialBytes) {
    throw std::runtime_error("the template's serial is of another length");
  }
  serial_at_ = place_of(der, first_.certificate.serial, "serial");
  key_id_at_ = place_of(der, parsed->subject_key_id(), "key id");
  mark(der, in_certificate_);
  mark(first_.request.csr, in_request_);
}

void TemplateCertificate::mark(const Bytes& der, Places& places) const {
  const ByteView name = as_bytes(first_.certificate.certname);
  place_of(der, name, "name");
  for (auto at = der.begin();;) {
    at = std::search(at, der.end(), name.begin(), name.end());
    if (at == der.end()) break;
    places.name.push_back(static_cast<std::size_t>(at - der.begin()));
    ++at;
  }
  places.point = place_of(der, point_, "P-256 key");
  places.noise = signature_bytes(der);
}

void TemplateCertificate::patch(Bytes& der, const Places& places, const std::string& name,
                                const Key& key, std::uint64_t seed) const {
  for (const std::size_t at : places.name) {
    std::ranges::copy(name, der.begin() + static_cast<std::ptrdiff_t>(at));
  }
  std::ranges::copy(key.point, der.begin() + static_cast<std::ptrdiff_t>(places.point));
  Scatter scatter(seed);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < places.noise.size(); ++i, bits >>= 8U) {
    if (i % 8 == 0) bits = scatter.next();
    der[places.noise[i]] = static_cast<std::uint8_t>(bits);
  }
}

std::string TemplateCertificate::renamed(std::string text, const std::string& name) const {
  const std::string& old = first_.certificate.certname;
  for (auto at = text.find(old); at != std::string::npos; at = text.find(old, at + old.size())) {
    text.replace(at, old.size(), name);
  }
  return text;
}

TemplateCertificate::Identity TemplateCertificate::identity_of(std::uint64_t index) {
  Scatter scatter(index * 4);
  Identity identity{std::string(kNameHex, '0'), Bytes(kSerialBytes)};
  static constexpr char kDigits[] = "0123456789abcdef";
  std::uint64_t bits = scatter.next();
  for (char& digit : identity.label) {
    digit = kDigits[bits & 15U];
    bits >>= 4U;
  }
  for (std::size_t i = 0; i < kSerialBytes; ++i, bits >>= 8U) {
    if (i % 8 == 0) bits = scatter.next();
    identity.serial[i] = static_cast<std::uint8_t>(bits);
  }
  // As an issuer makes them: some hundred in 1/64 s.
  const auto moment = static_cast<std::uint32_t>(index / 100 & 0x3FFFFFFFU) | 0x40000000U;
  for (std::size_t i = 0; i < 4; ++i) {
    identity.serial[i] = static_cast<std::uint8_t>(moment >> (24 - 8 * i));
  }
  return identity;
}

TemplateCertificate::Rows TemplateCertificate::rows_of(std::uint64_t index, Timestamp now) const {
  Rows rows = first_;
  auto& [certificate, request, audit] = rows;
  const Key& key = keys_[index % kKeys];
  Identity identity = identity_of(index);
  const std::string name = identity.label + certificate.certname.substr(kNameHex);
  certificate.serial = std::move(identity.serial);

  patch(certificate.der, in_certificate_, name, key, index);
  std::ranges::copy(certificate.serial,
                    certificate.der.begin() + static_cast<std::ptrdiff_t>(serial_at_));
  std::ranges::copy(key.key_id, certificate.der.begin() + static_cast<std::ptrdiff_t>(key_id_at_));
  certificate.certname = name;
  certificate.names = renamed(certificate.names, name);
  certificate.request_id = ca::new_request_id(now, system_random());
  certificate.issued_at = now;

  patch(request.csr, in_request_, name, key, ~index);
  request.id = certificate.request_id;
  request.certname = name;
  request.names = renamed(request.names, name);
  request.trace = renamed(request.trace, name);
  request.serial = certificate.serial;
  request.created_at = now;
  request.decided_at = now;

  audit.at = now;
  audit.subject = name;
  audit.serial = to_hex(certificate.serial);
  audit.detail = renamed(audit.detail, name);
  return rows;
}

}  // namespace countersign::bench
