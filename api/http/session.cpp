// One connection: handshake, then requests one after the other, each with its limits.
#include <atomic>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>

#include "api/http/server_state.h"
#include "api/http/tls_context.h"
#include "api/http/tls_stream.h"
#include "api/http/wire.h"
#include "base/clock.h"
#include "base/log.h"

namespace countersign::api {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Parser = http::request_parser<http::string_body>;

constexpr auto kGoodbye = std::chrono::seconds(2);
// What a connection may have in its buffer beyond a header. Beast wants a whole chunk extension,
// and all trailers, in the buffer at once.
constexpr std::size_t kReadAhead = std::size_t{64} << 10U;
// What is asked for at a time: a request of an agent fits into the first.
constexpr std::size_t kFirstRead = 4096;
constexpr std::size_t kNextRead = std::size_t{16} << 10U;

// Bytes of the bound of all bodies, held until the request is answered.
class BodyRoom {
 public:
  BodyRoom(std::atomic<std::size_t>& used, std::size_t bytes) : used_(used), bytes_(bytes) {
    fits_in_ = used_.fetch_add(bytes_) + bytes_;
  }
  ~BodyRoom() { used_.fetch_sub(bytes_); }
  BodyRoom(const BodyRoom&) = delete;
  BodyRoom& operator=(const BodyRoom&) = delete;
  bool fits(std::size_t bound) const { return fits_in_ <= bound; }

 private:
  std::atomic<std::size_t>& used_;
  std::size_t bytes_;
  std::size_t fits_in_;
};

struct Incoming {
  std::unique_ptr<BodyRoom> room;
  WireRequest message;  // what could be read of it, if it is refused
  std::optional<Request::Refused> refused;
};

// What to answer to a request that could not be read; nullopt: nothing, the client is gone or slow.
std::optional<Request::Refused> refusal_of(const beast::error_code& error, const Limits& limits) {
  if (error == http::error::body_limit) {
    return Request::Refused{
        413, fail(Code::too_large,
                  "The body is larger than " + std::to_string(limits.body_bytes) + " bytes.")};
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Request::Refused{
        431, fail(Code::too_large,
                  "The header is larger than " + std::to_string(limits.header_bytes) + " bytes.")};
  }
  const bool http_fault =
      error.category() == http::make_error_code(http::error::bad_value).category();
  if (!http_fault || error == http::error::end_of_stream || error == http::error::partial_message) {
    return std::nullopt;
  }
  return Request::Refused{400, fail(Code::malformed, "This is not an HTTP request.")};
}

// What Beast lets pass and RFC 9112 does not.
std::optional<Request::Refused> refusal_of(const WireRequest& message) {
  // 3.2: a proxy before us may have routed by another one than we would read.
  const auto hosts = message.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && message.version() >= 11)) {
    return Request::Refused{400, fail(Code::malformed, "A request has exactly one Host header.")};
  }
  // 6.1: Beast undoes the last coding alone, and the body would be taken for what it is not.
  const auto coding = message.find(http::field::transfer_encoding);
  if (coding != message.end() && !beast::iequals(coding->value(), "chunked")) {
    return Request::Refused{
        501, fail(Code::malformed, "The only transfer coding that is known here is 'chunked'.")};
  }
  return std::nullopt;
}

}  // namespace

class Server::State::Session {
 public:
  Session(State& server, TlsStream& stream, std::string source)
      : server_(server),
        stream_(stream),
        source_(std::move(source)),
        certificate_(take_peer_certificate(stream.native())),
        buffer_(server.limits.header_bytes + kReadAhead) {}

  // `checked`: the count of revocations before the client's certificate was verified.
  net::awaitable<void> serve(std::uint64_t checked, bool full);

 private:
  net::awaitable<bool> wait_for_request(bool first);
  net::awaitable<bool> serve_one(std::uint64_t& checked, bool full);
  bool still_trusted(std::uint64_t& checked) const;
  net::awaitable<bool> read(Incoming& incoming);
  net::awaitable<beast::error_code> feed(Parser& parser, std::size_t& consumed);
  net::awaitable<beast::error_code> read_body(Parser& parser, Incoming& incoming);
  net::awaitable<beast::error_code> write(const WireResponse& message);
  net::awaitable<void> drop_rest();

  State& server_;
  TlsStream& stream_;
  const std::string source_;
  const std::shared_ptr<const x509::Certificate> certificate_;
  beast::flat_buffer buffer_;
};

