// TLS on a non-blocking socket. Internal to api/http.
//
// OpenSSL works on the descriptor itself, without the record buffers and the BIO pair that asio's
// engine holds for the life of a connection: while nothing is on its way a stream has no buffer.
#ifndef COUNTERSIGN_API_HTTP_TLS_STREAM_H_
#define COUNTERSIGN_API_HTTP_TLS_STREAM_H_

#include <openssl/ssl.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace countersign::api {

using Executor = boost::asio::io_context::executor_type;  // of one thread
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

// One peer, on the thread of its socket; interrupt() from anywhere. After an error other than the
// end of the input a stream is only good for goodbye(). Nothing here throws but for allocation.
class TlsStream : public std::enable_shared_from_this<TlsStream> {
 public:
  using ErrorCode = boost::system::error_code;
  template <class T>
  using Awaitable = boost::asio::awaitable<T>;

  // What one record holds (RFC 8446 5.1).
  static constexpr std::size_t kRecord = std::size_t{16} << 10U;

  // The server's side of a connection. `context` may go before the stream does.
  TlsStream(Socket socket, ::SSL_CTX* context);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // From here on no call waits beyond that; it ends with net::error::timed_out.
  void expires_after(std::chrono::steady_clock::duration span);

  Awaitable<ErrorCode> handshake();
  // Until there is something to read, or the peer is gone. interrupt() ends this wait, and only it.
  Awaitable<ErrorCode> wait_readable();
  // Some bytes, at least one; net::error::eof if the peer sends no more.
  Awaitable<std::pair<ErrorCode, std::size_t>> read_some(std::span<char> into);
  // All of `text`; up to kRecord bytes are one record and one write().
  Awaitable<ErrorCode> write(std::string_view text);
  // Tells the peer that nothing follows, and waits for its end if it was in time so far.
  Awaitable<void> goodbye(std::chrono::steady_clock::duration patience);

  void interrupt();  // thread-safe
  void cut();        // thread-safe: what it waits for ends as if its time were over

  ::SSL* native() const { return ssl_.get(); }

 private:
  struct Free {
    void operator()(::SSL* ssl) const { ::SSL_free(ssl); }
  };

  // Calls OpenSSL, and says what that waits for. Nothing: it is done, or over with `error`.
  enum class Want { nothing, read, write };
  template <class Call>
  Want attempt(Call call, ErrorCode& error);
  Awaitable<ErrorCode> wait(Want want);
  void arm();

  Socket socket_;
  std::unique_ptr<::SSL, Free> ssl_;
  boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                    boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer_;
  std::chrono::steady_clock::time_point deadline_;
  // When the timer fires next; it is set anew only for a deadline that comes earlier, as the many
  // requests of a kept connection would otherwise each move it.
  std::chrono::steady_clock::time_point armed_ = std::chrono::steady_clock::time_point::max();
  bool waiting_ = false;
  bool interruptible_ = false;
  bool timed_out_ = false;
  bool broken_ = false;
};

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_TLS_STREAM_H_
