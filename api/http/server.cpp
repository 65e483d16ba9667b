#include "api/http/server.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "api/http/server_state.h"
#include "api/http/tls_context.h"
#include "base/log.h"

namespace countersign::api {

namespace net = boost::asio;
using tcp = net::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace {

// Where no front end has its own form for it.
Response plain_refusal(const Request::Refused& refused) {
  Response response{.status = refused.status, .body = refused.error.detail};
  if (refused.status == 503) response.headers.emplace_back("Retry-After", "2");
  return response;
}

const Handler* handler_for(const std::vector<std::pair<std::string, Handler>>& prefixes,
                           std::string_view path) {
  for (const auto& [prefix, handler] : prefixes) {
    if (path == prefix || (path.starts_with(prefix) && path[prefix.size()] == '/')) {
      return &handler;
    }
  }
  return nullptr;
}

std::optional<tcp::endpoint> parse_listen(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  ErrorCode error;
  const auto ip = net::ip::make_address(host, error);
  const std::string port = address.substr(colon + 1);
  const bool number = !port.empty() && port.size() <= 5 &&
                      port.find_first_not_of("0123456789") == std::string::npos &&
                      std::stoul(port) <= 65535;
  if (error || !number) return std::nullopt;
  return tcp::endpoint(ip, static_cast<unsigned short>(std::stoul(port)));
}

}  // namespace

Server::State::State(net::io_context& context, SessionThreads& threads, Limits bounds,
                     ClientTrust clients, std::vector<std::pair<std::string, Handler>> handlers)
    : io(context),
      sessions(threads),
      limits(bounds),
      trust(std::move(clients)),
      prefixes(std::move(handlers)),
      acceptor(context),
      sources(
          {bounds.connections_per_source, bounds.handshakes_per_source, bounds.unlimited_sources}) {
  std::ranges::sort(prefixes,
                    [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

std::shared_ptr<TlsContext> Server::State::current_tls() {
  const std::lock_guard lock(mutex);
  return tls;
}

Server::State::Streams::iterator Server::State::began(const std::shared_ptr<TlsStream>& stream) {
  const std::lock_guard lock(mutex);
  return streams.insert(streams.end(), stream);
}

void Server::State::ended(Streams::iterator place) {
  const std::lock_guard lock(mutex);
  streams.erase(place);
}

void Server::State::closed() {
  if (open.fetch_sub(1) == 1 && draining) finish_drain();
}

void Server::State::finish_drain() {
  std::function<void()> call;
  {
    const std::lock_guard lock(mutex);
    call.swap(done);
  }
  if (call) net::post(io, std::move(call));
}

net::awaitable<Response> Server::State::answer(Request request) const {
  const Handler* handler = handler_for(prefixes, request.path);
  if (handler == nullptr) {
    if (request.refused) co_return plain_refusal(*request.refused);
    Response nothing{.status = 404, .body = "Not Found"};
    co_return nothing;
  }
  // What the front end needs to word a failure of its own.
  const auto refused = request.refused;
  Request again;
  again.method = request.method;
  again.target = request.target;
  again.path = request.path;
  again.source = request.source;
  again.request_id = request.request_id;
  again.refused =
      Request::Refused{500, fail(Code::internal, "see the log for request " + request.request_id)};
  try {
    Response response = co_await (*handler)(std::move(request));
    // A front end that did not look may not make a success of what was refused.
    if (refused && response.status != refused->status) response = plain_refusal(*refused);
    co_return response;
  } catch (const std::exception& error) {
    log::error("handler_failed", {{"request_id", again.request_id}, {"error", error.what()}});
  }
  co_return co_await (*handler)(std::move(again));
}

net::awaitable<void> Server::State::accept() {
  net::steady_timer pause(co_await net::this_coro::executor);
  while (!draining) {
    SessionThreads::Loop& loop = sessions.next();
    Socket socket(loop.executor());
    tcp::endpoint peer;
    const auto [error] = co_await acceptor.async_accept(socket, peer, kAwait);
    if (draining) break;
    if (error) {
      if (error == net::error::operation_aborted) break;
      // Out of descriptors, most likely: let some connections end first.
      log::error("accept_failed", {{"error", error.message()}});
      pause.expires_after(std::chrono::milliseconds(50));
      co_await pause.async_wait(kAwait);
      continue;
    }
    // A tenth above the bound is told to come back; what is above that is cut without a word.
    if (open.load() >= limits.connections) sources.refused(Sources::Refusal::total, peer.address());
    if (open.load() >= limits.connections + limits.connections / 10 + 1) continue;
    auto place = sources.enter(peer.address());
    if (!place) continue;
    open.fetch_add(1);
    net::co_spawn(loop.executor(),
                  session(std::move(socket), peer.address(), std::move(place), loop),
                  net::detached);
  }
}

Server::Server(net::io_context& io, SessionThreads& sessions, Limits limits, ClientTrust trust,
               std::vector<std::pair<std::string, Handler>> prefixes)
    : state_(std::make_shared<State>(io, sessions, limits, std::move(trust), std::move(prefixes))) {
}

Server::~Server() = default;

Result<void> Server::set_certificate(const std::string& chain_pem, const std::string& key_pem) {
  auto context = TlsContext::make(chain_pem, key_pem, state_->trust);
  if (context.has_error()) return context.error();
  const std::lock_guard lock(state_->mutex);
  state_->tls = std::move(*context);
  return {};
}

bool is_listen_address(const std::string& address) { return parse_listen(address).has_value(); }

Result<std::string> Server::listen(const std::string& address) {
  const auto wanted = parse_listen(address);
  if (!wanted) {
    return fail(Code::malformed, "'" + address +
                                     "' is not an address to listen on. Write it like "
                                     "0.0.0.0:8140 or [::]:8140.");
  }
  try {
    auto& acceptor = state_->acceptor;
    acceptor.open(wanted->protocol());
    acceptor.set_option(net::socket_base::reuse_address(true));
    // Linux hands it on to each connection, which saves a call for each.
    acceptor.set_option(tcp::no_delay(true));
    acceptor.bind(*wanted);
    acceptor.listen(net::socket_base::max_listen_connections);
    const auto bound = acceptor.local_endpoint();
    net::co_spawn(
        acceptor.get_executor(),
        // A parameter of the coroutine: it outlives what a lambda would capture.
        [](std::shared_ptr<State> state) -> net::awaitable<void> {
          co_await state->accept();
        }(state_),
        net::detached);
    const std::string host = wanted->address().to_string();
    return (wanted->address().is_v6() ? "[" + host + "]" : host) + ":" +
           std::to_string(bound.port());
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
    for (const auto& one : state_->streams) {
      if (const auto stream = one.lock()) stream->interrupt();
    }
  }
  net::post(state_->acceptor.get_executor(), [state = state_] {
    ErrorCode ignored;
    state->acceptor.close(ignored);
    if (state->open.load() == 0) state->finish_drain();
  });
}

std::size_t Server::connections() const { return state_->open.load(); }

ConnectionCounts Server::counts() const {
  ConnectionCounts counts;
  counts.open = state_->open.load();
  counts.refused_late = state_->refused_late.load(std::memory_order_relaxed);
  state_->sources.add_to(counts);
  return counts;
}

}  // namespace countersign::api
