#include "api/http/server.h"

#include <algorithm>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <list>
#include <mutex>

#include "api/http/tls_context.h"
#include "base/log.h"
#include "base/random.h"

namespace countersign::api {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;
using Strand = net::strand<net::io_context::executor_type>;
using Socket = net::basic_stream_socket<tcp, Strand>;
using Stream = beast::ssl_stream<beast::basic_stream<tcp, Strand>>;
using Message = http::request<http::string_body>;

constexpr auto kAwait = net::as_tuple(net::use_awaitable);

std::string new_request_id() {
  std::string id = to_hex(system_random().bytes(8));
  for (char& c : id) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
  }
  return id;
}

// A value that would start another header line is not sent at all.
bool one_line(std::string_view text) {
  return text.find_first_of("\r\n") == std::string_view::npos;
}

http::response<http::string_body> to_beast(const Response& response, const Message& request,
                                           bool keep) {
  http::response<http::string_body> out(static_cast<http::status>(response.status),
                                        request.version());
  out.set(http::field::server, "countersign");
  for (const auto& [name, value] : response.headers) {
    if (one_line(name) && one_line(value)) out.insert(name, value);
  }
  if (response.status != 204 && !response.content_type.empty()) {
    out.set(http::field::content_type, response.content_type);
  }
  out.body() = response.body;
  out.keep_alive(keep);
  if (response.status == 204 || response.status == 304) {
    out.body().clear();
    if (response.status == 304) out.content_length(0);
  } else {
    out.prepare_payload();
    if (request.method() == http::verb::head) out.body().clear();
  }
  return out;
}

Request from_beast(Message&& message, const std::string& source) {
  Request request;
  request.method = message.method_string();
  request.target = message.target();
  const std::size_t question = request.target.find('?');
  request.path = request.target.substr(0, question);
  if (question != std::string::npos) request.query = request.target.substr(question + 1);
  for (const auto& field : message) {
    request.headers.emplace_back(field.name_string(), field.value());
  }
  request.body = std::move(message.body());
  request.source = source;
  request.request_id = new_request_id();
  return request;
}

}  // namespace

struct Server::State : std::enable_shared_from_this<Server::State> {
  State(net::io_context& context, Limits bounds, ClientTrust clients,
        std::vector<std::pair<std::string, Handler>> handlers)
      : io(context),
        limits(bounds),
        trust(std::move(clients)),
        prefixes(std::move(handlers)),
        acceptor(net::make_strand(context)) {
    std::ranges::sort(prefixes,
                      [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  }

  // Constant after construction.
  net::io_context& io;
  const Limits limits;
  const ClientTrust trust;
  std::vector<std::pair<std::string, Handler>> prefixes;

  net::basic_socket_acceptor<tcp, Strand> acceptor;  // used on its strand
  std::atomic<bool> draining{false};
  std::atomic<std::size_t> open{0};
  std::mutex mutex;  // guards the rest
  std::shared_ptr<net::ssl::context> tls;
  std::function<void()> done;
  // Connections that wait for a request: a drain closes them.
  std::list<std::function<void()>> idle;

  const Handler* handler_for(std::string_view path) const {
    for (const auto& [prefix, handler] : prefixes) {
      if (path == prefix || (path.starts_with(prefix) && path[prefix.size()] == '/')) {
        return &handler;
      }
    }
    return nullptr;
  }

  std::shared_ptr<net::ssl::context> current_tls() {
    const std::lock_guard lock(mutex);
    return tls;
  }

  void closed() {
    if (open.fetch_sub(1) != 1 || !draining) return;
    finish_drain();
  }
  void finish_drain() {
    std::function<void()> call;
    {
      const std::lock_guard lock(mutex);
      call.swap(done);
    }
    if (call) net::post(io, std::move(call));
  }

  net::awaitable<Response> answer(Request request) const {
    const Handler* handler = handler_for(request.path);
    Response response{.status = 404, .content_type = "text/plain", .body = "Not Found"};
    if (handler == nullptr) co_return response;
    const std::string id = request.request_id;
    try {
      co_return co_await (*handler)(std::move(request));
    } catch (const std::exception& error) {
      log::error("handler_failed", {{"request_id", id}, {"error", error.what()}});
    }
    response.status = 500;
    response.body = "Internal Server Error: see the log for request " + id;
    co_return response;
  }

  net::awaitable<void> accept();
  net::awaitable<void> session(Socket socket);
  net::awaitable<void> serve(Stream& stream, const std::string& source, bool refuse);
  net::awaitable<bool> read(Stream& stream, beast::flat_buffer& buffer, Message& message,
                            bool first);
  net::awaitable<void> refuse(Stream& stream, unsigned status, std::string text);
  net::awaitable<bool> write(Stream& stream, http::response<http::string_body> response);
};

net::awaitable<void> Server::State::accept() {
  net::steady_timer pause(co_await net::this_coro::executor);
  while (!draining) {
    Socket socket(net::make_strand(io));
    const auto [error] = co_await acceptor.async_accept(socket, kAwait);
    if (error) {
      if (draining || error == net::error::operation_aborted) break;
      // Out of descriptors, most likely: let some connections end first.
      log::error("accept_failed", {{"error", error.message()}});
      pause.expires_after(std::chrono::milliseconds(50));
      co_await pause.async_wait(kAwait);
      continue;
    }
    // A tenth above the bound is told to come back; what is above that is cut without a word.
    if (open.load() >= limits.connections + limits.connections / 10 + 1) continue;
    open.fetch_add(1);
    const auto executor = socket.get_executor();
    net::co_spawn(executor, session(std::move(socket)), net::detached);
  }
}

net::awaitable<void> Server::State::session(Socket socket) {
  const auto self = shared_from_this();
  const struct Open {
    State& state;
    ~Open() { state.closed(); }
  } counted{*this};
  try {
    beast::error_code ignored;
    const auto peer = socket.remote_endpoint(ignored);
    if (ignored) co_return;
    auto address = peer.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
      address = net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6());
    }
    socket.set_option(tcp::no_delay(true), ignored);
    const auto context = current_tls();
    Stream stream(beast::basic_stream<tcp, Strand>(std::move(socket)), *context);
    beast::get_lowest_layer(stream).expires_after(limits.handshake);
    const auto [error] = co_await stream.async_handshake(net::ssl::stream_base::server, kAwait);
    if (error) {
      log::debug("handshake_failed", {{"source", address.to_string()}, {"error", error.message()}});
      co_return;
    }
    co_await serve(stream, address.to_string(), open.load() > limits.connections);
    beast::get_lowest_layer(stream).expires_after(std::chrono::seconds(2));
    co_await stream.async_shutdown(kAwait);
  } catch (const std::exception& error) {
    log::error("session_failed", {{"error", error.what()}});
  }
}

