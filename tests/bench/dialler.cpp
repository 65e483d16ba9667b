#include "tests/bench/dialler.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace countersign::bench {
namespace {

[[noreturn]] void system_failed(const std::string& doing) {
  throw std::runtime_error(doing + ": " + std::strerror(errno));
}

::sockaddr_in loopback(std::uint32_t host, std::uint16_t port) {
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(host);
  return address;
}

constexpr std::uint32_t kFirstSource = 0x7F010001;  // 127.1.0.1 and the next ones

}  // namespace

Dialler::Dialler(Target target)
    : target_(std::move(target)), context_(::SSL_CTX_new(::TLS_client_method())) {
  // Fewer calls into the kernel for the same bytes.
  ::SSL_CTX_set_read_ahead(context_.get(), 1);
  ::SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS);
  if (::SSL_CTX_load_verify_file(context_.get(), target_.chain_file.c_str()) != 1) {
    openssl_failed("reading " + target_.chain_file);
  }
  if (target_.certificate_file.empty()) return;
  if (::SSL_CTX_use_certificate_file(context_.get(), target_.certificate_file.c_str(),
                                     SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_use_PrivateKey_file(context_.get(), target_.key_file.c_str(), SSL_FILETYPE_PEM) !=
          1) {
    openssl_failed("reading " + target_.certificate_file);
  }
}

void Dialler::check_server() {
  const int socket = connect();
  Connection probe = tls(socket, nullptr);
  ::SSL_set_verify(probe.get(), SSL_VERIFY_PEER, nullptr);
  ::SSL_set1_host(probe.get(), "localhost");
  handshake_now(probe.get(), socket);
  ::SSL_shutdown(probe.get());
  ::close(socket);
  ::SSL_CTX_set_cert_verify_callback(
      context_.get(), [](::X509_STORE_CTX*, void*) { return 1; }, nullptr);
}

int Dialler::connect() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) system_failed("a socket");
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (target_.sources > 1) {
    ::setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const auto from = loopback(kFirstSource + next_source_++ % target_.sources, 0);
    if (::bind(socket, reinterpret_cast<const ::sockaddr*>(&from), sizeof from) != 0) {
      system_failed("an address to come from");
    }
  }
  const auto to = loopback(INADDR_LOOPBACK, target_.port);
  if (::connect(socket, reinterpret_cast<const ::sockaddr*>(&to), sizeof to) != 0 &&
      errno != EINPROGRESS) {
    system_failed("connecting to port " + std::to_string(target_.port));
  }
  return socket;
}

Connection Dialler::tls(int socket, const Machine* holder) const {
  Connection tls(::SSL_new(context_.get()));
  ::SSL_set_fd(tls.get(), socket);
  ::SSL_set_connect_state(tls.get());
  if (holder != nullptr) {
    const Certificate certificate = certificate_of(*holder);
    if (::SSL_use_certificate(tls.get(), certificate.get()) != 1 ||
        ::SSL_use_PrivateKey(tls.get(), holder->key.get()) != 1) {
      openssl_failed("presenting the certificate of " + holder->name);
    }
  }
  return tls;
}

void handshake_now(::SSL* tls, int socket) {
  const int flags = ::fcntl(socket, F_GETFL);
  ::fcntl(socket, F_SETFL, flags & ~O_NONBLOCK);
  if (::SSL_do_handshake(tls) != 1) openssl_failed("the TLS handshake");
  ::fcntl(socket, F_SETFL, flags);
}

}  // namespace countersign::bench
