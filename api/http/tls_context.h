// The TLS side of the listener. Internal to api/http.
#ifndef COUNTERSIGN_API_HTTP_TLS_CONTEXT_H_
#define COUNTERSIGN_API_HTTP_TLS_CONTEXT_H_

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "api/http/server.h"

namespace countersign::api {

// TLS 1.2 and 1.3; a client certificate is asked for and not demanded; one that is not of
// `trust.ca_pem`, or that trust.trusted() refuses, fails the handshake. `trust` must outlive it.
Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const std::string& chain_pem,
                                                                    const std::string& key_pem,
                                                                    const ClientTrust& trust);

// The client certificate of a finished handshake, or null.
std::shared_ptr<const x509::Certificate> peer_certificate(::SSL* connection);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_TLS_CONTEXT_H_
