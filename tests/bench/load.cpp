#include "tests/bench/load.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace countersign::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kStalled = std::chrono::seconds(10);
constexpr std::size_t kFailuresShown = 5;

// The answer at the front of `input`, once it is whole.
struct Answer {
  int status = 0;
  std::string_view body;
};
std::optional<Answer> whole_answer(std::string_view input) {
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  static constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t field = input.substr(0, end).find(kLength);
  std::size_t length = 0;
  Answer answer;
  if (field != std::string_view::npos) {
    std::from_chars(input.data() + field + kLength.size(), input.data() + end, length);
  }
  if (input.size() < end + 4 + length) return std::nullopt;
  if (input.starts_with("HTTP/1.1 ")) {
    std::from_chars(input.data() + 9, input.data() + 12, answer.status);
  }
  answer.body = input.substr(end + 4, length);
  return answer;
}

bool holds_certificate(std::string_view body) {
  return body.starts_with("-----BEGIN CERTIFICATE-----\n") &&
         body.ends_with("-----END CERTIFICATE-----\n");
}

class Load {
 public:
  Load(std::vector<Machine>& machines, const LoadOptions& options)
      : machines_(machines), options_(options), context_(::SSL_CTX_new(::TLS_client_method())) {
    // Fewer calls into the kernel for the same bytes.
    ::SSL_CTX_set_read_ahead(context_.get(), 1);
    if (::SSL_CTX_load_verify_file(context_.get(), options_.chain_file.c_str()) != 1) {
      openssl_failed("reading " + options_.chain_file);
    }
  }
  ~Load() {
    for (Client& client : clients_) close(client);
    if (epoll_ >= 0) ::close(epoll_);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  LoadResult run() {
    check_server();
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < options_.connections; ++i) {
      Client& client = clients_.emplace_back();
      if (options_.renew) client.holder = &machines_.at(i);
      open(client);
      if (options_.kept) handshake_now(clients_.back());
    }
    begin_ = Clock::now();
    for (Client& client : clients_) {
      next_machine(client);
      step(client);
    }
    std::array<::epoll_event, 64> events{};
    while (busy_ > 0) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1000);
      for (int i = 0; i < count; ++i) {
        step(*static_cast<Client*>(events.at(static_cast<std::size_t>(i)).data.ptr));
      }
      end_stalled();
    }
    result_.took = Clock::now() - begin_;
    std::ranges::sort(result_.latencies_ms);
    return std::move(result_);
  }

 private:
  enum class Phase { idle, handshake, write, read };
  struct Client {
    int socket = -1;
    Connection tls;
    Phase phase = Phase::idle;
    Machine* machine = nullptr;
    Machine* holder = nullptr;  // whose connection it is, if it renews
    bool fetching = false;      // the GET or the renewal, whose answer is a certificate
    std::string request;
    std::string input;
    Clock::time_point begin;  // of the enrolment
  };

  // The server's chain is checked once: at each of many handshakes it would cost the generator
  // more than the rest of its work.
  void check_server() {
    Client probe;
    open(probe);
    ::SSL_set_verify(probe.tls.get(), SSL_VERIFY_PEER, nullptr);
    ::SSL_set1_host(probe.tls.get(), "localhost");
    handshake_now(probe);
    ::SSL_shutdown(probe.tls.get());
    close(probe);
    ::SSL_CTX_set_cert_verify_callback(
        context_.get(), [](::X509_STORE_CTX*, void*) { return 1; }, nullptr);
  }

  void open(Client& client) {
    client.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(client.socket, reinterpret_cast<::sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("connecting to port " + std::to_string(options_.port) + ": " +
                               std::strerror(errno));
    }
    const int on = 1;
    ::setsockopt(client.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client.tls.reset(::SSL_new(context_.get()));
    ::SSL_set_fd(client.tls.get(), client.socket);
    ::SSL_set_connect_state(client.tls.get());
    if (client.holder != nullptr) {
      const Certificate certificate = certificate_of(*client.holder);
      if (::SSL_use_certificate(client.tls.get(), certificate.get()) != 1 ||
          ::SSL_use_PrivateKey(client.tls.get(), client.holder->key.get()) != 1) {
        openssl_failed("presenting the certificate of " + client.holder->name);
      }
    }
    client.phase = Phase::handshake;
    if (epoll_ < 0) return;  // the probe
    ::fcntl(client.socket, F_SETFL, O_NONBLOCK);
    ::epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = &client;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket, &event);
  }

  void close(Client& client) {
    client.tls.reset();
    if (client.socket >= 0) ::close(client.socket);
    client.socket = -1;
  }

  // For what happens before the clock starts.
  void handshake_now(Client& client) {
    const int flags = ::fcntl(client.socket, F_GETFL);
    ::fcntl(client.socket, F_SETFL, flags & ~O_NONBLOCK);
    if (::SSL_do_handshake(client.tls.get()) != 1) openssl_failed("the TLS handshake");
    ::fcntl(client.socket, F_SETFL, flags);
    client.phase = Phase::idle;
  }

  void next_machine(Client& client) {
    if (client.machine != nullptr) --busy_;
    client.machine = nullptr;
    const bool all = client.holder == nullptr && next_ == machines_.size();
    if (all || Clock::now() - begin_ >= options_.time) return;
    client.machine = client.holder != nullptr ? client.holder : &machines_[next_++];
    ++busy_;
    client.begin = Clock::now();
    if (client.holder != nullptr) {
      renew(client);
    } else {
      put(client);
    }
  }

  void put(Client& client) {
    const Machine& machine = *client.machine;
    client.fetching = false;
    client.request =
        "PUT /puppet-ca/v1/certificate_request/" + machine.name + rest_of_header() +
        "Content-Type: text/plain\r\nContent-Length: " + std::to_string(machine.csr.size()) +
        "\r\n\r\n" + machine.csr;
    send(client);
  }
  void get(Client& client) {
    client.fetching = true;
    client.request =
        "GET /puppet-ca/v1/certificate/" + client.machine->name + rest_of_header() + "\r\n";
    send(client);
  }
  void renew(Client& client) {
    client.fetching = true;
    client.request = "POST /puppet-ca/v1/certificate_renewal" + rest_of_header() +
                     "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n";
    send(client);
  }
  std::string rest_of_header() const {
    return std::string(" HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n") +
           (options_.kept ? "" : "Connection: close\r\n");
  }

  void send(Client& client) {
    client.input.clear();
    if (client.socket < 0) {
      open(client);
    } else if (client.phase == Phase::idle) {
      client.phase = Phase::write;
    }
  }

  // Goes on as far as the socket lets it.
  void step(Client& client) {
    while (client.machine != nullptr) {
      int done = 0;
      switch (client.phase) {
        case Phase::idle:
          return;
        case Phase::handshake:
          done = ::SSL_do_handshake(client.tls.get());
          if (done == 1) client.phase = Phase::write;
          break;
        case Phase::write:
          done = ::SSL_write(client.tls.get(), client.request.data(),
                             static_cast<int>(client.request.size()));
          if (done > 0) client.phase = Phase::read;
          break;
        case Phase::read: {
          std::array<char, 16384> part;
          done = ::SSL_read(client.tls.get(), part.data(), static_cast<int>(part.size()));
          if (done > 0) {
            client.input.append(part.data(), static_cast<std::size_t>(done));
            if (const auto answer = whole_answer(client.input)) take(client, *answer);
          }
          break;
        }
      }
      if (done > 0) continue;
      const int why = ::SSL_get_error(client.tls.get(), done);
      if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return;
      fail(client, "the connection ended in the middle");
    }
  }

  void take(Client& client, const Answer& answer) {
    if (answer.status != 200 || (client.fetching && !holds_certificate(answer.body))) {
      return fail(client, (client.fetching ? "certificate: " : "PUT: ") +
                              std::to_string(answer.status) + " " + std::string(answer.body));
    }
    client.phase = Phase::idle;
    if (!options_.kept) {
      ::SSL_shutdown(client.tls.get());
      close(client);
    }
    if (!client.fetching) return get(client);
    client.machine->certificate = answer.body;
    ++result_.enrolled;
    const std::chrono::duration<float, std::milli> took = Clock::now() - client.begin;
    result_.latencies_ms.push_back(took.count());
    next_machine(client);
  }

  void fail(Client& client, const std::string& what) {
    ++result_.failed;
    if (result_.failures.size() < kFailuresShown) {
      result_.failures.push_back(client.machine->name + ": " + what);
    }
    close(client);
    next_machine(client);
  }

  void end_stalled() {
    const auto now = Clock::now();
    if (now - last_look_ < std::chrono::seconds(1)) return;
    last_look_ = now;
    for (Client& client : clients_) {
      if (client.machine == nullptr || now - client.begin < kStalled) continue;
      fail(client, "no answer");
      step(client);
    }
  }

  std::vector<Machine>& machines_;
  const LoadOptions options_;
  const Context context_;
  int epoll_ = -1;
  std::deque<Client> clients_;  // addresses stay
  std::size_t next_ = 0;
  std::size_t busy_ = 0;
  Clock::time_point begin_;
  Clock::time_point last_look_;
  LoadResult result_;
};

}  // namespace

LoadResult enrol(std::vector<Machine>& machines, const LoadOptions& options) {
  return Load(machines, options).run();
}

}  // namespace countersign::bench
