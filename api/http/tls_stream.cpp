#include "api/http/tls_stream.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace countersign::api {

namespace net = boost::asio;

namespace {

constexpr auto kAwaitHere = net::as_tuple(net::use_awaitable);

}  // namespace

TlsStream::TlsStream(Socket socket, ::SSL_CTX* context)
    : socket_(std::move(socket)), ssl_(::SSL_new(context)), timer_(socket_.get_executor()) {
  ErrorCode failed;
  socket_.native_non_blocking(true, failed);
  if (!ssl_ || failed || ::SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) {
    ::ERR_clear_error();
    broken_ = true;
    return;
  }
  ::SSL_set_accept_state(ssl_.get());
}

TlsStream::~TlsStream() = default;

void TlsStream::expires_after(std::chrono::steady_clock::duration span) {
  deadline_ = std::chrono::steady_clock::now() + span;
  timed_out_ = false;
  if (deadline_ < armed_) arm();
}

void TlsStream::arm() {
  armed_ = deadline_;
  timer_.expires_at(deadline_);
  timer_.async_wait([here = weak_from_this()](const ErrorCode& cancelled) {
    const auto self = here.lock();
    if (cancelled || !self) return;
    self->armed_ = std::chrono::steady_clock::time_point::max();
    if (std::chrono::steady_clock::now() < self->deadline_) return self->arm();
    // Nobody waits: the next wait looks at the deadline itself.
    if (!self->waiting_) return;
    self->timed_out_ = true;
    ErrorCode ignored;
    self->socket_.cancel(ignored);
  });
}

template <class Call>
TlsStream::Want TlsStream::attempt(Call call, ErrorCode& error) {
  // SSL_get_error looks at both.
  ::ERR_clear_error();
  errno = 0;
  const int result = call(ssl_.get());
  if (result == 1) return Want::nothing;
  switch (::SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Want::read;
    case SSL_ERROR_WANT_WRITE:
      return Want::write;
    case SSL_ERROR_ZERO_RETURN:
      error = net::error::eof;
      return Want::nothing;
    case SSL_ERROR_SYSCALL:
      error = errno != 0 ? ErrorCode(errno, boost::system::system_category())
                         : ErrorCode(net::error::connection_reset);
      break;
    default:
      error = ErrorCode(static_cast<int>(::ERR_get_error()), net::error::get_ssl_category());
      break;
  }
  if (!error) error = net::error::connection_reset;
  broken_ = true;
  ::ERR_clear_error();
  return Want::nothing;
}

net::awaitable<TlsStream::ErrorCode> TlsStream::wait(Want want) {
  if (std::chrono::steady_clock::now() >= deadline_) {
    timed_out_ = true;
    co_return net::error::timed_out;
  }
  const auto event = want == Want::write ? Socket::wait_write : Socket::wait_read;
  waiting_ = true;
  const auto [error] = co_await socket_.async_wait(event, kAwaitHere);
  waiting_ = false;
  if (timed_out_) co_return net::error::timed_out;
  co_return error;
}

net::awaitable<TlsStream::ErrorCode> TlsStream::handshake() {
  ErrorCode error;
  if (broken_) co_return net::error::no_memory;
  for (;;) {
    const Want want = attempt(::SSL_do_handshake, error);
    if (want == Want::nothing) co_return error;
    error = co_await wait(want);
    if (error) co_return error;
  }
}

net::awaitable<TlsStream::ErrorCode> TlsStream::wait_readable() {
  ErrorCode error;
  if (::SSL_has_pending(ssl_.get()) != 0) co_return error;
  for (;;) {
    interruptible_ = true;
    error = co_await wait(Want::read);
    interruptible_ = false;
    if (error) co_return error;
    // The event may be of bytes that were read before it came: there may be nothing yet.
    char next = 0;
    const auto peeked = ::recv(socket_.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
    if (peeked >= 0 || errno != EAGAIN) co_return error;
  }
}

net::awaitable<std::pair<TlsStream::ErrorCode, std::size_t>> TlsStream::read_some(
    std::span<char> into) {
  std::pair<ErrorCode, std::size_t> got;
  for (;;) {
    const Want want = attempt(
        [&](::SSL* ssl) { return ::SSL_read_ex(ssl, into.data(), into.size(), &got.second); },
        got.first);
    if (want == Want::nothing) co_return got;
    got.first = co_await wait(want);
    if (got.first) co_return got;
  }
}

net::awaitable<TlsStream::ErrorCode> TlsStream::write(std::string_view text) {
  ErrorCode error;
  while (!text.empty()) {
    std::size_t written = 0;
    const Want want = attempt(
        [&](::SSL* ssl) {
          return ::SSL_write_ex(ssl, text.data(), std::min(text.size(), kRecord), &written);
        },
        error);
    if (want != Want::nothing) error = co_await wait(want);
    if (error) co_return error;
    text.remove_prefix(written);
  }
  co_return error;
}

net::awaitable<void> TlsStream::goodbye(std::chrono::steady_clock::duration patience) {
  if (broken_) co_return;
  ::ERR_clear_error();
  const int told = ::SSL_shutdown(ssl_.get());
  ::ERR_clear_error();
  // Closing on what the peer still sends would reset the connection, and it might not see the
  // answer. Who let a deadline pass is not waited for again.
  if (told != 0 || timed_out_) co_return;
  expires_after(patience);
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  std::array<char, 1024> rest{};
  for (std::size_t reads = 0; reads < 64; ++reads) {
    const auto [error, size] = co_await read_some(rest);
    if (error) co_return;
  }
}

void TlsStream::interrupt() {
  // The wait may be over, and the stream gone, when the posted part runs.
  net::post(socket_.get_executor(), [here = weak_from_this()] {
    const auto self = here.lock();
    if (!self || !self->interruptible_) return;
    ErrorCode ignored;
    self->socket_.cancel(ignored);
  });
}

void TlsStream::cut() {
  net::post(socket_.get_executor(), [here = weak_from_this()] {
    const auto self = here.lock();
    if (!self) return;
    self->deadline_ = std::chrono::steady_clock::time_point::min();
    if (!self->waiting_) return;
    self->timed_out_ = true;
    ErrorCode ignored;
    self->socket_.cancel(ignored);
  });
}

}  // namespace countersign::api
