// A client that can misbehave: TLS on a plain socket, every wait bounded.
#ifndef COUNTERSIGN_TESTS_API_TLS_CLIENT_H_
#define COUNTERSIGN_TESTS_API_TLS_CLIENT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <memory>
#include <string>

namespace countersign::api::testing {

class TlsClient {
 public:
  // Connects only. `certificate_pem`, if any, is presented in the handshake. `source`: the address
  // that the server sees; on Linux all of 127.0.0.0/8 is there.
  explicit TlsClient(unsigned port, const std::string& certificate_pem = "",
                     const std::string& key_pem = "", const char* source = nullptr)
      : context_(::SSL_CTX_new(::TLS_client_method())) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const timeval bound{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (source != nullptr) {
      ::inet_pton(AF_INET, source, &address.sin_addr);
      ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    address.sin_port = ::htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (!certificate_pem.empty()) use_certificate(certificate_pem, key_pem);
    ssl_.reset(::SSL_new(context_.get()));
    ::SSL_set_fd(ssl_.get(), socket_);
  }
  ~TlsClient() {
    ssl_.reset();
    ::close(socket_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool connected() const { return connected_; }
  void limit_version(int version) { ::SSL_set_max_proto_version(ssl_.get(), version); }
  bool handshake() { return ::SSL_connect(ssl_.get()) == 1; }
  bool send(const std::string& text) {
    return ::SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0;
  }
  // True if the server ends the connection before it sends another byte.
  bool ended() {
    char byte = 0;
    return ::SSL_read(ssl_.get(), &byte, 1) <= 0;
  }
  // The same, where no handshake was made.
  bool ended_plain() {
    char byte = 0;
    return ::recv(socket_, &byte, 1, 0) <= 0;
  }
  // What comes first of what was sent, at most one TLS record; "" if the connection ends before.
  std::string record() {
    std::string text(20'000, '\0');
    const int size = ::SSL_read(ssl_.get(), text.data(), static_cast<int>(text.size()));
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }
  // Asks for a new handshake within the connection; false if the server refuses.
  bool renegotiate() {
    return ::SSL_renegotiate(ssl_.get()) == 1 && ::SSL_do_handshake(ssl_.get()) == 1;
  }
  // Ends this side: nothing more will be sent.
  void half_close() { ::shutdown(socket_, SHUT_WR); }
  // One response with its Content-Length; "" if the connection ends before.
  std::string response(bool head = false) {
    std::string text;
    while (!text.ends_with("\r\n\r\n")) {
      char byte = 0;
      if (::SSL_read(ssl_.get(), &byte, 1) <= 0) return "";
      text.push_back(byte);
    }
    const std::size_t at = text.find("Content-Length: ");
    std::size_t left = at == std::string::npos || head ? 0 : std::stoul(text.substr(at + 16));
    for (; left > 0; --left) {
      char byte = 0;
      if (::SSL_read(ssl_.get(), &byte, 1) <= 0) return "";
      text.push_back(byte);
    }
    return text;
  }
  std::string get(const std::string& path) {
    if (!send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")) return "";
    return response();
  }

 private:
  struct Free {
    void operator()(::SSL* ssl) const { ::SSL_free(ssl); }
    void operator()(::SSL_CTX* context) const { ::SSL_CTX_free(context); }
    void operator()(::BIO* bio) const { ::BIO_free(bio); }
    void operator()(::X509* certificate) const { ::X509_free(certificate); }
    void operator()(::EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
  };

  void use_certificate(const std::string& certificate_pem, const std::string& key_pem) {
    const std::unique_ptr<::BIO, Free> first(
        ::BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
    const std::unique_ptr<::X509, Free> certificate(
        ::PEM_read_bio_X509(first.get(), nullptr, nullptr, nullptr));
    const std::unique_ptr<::BIO, Free> second(
        ::BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
    const std::unique_ptr<::EVP_PKEY, Free> key(
        ::PEM_read_bio_PrivateKey(second.get(), nullptr, nullptr, nullptr));
    ::SSL_CTX_use_certificate(context_.get(), certificate.get());
    ::SSL_CTX_use_PrivateKey(context_.get(), key.get());
  }

  const std::unique_ptr<::SSL_CTX, Free> context_;
  std::unique_ptr<::SSL, Free> ssl_;
  int socket_ = -1;
  bool connected_ = false;
};

}  // namespace countersign::api::testing

#endif  // COUNTERSIGN_TESTS_API_TLS_CLIENT_H_
