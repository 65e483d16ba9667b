#include "api/http/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>

#include "x509/pem.h"

namespace countersign::api {
namespace {

std::shared_ptr<const x509::Certificate> parse(::X509* certificate) {
  const int size = ::i2d_X509(certificate, nullptr);
  if (size <= 0) return nullptr;
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* out = der.data();
  ::i2d_X509(certificate, &out);
  auto parsed = x509::Certificate::parse(der);
  return parsed.has_value() ? *parsed : nullptr;
}

// OpenSSL has built and checked the chain; at the leaf we add what only the store knows.
bool verify_leaf(bool preverified, boost::asio::ssl::verify_context& context,
                 const ClientTrust& trust) {
  ::X509_STORE_CTX* store = context.native_handle();
  if (!preverified || ::X509_STORE_CTX_get_error_depth(store) != 0) return preverified;
  const auto certificate = parse(::X509_STORE_CTX_get_current_cert(store));
  if (certificate && trust.trusted && trust.trusted(*certificate)) return true;
  ::X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REVOKED);
  return false;
}

void set_options(::SSL_CTX* context) {
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  ::SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
  // No resumption of any kind: a resumed session does not verify the client's certificate again.
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_num_tickets(context, 0);
  ::SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  static constexpr std::array<unsigned char, 11> kSession = {'c', 'o', 'u', 'n', 't', 'e',
                                                             'r', 's', 'i', 'g', 'n'};
  ::SSL_CTX_set_session_id_context(context, kSession.data(), kSession.size());
}

}  // namespace

std::shared_ptr<const x509::Certificate> peer_certificate(::SSL* connection) {
  ::X509* certificate = ::SSL_get0_peer_certificate(connection);
  return certificate != nullptr ? parse(certificate) : nullptr;
}

Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const std::string& chain_pem,
                                                                    const std::string& key_pem,
                                                                    const ClientTrust& trust) {
  namespace ssl = boost::asio::ssl;
  try {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    set_options(context->native_handle());
    context->use_certificate_chain(boost::asio::buffer(chain_pem));
    context->use_private_key(boost::asio::buffer(key_pem), ssl::context::pem);
    context->set_verify_mode(ssl::verify_peer);
    const auto authorities = x509::pem_decode_all(trust.ca_pem);
    if (authorities.has_error()) return authorities.error();
    for (const x509::PemBlock& block : *authorities) {
      context->add_certificate_authority(
          boost::asio::buffer(x509::pem_encode(block.label, block.der)));
      const unsigned char* der = block.der.data();
      ::X509* certificate = ::d2i_X509(nullptr, &der, static_cast<long>(block.der.size()));
      ::SSL_CTX_add_client_CA(context->native_handle(), certificate);
      ::X509_free(certificate);
    }
    context->set_verify_callback([&trust](bool preverified, ssl::verify_context& verification) {
      return verify_leaf(preverified, verification, trust);
    });
    return context;
  } catch (const std::exception& error) {
    ::ERR_clear_error();
    return fail(Code::unavailable, "The server certificate cannot be used.", error.what());
  }
}

}  // namespace countersign::api
