// The TLS side of the listener. Internal to api/http.
#ifndef COUNTERSIGN_API_HTTP_TLS_CONTEXT_H_
#define COUNTERSIGN_API_HTTP_TLS_CONTEXT_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "api/http/server.h"

namespace countersign::api {

// What all handshakes share. Immutable once made; thread-safe.
class TlsContext {
 public:
  // TLS 1.2 and 1.3; a client certificate is asked for and not demanded; one that is not of
  // `trust.ca_pem`, or that trust.trusted() refuses, fails the handshake. `trust` must outlive it.
  static Result<std::shared_ptr<TlsContext>> make(const std::string& chain_pem,
                                                  const std::string& key_pem,
                                                  const ClientTrust& trust);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ::SSL_CTX* native() const { return context_; }

 private:
  explicit TlsContext(::SSL_CTX* context) : context_(context) {}
  ::SSL_CTX* context_;
};

// The client certificate of a finished handshake, or null. It is taken from the connection.
std::shared_ptr<const x509::Certificate> take_peer_certificate(::SSL* connection);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_TLS_CONTEXT_H_
