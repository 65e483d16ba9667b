#include "tests/bench/silent.h"

#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <iostream>
#include <string_view>

namespace countersign::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kSlowHeader =
    "GET /puppet-ca/v1/certificate/ca HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
// In one turn of the loop: the service shall meet them as a crowd, and the generator stay alive.
constexpr std::size_t kOpenedAtOnce = 200;

class Crowd {
 public:
  Crowd(Dialler& dialler, const SilentOptions& options)
      : dialler_(dialler), options_(options), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~Crowd() {
    for (Member& member : members_) close(member);
    ::close(epoll_);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  SilentResult run() {
    static constexpr std::array<Kind, 3> kKinds{Kind::silent, Kind::after_tls, Kind::slow};
    for (std::size_t i = 0; i < options_.connections; ++i) {
      members_.emplace_back().kind = options_.only_tls ? Kind::after_tls : kKinds.at(i % 3);
      if (open(members_.back()); i % kOpenedAtOnce == 0) events(std::chrono::milliseconds(0));
    }
    while (handshakes_ > 0) events(std::chrono::milliseconds(100));
    std::cout << "ready" << std::endl;
    const auto begin = Clock::now();
    while (Clock::now() - begin < options_.time) {
      connect_and_close(Clock::now() - begin);
      events(std::chrono::milliseconds(10));
      drip();
      open_again();
    }
    for (const Member& member : members_) result_.held_at_end += member.socket >= 0 ? 1 : 0;
    return result_;
  }

 private:
  enum class Kind { silent, after_tls, slow };
  struct Member {
    Kind kind = Kind::silent;
    int socket = -1;
    Connection tls;
    bool shaken = false;
    std::size_t sent = 0;
  };

  void open(Member& member) {
    member.socket = dialler_.connect();
    member.shaken = false;
    member.sent = 0;
    if (member.kind != Kind::silent) {
      member.tls = dialler_.tls(member.socket, nullptr);
      ++handshakes_;
    }
    ::epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &member;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, member.socket, &event);
    ++result_.opened;
  }

  void close(Member& member) {
    if (member.tls && !member.shaken) --handshakes_;
    member.tls.reset();
    ::ERR_clear_error();  // or the next connection is told of this one's end
    if (member.socket >= 0) ::close(member.socket);
    member.socket = -1;
  }

  void events(std::chrono::milliseconds wait) {
    std::array<::epoll_event, 256> events{};
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(wait.count()));
    for (int i = 0; i < count; ++i) {
      const ::epoll_event& event = events.at(static_cast<std::size_t>(i));
      Member& member = *static_cast<Member*>(event.data.ptr);
      if (member.socket < 0) continue;
      if (member.tls && !member.shaken) {
        const int done = ::SSL_do_handshake(member.tls.get());
        if (done == 1) {
          member.shaken = true;
          --handshakes_;
        } else if (::SSL_get_error(member.tls.get(), done) != SSL_ERROR_WANT_READ &&
                   ::SSL_get_error(member.tls.get(), done) != SSL_ERROR_WANT_WRITE) {
          ended(member);
          continue;
        }
      }
      if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ended(member);
    }
  }

  void ended(Member& member) {
    close(member);
    ++result_.closed_by_service;
    closed_.push_back(&member);
  }

  void open_again() {
    for (std::size_t i = 0; i < kOpenedAtOnce && !closed_.empty(); ++i) {
      open(*closed_.front());
      closed_.pop_front();
    }
  }

  // One byte a second of each slow one.
  void drip() {
    if (Clock::now() - last_drip_ < std::chrono::seconds(1)) return;
    last_drip_ = Clock::now();
    for (Member& member : members_) {
      if (member.kind != Kind::slow || member.socket < 0 || !member.shaken) continue;
      const char next = member.sent < kSlowHeader.size() ? kSlowHeader[member.sent] : 'x';
      if (::SSL_write(member.tls.get(), &next, 1) == 1) ++member.sent;
    }
  }

  void connect_and_close(std::chrono::duration<double> passed) {
    const double share = passed / options_.time;
    const auto due = static_cast<std::size_t>(share * static_cast<double>(options_.connects));
    for (; result_.connects < due; ++result_.connects) ::close(dialler_.connect());
  }

  Dialler& dialler_;
  const SilentOptions& options_;
  int epoll_ = -1;
  std::deque<Member> members_;  // addresses stay
  std::deque<Member*> closed_;
  std::size_t handshakes_ = 0;  // on their way
  Clock::time_point last_drip_;
  SilentResult result_;
};

}  // namespace

SilentResult be_silent(Dialler& dialler, const SilentOptions& options) {
  return Crowd(dialler, options).run();
}

}  // namespace countersign::bench