// Until the first byte of a request is there; a drain may end this wait, and only this one. What a
// request needed is given back before it: most connections of a fleet wait most of the time.
net::awaitable<bool> Server::State::Session::wait_for_request(bool first) {
  if (buffer_.size() > 0) co_return true;
  buffer_.clear();
  buffer_.shrink_to_fit();
  stream_.expires_after(first ? server_.limits.read : server_.limits.idle);
  // In this order: a drain that begins now finds this stream waiting.
  if (server_.draining) co_return false;
  const auto error = co_await stream_.wait_readable();
  co_return !error;
}

// One step of the parser with what is there, and one read if that was not enough.
net::awaitable<beast::error_code> Server::State::Session::feed(Parser& parser,
                                                               std::size_t& consumed) {
  beast::error_code error;
  if (buffer_.size() > 0) {
    const std::size_t used = parser.put(buffer_.data(), error);
    buffer_.consume(used);
    consumed += used;
    if (error != http::error::need_more) co_return error;
    error = {};
  }
  const std::size_t wanted =
      std::min(buffer_.max_size() - buffer_.size(),
               buffer_.size() == 0 && !parser.is_header_done() ? kFirstRead : kNextRead);
  if (wanted == 0) co_return http::error::buffer_overflow;
  const auto room = buffer_.prepare(wanted);
  const std::span<char> into(static_cast<char*>(room.data()), room.size());
  const auto [failed, size] = co_await stream_.read_some(into);
  buffer_.commit(size);
  co_return failed;
}

// The body, with a bound on the bytes on the wire as well: a body of few bytes can come in chunks
// with long extensions.
net::awaitable<beast::error_code> Server::State::Session::read_body(Parser& parser,
                                                                    Incoming& incoming) {
  const std::size_t bound = server_.limits.body_bytes + server_.limits.header_bytes;
  std::size_t consumed = 0;
  parser.eager(true);
  while (!parser.is_done()) {
    const auto error = co_await feed(parser, consumed);
    if (error) co_return error;
    if (consumed > bound) {
      incoming.refused = Request::Refused{
          413, fail(Code::too_large, "The body comes in chunks with too much around them.")};
      break;
    }
  }
  co_return beast::error_code();
}

// False: the connection is to be closed without a word.
net::awaitable<bool> Server::State::Session::read(Incoming& incoming) {
  const Limits& limits = server_.limits;
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  parser.body_limit(limits.body_bytes);
  // One deadline for all of it, however slowly the bytes come.
  stream_.expires_after(limits.read);
  beast::error_code error;
  std::size_t consumed = 0;
  while (!error && !parser.is_header_done()) error = co_await feed(parser, consumed);
  if (!error) incoming.refused = refusal_of(parser.get());
  if (!error && !parser.is_done()) {
    const auto length = parser.content_length().value_or(limits.body_bytes);
    incoming.room = std::make_unique<BodyRoom>(server_.bodies,
                                               std::min<std::size_t>(length, limits.body_bytes));
    if (!incoming.refused && !incoming.room->fits(limits.bodies_bytes)) {
      incoming.refused =
          Request::Refused{503, fail(Code::overloaded, "Too many requests come in. Try again.")};
    }
  }
  if (incoming.refused) {
    incoming.message = std::move(parser.get());
    co_return true;
  }
  if (!error && beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    error = co_await stream_.write("HTTP/1.1 100 Continue\r\n\r\n");
    if (error) co_return false;
  }
  if (error) {
    incoming.refused = refusal_of(error, limits);
    incoming.message = std::move(parser.get());
    co_return incoming.refused.has_value();
  }
  // Beast adds trailers to the headers. A proxy that rewrites headers lets them pass, and so none
  // counts, not even for the words of a refusal.
  http::request_header<> header = parser.get().base();
  error = co_await read_body(parser, incoming);
  if (error) incoming.refused = refusal_of(error, limits);
  const auto fields = [](const http::fields& all) { return std::distance(all.begin(), all.end()); };
  if (!incoming.refused && fields(parser.get()) != fields(header)) {
    incoming.refused =
        Request::Refused{400, fail(Code::malformed, "A request has no trailers here.")};
  }
  incoming.message = WireRequest(std::move(header), std::move(parser.get().body()));
  co_return !error || incoming.refused;
}