// Waits for a request and reads it whole. False: the connection is to be closed; whatever could be
// said has been said.
net::awaitable<bool> Server::State::read(Stream& stream, beast::flat_buffer& buffer,
                                         Message& message, bool first) {
  auto& lowest = beast::get_lowest_layer(stream);
  if (buffer.size() == 0) {
    // Idle until the first byte; a drain may end this wait, and only this one.
    const auto alive = std::make_shared<int>(0);
    std::list<std::function<void()>>::iterator place;
    {
      const std::lock_guard lock(mutex);
      // The session may be over when the posted part runs: then there is nothing to cancel.
      place = idle.insert(idle.end(), [&lowest, here = std::weak_ptr<int>(alive)] {
        net::post(lowest.get_executor(), [&lowest, here] {
          if (here.lock()) lowest.cancel();
        });
      });
    }
    lowest.expires_after(first ? limits.read : limits.idle);
    const auto [error, size] = co_await stream.async_read_some(buffer.prepare(4096), kAwait);
    {
      const std::lock_guard lock(mutex);
      idle.erase(place);
    }
    if (error) co_return false;
    buffer.commit(size);
  }
  http::request_parser<http::string_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  parser.body_limit(limits.body_bytes);
  lowest.expires_after(limits.read);
  const auto [header_error, header_size] =
      co_await http::async_read_header(stream, buffer, parser, kAwait);
  auto error = header_error;
  if (!error && beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    http::response<http::empty_body> go_on(http::status::continue_, 11);
    co_await http::async_write(stream, go_on, kAwait);
  }
  if (!error) {
    const auto [body_error, body_size] = co_await http::async_read(stream, buffer, parser, kAwait);
    error = body_error;
  }
  if (!error) {
    message = parser.release();
    co_return true;
  }
  if (error == http::error::body_limit) {
    co_await refuse(stream, 413,
                    "The body is larger than " + std::to_string(limits.body_bytes) + " bytes.");
  } else if (error == http::error::header_limit) {
    co_await refuse(stream, 431,
                    "The header is larger than " + std::to_string(limits.header_bytes) + " bytes.");
  } else if (error.category() == http::make_error_code(http::error::bad_value).category() &&
             error != http::error::end_of_stream && error != http::error::partial_message) {
    co_await refuse(stream, 400, "This is not an HTTP request.");
  }
  co_return false;
}

net::awaitable<void> Server::State::refuse(Stream& stream, unsigned status, std::string text) {
  const Response response{.status = status, .content_type = "text/plain", .body = std::move(text)};
  co_await write(stream, to_beast(response, Message{}, false));
  // What is still on its way is read and dropped for a moment: closing on unread data would reset
  // the connection, and the client would not see the answer.
  beast::get_lowest_layer(stream).expires_after(std::chrono::seconds(2));
  std::array<char, 8192> rest{};
  for (std::size_t left = std::size_t{4} << 20U; left > 0;) {
    const auto [error, size] = co_await stream.async_read_some(net::buffer(rest), kAwait);
    if (error) break;
    left -= std::min(left, size);
  }
}

