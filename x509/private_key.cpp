#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "x509/key.h"
#include "x509/key_handle.h"
#include "x509/signature_algorithm.h"

namespace countersign::x509 {
namespace {

// OWASP's figure for PBKDF2-HMAC-SHA256; OpenSSL's own default, 2048, dates from 1999.
constexpr int kIterations = 600'000;

::EVP_PKEY* generate_key(const KeySpec& spec) {
  switch (spec.algorithm) {
    case KeyAlgorithm::rsa:
      return ::EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(spec.bits));
    case KeyAlgorithm::ec: {
      const std::string curve = "P-" + std::to_string(spec.bits);
      return ::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.c_str());
    }
    case KeyAlgorithm::ed25519:
      return ::EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case KeyAlgorithm::other:
      break;
  }
  return nullptr;
}

Bytes encode_spki(::EVP_PKEY* key) {
  std::uint8_t* der = nullptr;
  const int size = ::i2d_PUBKEY(key, &der);
  if (size <= 0) return {};
  Bytes spki(der, der + size);
  ::OPENSSL_free(der);
  return spki;
}

struct Passphrase {
  std::string_view text;
  bool was_asked_for = false;
};

int give_passphrase(char* buffer, int size, int /*encrypting*/, void* user) {
  auto* passphrase = static_cast<Passphrase*>(user);
  passphrase->was_asked_for = true;
  if (passphrase->text.empty() || passphrase->text.size() > static_cast<std::size_t>(size)) {
    return -1;
  }
  std::memcpy(buffer, passphrase->text.data(), passphrase->text.size());
  return static_cast<int>(passphrase->text.size());
}

bool write_encrypted(::BIO* out, ::EVP_PKEY* key, std::string_view passphrase) {
  std::array<std::uint8_t, 16> salt{};
  const Owned<::PKCS8_PRIV_KEY_INFO> info(::EVP_PKEY2PKCS8(key));
  if (!info || ::RAND_bytes(salt.data(), static_cast<int>(salt.size())) != 1) return false;
  // -1 asks for PBES2, whose PRF is HMAC-SHA256 by default (RFC 8018 6.2).
  const Owned<::X509_SIG> encrypted(::PKCS8_encrypt(
      -1, ::EVP_aes_256_cbc(), passphrase.data(), static_cast<int>(passphrase.size()), salt.data(),
      static_cast<int>(salt.size()), kIterations, info.get()));
  return encrypted && ::PEM_write_bio_PKCS8(out, encrypted.get()) == 1;
}

bool write_plain(::BIO* out, ::EVP_PKEY* key) {
  return ::PEM_write_bio_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
}

// The handle of a pair, and the public key alone, read back from its encoding so that it holds no
// trace of the private half.
Result<std::pair<std::shared_ptr<PublicKey::Handle>, PublicKey>> make_pair(Owned<::EVP_PKEY> key) {
  auto public_key = PublicKey::parse(encode_spki(key.get()));
  if (!public_key) return public_key.error();
  if (public_key->spec().algorithm == KeyAlgorithm::other) {
    return fail(Code::bad_key, "Keys of this kind cannot sign here.");
  }
  auto pair = std::make_shared<PublicKey::Handle>();
  pair->spec = public_key->spec();
  pair->key = std::move(key);
  return std::pair(std::move(pair), std::move(*public_key));
}

}  // namespace

Result<PrivateKey> PrivateKey::generate(const KeySpec& spec) {
  Owned<::EVP_PKEY> key(generate_key(spec));
  if (!key) {
    return fail(Code::bad_key, "A key of the kind " + to_string(spec) + " cannot be made.",
                drain_errors());
  }
  auto pair = make_pair(std::move(key));
  if (!pair) return pair.error();
  PrivateKey made;
  made.pair_ = std::move(pair->first);
  made.public_ = std::move(pair->second);
  return made;
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem, std::string_view passphrase) {
  const Owned<::BIO> in(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Passphrase answer{.text = passphrase};
  Owned<::EVP_PKEY> key(::PEM_read_bio_PrivateKey(in.get(), nullptr, give_passphrase, &answer));
  if (!key) {
    const char* detail = !answer.was_asked_for ? "The text holds no private key that can be read."
                         : passphrase.empty()
                             ? "The private key is encrypted and no passphrase was given."
                             : "The passphrase does not open the private key.";
    return fail(Code::bad_key, detail, drain_errors());
  }
  drain_errors();  // the decoders that were tried in vain leave theirs
  auto pair = make_pair(std::move(key));
  if (!pair) return pair.error();
  PrivateKey read;
  read.pair_ = std::move(pair->first);
  read.public_ = std::move(pair->second);
  return read;
}

std::string PrivateKey::to_pem(std::string_view passphrase) const {
  const Owned<::BIO> out(::BIO_new(::BIO_s_mem()));
  const bool written =
      out && (passphrase.empty() ? write_plain(out.get(), pair_->key.get())
                                 : write_encrypted(out.get(), pair_->key.get(), passphrase));
  if (!written) throw std::runtime_error("cannot encode a private key: " + drain_errors());
  char* data = nullptr;
  const long size = ::BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

const PublicKey& PrivateKey::public_key() const { return public_; }

Bytes PrivateKey::signature_algorithm() const {
  return encode(signature_algorithm_for(public_.spec()));
}

Result<Bytes> PrivateKey::sign(ByteView data) const {
  const SignatureAlgorithm& algorithm = signature_algorithm_for(public_.spec());
  const ::EVP_MD* digest = algorithm.digest ? fetched(*algorithm.digest) : nullptr;
  const Owned<::EVP_MD_CTX> context(::EVP_MD_CTX_new());
  Bytes signature(static_cast<std::size_t>(::EVP_PKEY_get_size(pair_->key.get())));
  std::size_t size = signature.size();
  if (!context ||
      ::EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, pair_->key.get()) != 1 ||
      ::EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()) != 1) {
    return fail(Code::unavailable, "The signing key cannot be used now.", drain_errors());
  }
  signature.resize(size);  // an ECDSA signature varies in length
  return signature;
}

}  // namespace countersign::x509