// Header and body in one record where they fit; of a large body only what fills the first is
// copied.
net::awaitable<beast::error_code> Server::State::Session::write(const WireResponse& message) {
  std::string first = head_text(message);
  std::string_view body(message.body().data(), message.body().size());
  // What fits goes along in one record and one write.
  constexpr std::size_t kRoom = TlsStream::kRecord;
  const std::size_t along = std::min(body.size(), kRoom - std::min(first.size(), kRoom));
  first += body.substr(0, along);
  body.remove_prefix(along);
  const auto error = co_await stream_.write(first);
  if (error || body.empty()) co_return error;
  co_return co_await stream_.write(body);
}

// What is still on its way is read and dropped for a moment: closing on unread data would reset the
// connection, and the client would not see the answer.
net::awaitable<void> Server::State::Session::drop_rest() {
  stream_.expires_after(kGoodbye);
  std::array<char, 8192> rest{};
  for (std::size_t left = std::size_t{4} << 20U; left > 0;) {
    const auto [error, size] = co_await stream_.read_some(rest);
    if (error) break;
    left -= std::min(left, size);
  }
}

// Did the client's certificate not end, or was it not revoked, while the connection was kept? If so
// the connection ends, as a handshake would.
bool Server::State::Session::still_trusted(std::uint64_t& checked) const {
  if (!certificate_) return true;
  const std::uint64_t now = server_.trust.revocations ? server_.trust.revocations() : 0;
  if (now != checked) {
    checked = now;
    if (!server_.trust.trusted(*certificate_)) return false;
  }
  return certificate_->not_after() > system_clock().now();
}

// False: the connection ends. In a frame of its own, so that a connection that waits holds none of
// what a request needs.
net::awaitable<bool> Server::State::Session::serve_one(std::uint64_t& checked, bool full) {
  Incoming incoming;
  if (!co_await read(incoming)) co_return false;
  const auto begin = std::chrono::steady_clock::now();
  const bool head = incoming.message.method() == http::verb::head;
  const unsigned version = incoming.message.version();
  if (full && !incoming.refused) {
    incoming.refused =
        Request::Refused{503, fail(Code::overloaded, "Too many connections. Try again.")};
  }
  if (!still_trusted(checked)) co_return false;
  bool keep = incoming.message.keep_alive() && !incoming.refused;
  Request request = from_wire(std::move(incoming.message), source_);
  request.client_certificate = certificate_;
  request.refused = incoming.refused;
  if (request.refused) request.body.clear();
  const std::string id = request.request_id;
  const std::string method = request.method;
  const std::string path = request.path;
  const Response response = co_await server_.answer(std::move(request));
  keep = keep && !server_.draining;
  stream_.expires_after(server_.limits.write);
  const auto wire = to_wire(response, version, head, keep);
  const auto error = co_await write(wire);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  log::info("request", {{"request_id", id},
                        {"source", source_},
                        {"caller", response.caller.empty() ? "anonymous" : response.caller},
                        {"method", method},
                        {"path", path},
                        {"status", response.status},
                        {"ms", ms.count()},
                        {"bytes", response.content().size()}});
  if (!error && incoming.refused) co_await drop_rest();
  co_return !error && keep;
}

net::awaitable<void> Server::State::Session::serve(std::uint64_t checked, bool full) {
  for (bool first = true;; first = false) {
    if (!co_await wait_for_request(first)) co_return;
    if (!co_await serve_one(checked, full)) co_return;
  }
}

net::awaitable<void> Server::State::session(Socket socket, net::ip::address address,
                                            std::unique_ptr<Sources::Place> place) {
  const auto self = shared_from_this();
  const struct Open {
    State& state;
    std::unique_ptr<Sources::Place>& place;
    ~Open() {
      place.reset();
      state.closed();
    }
  } counted{*this, place};
  try {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
      address = net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6());
    }
    const std::string source = address.to_string();
    const auto stream = std::make_shared<TlsStream>(std::move(socket), current_tls()->native());
    const struct Listed {
      State& state;
      Streams::iterator place;
      ~Listed() { state.ended(place); }
    } listed{*this, began(stream)};
    // Before the handshake: what is revoked after its check is noticed at the first request.
    const std::uint64_t checked = trust.revocations ? trust.revocations() : 0;
    place->begin(stream);
    stream->expires_after(limits.handshake);
    const auto error = co_await stream->handshake();
    if (error) {
      log::debug("handshake_failed", {{"source", source}, {"error", error.message()}});
      co_return;
    }
    place->handshake_done();
    Session session(*this, *stream, source);
    co_await session.serve(checked, place->over() || open.load() > limits.connections);
    co_await stream->goodbye(kGoodbye);
  } catch (const std::exception& error) {
    log::error("session_failed", {{"error", error.what()}});
  }
}

}  // namespace countersign::api
