#include "api/http/tls_context.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>

#include "x509/openssl.h"
#include "x509/pem.h"

namespace countersign::api {
namespace {

using Parsed = std::shared_ptr<const x509::Certificate>;

void free_parsed(void*, void* parsed, ::CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Parsed*>(parsed);
}

// Where a connection keeps its client certificate from the check in the handshake to the session,
// and a context its ClientTrust.
int peer_slot() {
  static const int slot = ::SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_parsed);
  return slot;
}
int trust_slot() {
  static const int slot = ::SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

Parsed parse(::X509* certificate) {
  const int size = ::i2d_X509(certificate, nullptr);
  if (size <= 0) return nullptr;
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* out = der.data();
  ::i2d_X509(certificate, &out);
  auto parsed = x509::Certificate::parse(der);
  return parsed.has_value() ? *parsed : nullptr;
}

void keep(::SSL* connection, Parsed certificate) {
  delete static_cast<Parsed*>(::SSL_get_ex_data(connection, peer_slot()));
  auto kept = std::make_unique<Parsed>(std::move(certificate));
  if (::SSL_set_ex_data(connection, peer_slot(), kept.get()) == 1) (void)kept.release();
}

// OpenSSL has built and checked the chain; at the leaf we add what only the store knows. An
// exception may not pass through OpenSSL, and is a refusal.
int verify_leaf(int preverified, ::X509_STORE_CTX* store) noexcept try {
  if (preverified != 1 || ::X509_STORE_CTX_get_error_depth(store) != 0) return preverified;
  auto* connection = static_cast<::SSL*>(
      ::X509_STORE_CTX_get_ex_data(store, ::SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* trust = static_cast<const ClientTrust*>(
      ::SSL_CTX_get_ex_data(::SSL_get_SSL_CTX(connection), trust_slot()));
  auto certificate = parse(::X509_STORE_CTX_get_current_cert(store));
  if (certificate && trust->trusted && trust->trusted(*certificate)) {
    keep(connection, std::move(certificate));
    return 1;
  }
  ::X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REVOKED);
  return 0;
} catch (...) {
  ::X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
  return 0;
}

void set_options(::SSL_CTX* context) {
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  ::SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
  // No resumption of any kind: a resumed session does not verify the client's certificate again.
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_num_tickets(context, 0);
  // NO_AUTO_CHAIN: without it OpenSSL builds, and verifies, the chain to send anew in each
  // handshake where the configured one is the leaf alone.
  ::SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  ::SSL_CTX_set_read_ahead(context, 1);  // a record is one read(), not two
  static constexpr std::array<unsigned char, 11> kSession = {'c', 'o', 'u', 'n', 't', 'e',
                                                             'r', 's', 'i', 'g', 'n'};
  ::SSL_CTX_set_session_id_context(context, kSession.data(), kSession.size());
}

x509::Owned<::X509> decode(ByteView der) {
  const unsigned char* begin = der.data();
  return x509::Owned<::X509>(::d2i_X509(nullptr, &begin, static_cast<long>(der.size())));
}

bool use_chain(::SSL_CTX* context, const std::vector<x509::PemBlock>& chain) {
  if (chain.empty()) return false;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const auto certificate = decode(chain[i].der);
    if (!certificate) return false;
    const long used = i == 0 ? ::SSL_CTX_use_certificate(context, certificate.get())
                             : SSL_CTX_add1_chain_cert(context, certificate.get());
    if (used != 1) return false;
  }
  return true;
}

bool use_key(::SSL_CTX* context, const std::string& pem) {
  const x509::Owned<::BIO> bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const x509::Owned<::EVP_PKEY> key(
      ::PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  return key && ::SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
         ::SSL_CTX_check_private_key(context) == 1;
}

bool ask_for_clients_of(::SSL_CTX* context, const std::vector<x509::PemBlock>& authorities) {
  for (const x509::PemBlock& block : authorities) {
    const auto certificate = decode(block.der);
    if (!certificate ||
        ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context), certificate.get()) != 1 ||
        ::SSL_CTX_add_client_CA(context, certificate.get()) != 1) {
      return false;
    }
  }
  ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, verify_leaf);
  return true;
}

}  // namespace

TlsContext::~TlsContext() { ::SSL_CTX_free(context_); }

std::shared_ptr<const x509::Certificate> take_peer_certificate(::SSL* connection) {
  const std::unique_ptr<Parsed> kept(
      static_cast<Parsed*>(::SSL_get_ex_data(connection, peer_slot())));
  ::SSL_set_ex_data(connection, peer_slot(), nullptr);
  return kept ? *kept : nullptr;
}

Result<std::shared_ptr<TlsContext>> TlsContext::make(const std::string& chain_pem,
                                                     const std::string& key_pem,
                                                     const ClientTrust& trust) {
  const auto authorities = x509::pem_decode_all(trust.ca_pem);
  if (authorities.has_error()) return authorities.error();
  const auto chain = x509::pem_decode_all(chain_pem);
  if (chain.has_error()) return chain.error();
  const std::shared_ptr<TlsContext> made(new TlsContext(::SSL_CTX_new(::TLS_server_method())));
  ::SSL_CTX* context = made->native();
  if (context != nullptr) {
    set_options(context);
    // Read by the callback alone, which hands it on as const.
    ::SSL_CTX_set_ex_data(context, trust_slot(), const_cast<ClientTrust*>(&trust));
  }
  if (context == nullptr || !use_chain(context, *chain) || !use_key(context, key_pem) ||
      !ask_for_clients_of(context, *authorities)) {
    return fail(Code::unavailable, "The server certificate cannot be used.", x509::drain_errors());
  }
  return made;
}

}  // namespace countersign::api
