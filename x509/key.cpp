// SubjectPublicKeyInfo (RFC 5280 4.1.2.7) to a key of OpenSSL's.
#include "x509/key.h"

#include <openssl/core_names.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "x509/der.h"
#include "x509/digest.h"
#include "x509/key_handle.h"

namespace countersign::x509 {
namespace {

struct Curve {
  std::string_view oid;
  const char* group;
  int bits;
};
// RFC 5480 2.1.1.1.
constexpr std::array kCurves = {
    Curve{"1.2.840.10045.3.1.7", "P-256", 256},
    Curve{"1.3.132.0.34", "P-384", 384},
    Curve{"1.3.132.0.35", "P-521", 521},
};

constexpr std::string_view kRsaEncryption = "1.2.840.113549.1.1.1";  // RFC 3279 2.3.1
constexpr std::string_view kEcPublicKey = "1.2.840.10045.2.1";       // RFC 5480 2.1.1
constexpr std::string_view kEd25519 = "1.3.101.112";                 // RFC 8410 3

// The parts of a SubjectPublicKeyInfo.
struct Parts {
  std::string algorithm;
  der::Element parameters;  // tag 0 if absent
  ByteView key;
};

Parts read_parts(ByteView spki, der::Fault& fault) {
  Parts parts;
  der::Reader outer(spki, fault);
  der::Reader body = outer.enter(der::kSequence, "public key");
  outer.finish("public key");
  der::Reader algorithm = body.enter(der::kSequence, "public key's algorithm");
  parts.algorithm = algorithm.object_identifier("public key's algorithm");
  if (!algorithm.at_end()) {
    parts.parameters = algorithm.any("public key's parameters");
    der::check_value(parts.parameters, fault, "public key's parameters");
  }
  algorithm.finish("public key's algorithm");
  parts.key = body.bit_string("public key's bits");
  body.finish("public key");
  return parts;
}

// A key made from values that we read ourselves: OpenSSL's own decoder of keys costs ten times as
// much, and takes encodings that are not DER.
Owned<::EVP_PKEY> from_params(const char* type, int selection, std::span<::OSSL_PARAM> params) {
  const Owned<::EVP_PKEY_CTX> context(::EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  ::EVP_PKEY* key = nullptr;
  if (!context || ::EVP_PKEY_fromdata_init(context.get()) != 1 ||
      ::EVP_PKEY_fromdata(context.get(), &key, selection, params.data()) != 1) {
    return nullptr;
  }
  return Owned<::EVP_PKEY>(key);
}

// OSSL_PARAM has no const form; these keys are only read from.
char* unconst(const char* text) { return const_cast<char*>(text); }

// A key of the curve without a point. A copy that is then given its point costs a quarter of a key
// whose curve is built by name. Made once for the process; copying only reads it.
::EVP_PKEY* key_without_point(const Curve& curve) {
  static const auto table = [] {
    std::array<Owned<::EVP_PKEY>, kCurves.size()> made;
    for (std::size_t i = 0; i < kCurves.size(); ++i) {
      std::array params = {::OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                              unconst(kCurves[i].group), 0),
                           ::OSSL_PARAM_construct_end()};
      made[i] = from_params("EC", EVP_PKEY_KEY_PARAMETERS, params);
      if (!made[i]) {
        throw std::runtime_error("OpenSSL has no curve " + std::string(kCurves[i].group) + ": " +
                                 drain_errors());
      }
    }
    return made;
  }();
  return table.at(static_cast<std::size_t>(&curve - kCurves.data())).get();
}

void load_ec(const Parts& parts, PublicKey::Handle& handle, der::Fault& fault) {
  if (parts.parameters.tag != der::kObjectIdentifier) {
    // RFC 5480 2.1.1: specifiedCurve must not be used. A made-up generator would let anyone claim
    // another's public key (CVE-2020-0601).
    return fault.note(
        "The EC key spells out its curve's parameters. Only curves given by name are accepted.");
  }
  const std::string oid = der::oid_text(parts.parameters.content).value_or("");
  const auto* curve = std::ranges::find(kCurves, oid, &Curve::oid);
  if (curve == kCurves.end()) return;  // OpenSSL may know it; check_key refuses it by name
  const std::uint8_t form = parts.key.empty() ? 0 : parts.key[0];
  if (form < 2 || form > 4) {
    return fault.note("The EC key's point is neither uncompressed nor compressed.");
  }
  handle.spec = {KeyAlgorithm::ec, curve->bits};
  handle.kind = curve->group;
  Owned<::EVP_PKEY> key(::EVP_PKEY_dup(key_without_point(*curve)));
  if (!key ||
      ::EVP_PKEY_set1_encoded_public_key(key.get(), parts.key.data(), parts.key.size()) != 1) {
    return fault.note("The EC key's point is not on its curve.");
  }
  handle.key = std::move(key);
}

void load_rsa(const Parts& parts, PublicKey::Handle& handle, der::Fault& fault) {
  // RFC 3279 2.3.1: the parameters are NULL.
  if (parts.parameters.tag != der::kNull) {
    return fault.note("The RSA key's parameters are not NULL.");
  }
  der::Reader outer(parts.key, fault);
  der::Reader body = outer.enter(der::kSequence, "RSA key");
  outer.finish("RSA key");
  const ByteView modulus = body.unsigned_integer("RSA key's modulus");
  const ByteView exponent = body.unsigned_integer("RSA key's exponent");
  body.finish("RSA key");
  if (fault.found()) return;
  // Through BIGNUM because numbers in an OSSL_PARAM have the machine's byte order.
  const Owned<::BIGNUM> n(::BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  const Owned<::BIGNUM> e(::BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  handle.spec = {KeyAlgorithm::rsa, ::BN_num_bits(n.get())};
  handle.kind = "RSA";
  Bytes native_n(modulus.size());
  Bytes native_e(exponent.size());
  std::array params = {
      ::OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, native_n.data(), native_n.size()),
      ::OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, native_e.data(), native_e.size()),
      ::OSSL_PARAM_construct_end(),
  };
  if (::OSSL_PARAM_set_BN(&params[0], n.get()) == 1 &&
      ::OSSL_PARAM_set_BN(&params[1], e.get()) == 1) {
    handle.key = from_params("RSA", EVP_PKEY_PUBLIC_KEY, params);
  }
}

void load_ed25519(const Parts& parts, PublicKey::Handle& handle, der::Fault& fault) {
  // RFC 8410 3: the parameters are absent.
  if (parts.parameters.tag != 0) return fault.note("The Ed25519 key has parameters.");
  if (parts.key.size() != 32) return fault.note("The Ed25519 key is not 32 bytes.");
  handle.spec = {KeyAlgorithm::ed25519, 256};
  handle.kind = "Ed25519";
  handle.key.reset(
      ::EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, parts.key.data(), parts.key.size()));
}

// Kinds that check_key refuses: read only so that it can say what they are.
void load_other(PublicKey::Handle& handle) {
  const std::uint8_t* at = handle.spki.data();
  handle.key.reset(::d2i_PUBKEY(nullptr, &at, static_cast<long>(handle.spki.size())));
  if (!handle.key) return;
  handle.spec = {KeyAlgorithm::other, ::EVP_PKEY_get_bits(handle.key.get())};
  std::array<char, 80> name{};
  if (::EVP_PKEY_get_group_name(handle.key.get(), name.data(), name.size(), nullptr) == 1) {
    handle.kind = name.data();
  } else if (const char* type = ::EVP_PKEY_get0_type_name(handle.key.get())) {
    handle.kind = type;
  }
  drain_errors();  // the question for a group name leaves one where there is none
}

}  // namespace

