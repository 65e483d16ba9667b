#include "x509/signature_algorithm.h"

#include <algorithm>
#include <array>

#include "x509/der.h"

namespace countersign::x509 {
namespace {

// RFC 5758 3.2 (ECDSA), RFC 4055 5 (RSA), RFC 8410 3 (Ed25519).
constexpr std::array kAccepted = {
    SignatureAlgorithm{"1.2.840.10045.4.3.2", KeyAlgorithm::ec, Digest::sha256},
    SignatureAlgorithm{"1.2.840.10045.4.3.3", KeyAlgorithm::ec, Digest::sha384},
    SignatureAlgorithm{"1.2.840.10045.4.3.4", KeyAlgorithm::ec, Digest::sha512},
    SignatureAlgorithm{"1.2.840.113549.1.1.11", KeyAlgorithm::rsa, Digest::sha256},
    SignatureAlgorithm{"1.2.840.113549.1.1.12", KeyAlgorithm::rsa, Digest::sha384},
    SignatureAlgorithm{"1.2.840.113549.1.1.13", KeyAlgorithm::rsa, Digest::sha512},
    SignatureAlgorithm{"1.3.101.112", KeyAlgorithm::ed25519, std::nullopt},
};

struct Refused {
  std::string_view oid;
  std::string_view why;
};
constexpr std::array kRefused = {
    Refused{"1.2.840.113549.1.1.4", "uses MD5, which is broken. Sign with SHA-256 or better."},
    Refused{"1.2.840.113549.1.1.5", "uses SHA-1, which is broken. Sign with SHA-256 or better."},
    Refused{"1.2.840.10045.4.1", "uses SHA-1, which is broken. Sign with SHA-256 or better."},
    Refused{"1.2.840.10040.4.3", "uses SHA-1, which is broken. Sign with SHA-256 or better."},
    Refused{"1.2.840.113549.1.1.14", "uses SHA-224. Sign with SHA-256 or better."},
    Refused{"1.2.840.10045.4.3.1", "uses SHA-224. Sign with SHA-256 or better."},
    Refused{"1.2.840.113549.1.1.10",
            "is RSASSA-PSS, which is not accepted. Sign with PKCS#1 v1.5 padding "
            "(sha256WithRSAEncryption)."},
};

std::string refusal(const std::string& oid) {
  const auto* refused = std::ranges::find(kRefused, oid, &Refused::oid);
  if (refused != kRefused.end()) return "The signature " + std::string(refused->why);
  return "The signature algorithm " + oid + " is not accepted.";
}

}  // namespace

Result<SignatureAlgorithm> parse_signature_algorithm(ByteView der, KeyAlgorithm key) {
  der::Fault fault(Code::bad_proof);
  der::Reader outer(der, fault);
  der::Reader body = outer.enter(der::kSequence, "signature algorithm");
  const std::string oid = body.object_identifier("signature algorithm");
  const bool has_parameters = !body.at_end();
  const bool has_null = body.next_is(der::kNull);
  if (has_parameters) body.any("signature algorithm's parameters");
  body.finish("signature algorithm");
  outer.finish("signature algorithm");
  if (fault.found()) return fault.error();

  const auto* algorithm = std::ranges::find(kAccepted, oid, &SignatureAlgorithm::oid);
  if (algorithm == kAccepted.end()) return fail(Code::bad_proof, refusal(oid));
  if (algorithm->key != key) {
    return fail(Code::bad_proof, "The signature algorithm " + oid + " does not fit the key.");
  }
  // RFC 4055 5 wants NULL for RSA, yet tells readers to take absent ones too; the others have none.
  if (has_parameters && (algorithm->key != KeyAlgorithm::rsa || !has_null)) {
    return fail(Code::bad_proof, "The signature algorithm " + oid + " has wrong parameters.");
  }
  return *algorithm;
}

const SignatureAlgorithm& signature_algorithm_for(const KeySpec& spec) {
  if (spec.algorithm == KeyAlgorithm::ed25519) return kAccepted[6];
  if (spec.algorithm == KeyAlgorithm::rsa) return kAccepted[3];
  // RFC 5480 4: a digest of about the strength of the curve.
  return spec.bits <= 256 ? kAccepted[0] : spec.bits <= 384 ? kAccepted[1] : kAccepted[2];
}

Bytes encode(const SignatureAlgorithm& algorithm) {
  der::Writer writer;
  writer.nest(der::kSequence, [&] {
    writer.object_identifier(algorithm.oid);
    if (algorithm.key == KeyAlgorithm::rsa) writer.element(der::kNull, {});
  });
  return writer.take();
}

}  // namespace countersign::x509
