// A TLS server that answers as a test tells it, with a certificate of its own for 127.0.0.1.
#ifndef COUNTERSIGN_TESTS_BASE_TLS_SERVER_H_
#define COUNTERSIGN_TESTS_BASE_TLS_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace countersign::testing {

// One request at a time, one thread. Every wait ends when the server is destroyed.
class TlsServer {
 public:
  // What is written for a request; then the connection is closed. Empty: nothing is answered until
  // the client goes.
  using Answer = std::function<std::string(const std::string& request)>;

  // `name`: the subject alternative name, "IP:127.0.0.1" for one that a client accepts.
  explicit TlsServer(Answer answer, const std::string& name = "IP:127.0.0.1")
      : answer_(std::move(answer)), context_(::SSL_CTX_new(::TLS_server_method())) {
    ::signal(SIGPIPE, SIG_IGN);
    std::string path = (std::filesystem::temp_directory_path() / "tls_server.XXXXXX").string();
    folder_ = ::mkdtemp(path.data());
    make_certificate(name);
    listen();
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsServer() {
    stopping_ = true;
    thread_.join();
    ::close(listener_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  std::string url(const std::string& path = "/") const {
    return "https://127.0.0.1:" + std::to_string(port_) + path;
  }
  std::filesystem::path certificate() const { return folder_ / "cert.pem"; }
  void limit_version(int version) { ::SSL_CTX_set_max_proto_version(context_.get(), version); }
  // As they came, headers and body.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  static std::string response(const std::string& status, const std::string& headers,
                              const std::string& body) {
    return "HTTP/1.1 " + status + "\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { ::SSL_free(ssl); }
    void operator()(X509* certificate) const { ::X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
  };

  void make_certificate(const std::string& name) {
    const std::unique_ptr<EVP_PKEY, Free> key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    const std::unique_ptr<X509, Free> certificate(::X509_new());
    ::X509_set_version(certificate.get(), 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate.get()), 1);
    ::X509_gmtime_adj(::X509_getm_notBefore(certificate.get()), -3600);
    ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), 3600);
    ::X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* subject = ::X509_get_subject_name(certificate.get());
    const auto* text = reinterpret_cast<const unsigned char*>("test server");
    ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0);
    ::X509_set_issuer_name(certificate.get(), subject);
    X509_EXTENSION* names =
        ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str());
    ::X509_add_ext(certificate.get(), names, -1);
    ::X509_EXTENSION_free(names);
    ::X509_sign(certificate.get(), key.get(), ::EVP_sha256());
    ::SSL_CTX_use_certificate(context_.get(), certificate.get());
    ::SSL_CTX_use_PrivateKey(context_.get(), key.get());
    BIO* file = ::BIO_new_file(this->certificate().c_str(), "w");
    ::PEM_write_bio_X509(file, certificate.get());
    ::BIO_free(file);
  }

  void listen() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listener_, 64);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ::ntohs(address.sin_port);
  }

  bool wait(int socket) const {
    while (!stopping_) {
      pollfd event{socket, POLLIN, 0};
      if (::poll(&event, 1, 20) > 0) return true;
    }
    return false;
  }

  void serve() {
    while (wait(listener_)) {
      const int socket = ::accept(listener_, nullptr, nullptr);
      if (socket < 0) continue;
      const std::unique_ptr<SSL, Free> ssl(::SSL_new(context_.get()));
      ::SSL_set_fd(ssl.get(), socket);
      if (wait(socket) && ::SSL_accept(ssl.get()) == 1) converse(ssl.get(), socket);
      ::close(socket);
    }
  }

  void converse(SSL* ssl, int socket) {
    std::string request;
    char buffer[4096];
    while (!complete(request)) {
      if (::SSL_pending(ssl) == 0 && !wait(socket)) return;
      const int got = ::SSL_read(ssl, buffer, sizeof buffer);
      if (got <= 0) return;
      request.append(buffer, static_cast<std::size_t>(got));
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const std::string answer = answer_(request);
    if (answer.empty()) {
      if (wait(socket)) ::SSL_read(ssl, buffer, sizeof buffer);
      return;
    }
    ::SSL_write(ssl, answer.data(), static_cast<int>(answer.size()));
    ::SSL_shutdown(ssl);
  }

  static bool complete(const std::string& request) {
    const std::size_t end = request.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::size_t length = request.find("Content-Length: ");
    if (length == std::string::npos || length > end) return true;
    return request.size() >= end + 4 + std::stoul(request.substr(length + 16));
  }

  const Answer answer_;
  const std::unique_ptr<SSL_CTX, Free> context_;
  std::filesystem::path folder_;
  int listener_ = -1;
  unsigned port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_BASE_TLS_SERVER_H_