Result<PublicKey> PublicKey::parse(ByteView spki) {
  der::Fault fault(Code::bad_key);
  auto handle = std::make_shared<Handle>();
  handle->spki = to_bytes(spki);
  const Parts parts = read_parts(handle->spki, fault);
  if (!fault.found()) {
    handle->key_offset = handle->spki.size() - parts.key.size();
    if (parts.algorithm == kEcPublicKey) {
      load_ec(parts, *handle, fault);
    } else if (parts.algorithm == kRsaEncryption) {
      load_rsa(parts, *handle, fault);
    } else if (parts.algorithm == kEd25519) {
      load_ed25519(parts, *handle, fault);
    }
    if (!handle->key && !fault.found()) load_other(*handle);
  }
  if (fault.found()) {
    Error error = fault.error();
    error.cause = drain_errors();
    return error;
  }
  if (!handle->key) {
    return fail(Code::bad_key, "The public key (algorithm " + parts.algorithm + ") cannot be read.",
                drain_errors());
  }
  PublicKey key;
  key.handle_ = std::move(handle);
  return key;
}

ByteView PublicKey::spki() const { return handle_->spki; }
const KeySpec& PublicKey::spec() const { return handle_->spec; }
Bytes PublicKey::key_id() const { return sha1(handle_->key_bits()); }

}  // namespace countersign::x509