net::awaitable<bool> Server::State::write(Stream& stream,
                                          http::response<http::string_body> response) {
  beast::get_lowest_layer(stream).expires_after(limits.write);
  const auto [error, size] = co_await http::async_write(stream, response, kAwait);
  co_return !error;
}

net::awaitable<void> Server::State::serve(Stream& stream, const std::string& source, bool full) {
  const auto certificate = peer_certificate(stream.native_handle());
  std::uint64_t checked = trust.revocations ? trust.revocations() : 0;
  beast::flat_buffer buffer(limits.header_bytes + limits.body_bytes);
  for (bool first = true;; first = false) {
    Message message;
    if (!co_await read(stream, buffer, message, first)) co_return;
    const auto begin = std::chrono::steady_clock::now();
    const bool keep = message.keep_alive() && !draining && !full;
    const std::uint64_t now = trust.revocations ? trust.revocations() : 0;
    if (certificate && now != checked) {
      checked = now;
      // Revoked while the connection was kept: it ends as a handshake would.
      if (!trust.trusted(*certificate)) co_return;
    }
    Message shape(message.method(), message.target(), message.version());
    Request request = from_beast(std::move(message), source);
    request.client_certificate = certificate;
    const std::string id = request.request_id;
    const std::string method = request.method;
    const std::string path = request.path;
    Response response;
    if (full) {
      response = {.status = 503,
                  .content_type = "text/plain",
                  .body = "Too many connections. Try again.",
                  .headers = {{"Retry-After", "1"}}};
    } else {
      response = co_await answer(std::move(request));
    }
    const std::size_t size = response.body.size();
    const bool written = co_await write(stream, to_beast(response, shape, keep && !draining));
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begin);
    log::info("request", {{"request_id", id},
                          {"source", source},
                          {"caller", response.caller.empty() ? "anonymous" : response.caller},
                          {"method", method},
                          {"path", path},
                          {"status", response.status},
                          {"ms", ms.count()},
                          {"bytes", size}});
    if (!written || !keep || draining) co_return;
  }
}

Server::Server(net::io_context& io, Limits limits, ClientTrust trust,
               std::vector<std::pair<std::string, Handler>> prefixes)
    : state_(std::make_shared<State>(io, limits, std::move(trust), std::move(prefixes))) {}

Server::~Server() = default;

Result<void> Server::set_certificate(const std::string& chain_pem, const std::string& key_pem) {
  auto context = make_tls_context(chain_pem, key_pem, state_->trust);
  if (context.has_error()) return context.error();
  const std::lock_guard lock(state_->mutex);
  state_->tls = std::move(*context);
  return {};
}

Result<std::string> Server::listen(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = colon == std::string::npos ? address : address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  beast::error_code error;
  const auto ip = net::ip::make_address(host, error);
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const bool number = !port.empty() && port.size() <= 5 &&
                      port.find_first_not_of("0123456789") == std::string::npos &&
                      std::stoul(port) <= 65535;
  if (error || !number) {
    return fail(Code::malformed, "'" + address +
                                     "' is not an address to listen on. Write it like "
                                     "0.0.0.0:8140 or [::]:8140.");
  }
  try {
    const tcp::endpoint endpoint(ip, static_cast<unsigned short>(std::stoul(port)));
    auto& acceptor = state_->acceptor;
    acceptor.open(endpoint.protocol());
    acceptor.set_option(net::socket_base::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen(net::socket_base::max_listen_connections);
    const auto bound = acceptor.local_endpoint();
    net::co_spawn(
        acceptor.get_executor(),
        [state = state_]() -> net::awaitable<void> { co_await state->accept(); }, net::detached);
    return host.find(':') == std::string::npos ? host + ":" + std::to_string(bound.port())
                                               : "[" + host + "]:" + std::to_string(bound.port());
  } catch (const boost::system::system_error& failed) {
    return fail(Code::unavailable,
                "Cannot listen on " + address + ": " + failed.code().message() + ".");
  }
}

void Server::drain(std::function<void()> done) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->done = std::move(done);
    state_->draining = true;
    for (const auto& cancel : state_->idle) cancel();
  }
  net::post(state_->acceptor.get_executor(), [state = state_] {
    beast::error_code ignored;
    state->acceptor.close(ignored);
    if (state->open.load() == 0) state->finish_drain();
  });
}

std::size_t Server::connections() const { return state_->open.load(); }

}  // namespace countersign::api
