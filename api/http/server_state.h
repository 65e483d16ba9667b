// What the listener and the sessions of a server share. Internal to api/http.
#ifndef COUNTERSIGN_API_HTTP_SERVER_STATE_H_
#define COUNTERSIGN_API_HTTP_SERVER_STATE_H_

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "api/http/server.h"
#include "api/http/session_threads.h"
#include "api/http/sources.h"
#include "api/http/tls_context.h"
#include "api/http/tls_stream.h"

namespace countersign::api {

constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

struct Server::State : std::enable_shared_from_this<Server::State> {
  class Session;  // session.cpp

  State(boost::asio::io_context& context, SessionThreads& threads, Limits bounds,
        ClientTrust clients, std::vector<std::pair<std::string, Handler>> handlers);

  // server.cpp
  boost::asio::awaitable<void> accept();
  // The answer of the front end of this path, whatever happens.
  boost::asio::awaitable<Response> answer(Request request) const;
  std::shared_ptr<TlsContext> current_tls();

  // Streams that a drain wakes if they wait for a request; those that begin to wait while it goes
  // on look at `draining` first.
  using Streams = std::list<std::weak_ptr<TlsStream>>;
  Streams::iterator began(const std::shared_ptr<TlsStream>& stream);
  void ended(Streams::iterator place);

  void closed();  // one connection less
  void finish_drain();

  // One connection, from the handshake to the end (session.cpp).
  boost::asio::awaitable<void> session(Socket socket, boost::asio::ip::address address,
                                       std::unique_ptr<Sources::Place> place);

  // Constant after construction.
  boost::asio::io_context& io;
  SessionThreads& sessions;
  const Limits limits;
  const ClientTrust trust;
  std::vector<std::pair<std::string, Handler>> prefixes;  // longest first

  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor> acceptor;  // on io
  Sources sources;
  std::atomic<bool> draining{false};
  std::atomic<std::size_t> open{0};
  std::atomic<std::size_t> bodies{0};  // bytes promised to bodies, see Limits::bodies_bytes
  std::mutex mutex;                    // guards the rest
  std::shared_ptr<TlsContext> tls;
  std::function<void()> done;
  Streams streams;
};

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_HTTP_SERVER_STATE_H_
