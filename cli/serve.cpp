// `countersign serve`: wires the parts, and drains them.
#include <sys/resource.h>
#include <algorithm>

#include <boost/asio.hpp>
#include <csignal>
#include <thread>

#include "api/http/server.h"
#include "api/puppet/puppet_frontend.h"
#include "api/rest/rest_frontend.h"
#include "base/log.h"
#include "base/random.h"
#include "ca/authority.h"
#include "cli/ca_files.h"
#include "cli/failure.h"
#include "cli/renewal_time.h"
#include "cli/service_config.h"
#include "cli/store_lock.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace net = boost::asio;

constexpr auto kDrainLimit = std::chrono::seconds(10);
// How often the service looks at its own certificate: the wall clock can jump, and somebody can
// revoke it.
constexpr auto kOwnCheck = std::chrono::seconds(1);

struct Options {
  std::string config;
  bool accept_clock = false;
};

// A connection that finds no descriptor gets no answer at all, so there must be more of them than
// connections are allowed.
void fit_descriptors(api::Limits& limits) {
  constexpr rlim_t kOthers = 128;  // the store, files, programs
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  ::getrlimit(RLIMIT_NOFILE, &files);
  // A tenth more than the limit is told to come back.
  const rlim_t wanted = limits.connections + limits.connections / 10 + 1 + kOthers;
  if (files.rlim_cur >= wanted) return;
  const rlim_t left = files.rlim_cur > 2 * kOthers ? files.rlim_cur - kOthers : kOthers;
  const std::size_t fits = left * 10 / 11;
  log::warn(
      "connections_limited",
      {{"configured", limits.connections}, {"descriptors", files.rlim_cur}, {"connections", fits}});
  limits.connections = fits;
}

// What the service sends after its own certificate: the root is left out (RFC 8446, 4.4.2), for who
// does not have it cannot use it.
std::string intermediates_of(const ca::Issuer& issuer) {
  std::string pem;
  for (const auto& ca : issuer.chain()) {
    if (ca->subject() != ca->issuer()) pem += ca->pem();
  }
  return pem;
}

std::size_t processors() { return std::max(2U, std::thread::hardware_concurrency()); }

class Service {
 public:
  Service(ServiceConfig config, std::unique_ptr<ca::Issuer> issuer)
      : config_(std::move(config)),
        intermediates_(intermediates_of(*issuer)),
        lock_(config_.store_file),
        store_(open_store(config_.store_file)),
        authority_(config_.authority, std::move(issuer), *store_, system_clock(), system_random()),
        server_(io_, sessions_, config_.limits, client_trust(), frontends()),
        signals_(io_, SIGTERM, SIGINT, SIGHUP),
        deadline_(io_),
        renewal_(io_) {}

  int run() {
    int code = kFailed;
    net::co_spawn(io_, authority_.run(), net::detached);
    net::co_spawn(io_, start(code), [this](const std::exception_ptr& thrown) {
      if (thrown) io_.stop();
    });
    io_.run();
    sessions_.stop();
    const auto closed = authority_.close_audit();
    if (closed.has_error()) log::error("audit_not_signed", {{"error", closed.error().detail}});
    return code;
  }

 private:
  api::ClientTrust client_trust() const {
    return {.ca_pem = authority_.chain_pem(),
            .trusted = [this](const x509::Certificate& c) { return authority_.trusted(c); },
            .revocations = [this] { return authority_.revocations(); }};
  }

  std::vector<std::pair<std::string, api::Handler>> frontends() {
    std::vector<std::pair<std::string, api::Handler>> list;
    api::RestSettings settings = config_.rest;
    settings.connections = [this] { return server_.counts(); };
    const auto rest = api::rest_frontend(authority_, settings);
    list.emplace_back("/v1", rest);
    list.emplace_back("/metrics", rest);
    if (config_.authority.puppet.enabled) {
      const auto puppet = api::puppet_frontend(authority_);
      list.emplace_back("/puppet-ca", puppet);
      list.emplace_back("/status", puppet);
    }
    return list;
  }

  // A fresh key each time; it lives in memory only.
  net::awaitable<Result<void>> renew_certificate() {
    seen_revocations_ = authority_.revocations();
    auto key = x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256});
    if (key.has_error()) co_return key.error();
    const auto made = co_await authority_.issue_service_certificate(key->public_key());
    if (made.has_error()) co_return made.error();
    own_ = *made;
    renewal_time_.made(own_->not_before(), own_->not_after());
    co_return server_.set_certificate(own_->pem() + intermediates_, key->to_pem(""));
  }

  bool renewal_due() {
    if (renewal_time_.due()) return true;
    const std::uint64_t revocations = authority_.revocations();
    if (revocations == seen_revocations_) return false;
    seen_revocations_ = revocations;
    return !authority_.trusted(*own_);
  }

  net::awaitable<void> keep_certificate() {
    for (;;) {
      renewal_.expires_after(kOwnCheck);
      const auto [stopped] = co_await renewal_.async_wait(net::as_tuple(net::use_awaitable));
      if (stopped) co_return;
      if (!renewal_due()) continue;
      const auto renewed = co_await renew_certificate();
      if (renewed.has_value()) {
        log::info("server_certificate_renewed");
        continue;
      }
      log::error("server_certificate_not_renewed", {{"error", renewed.error().detail}});
      renewal_time_.failed();
    }
  }

  net::awaitable<void> start(int& code) {
    const auto certificate = co_await renew_certificate();
    auto bound = certificate.has_error() ? Result<std::string>(certificate.error())
                                         : server_.listen(config_.listen);
    if (bound.has_error()) {
      print_note("countersign serve: " + bound.error().detail + "\n");
      authority_.stop();
      io_.stop();
      co_return;
    }
    net::co_spawn(io_, keep_certificate(), net::detached);
    print("listening on " + *bound + "\n");
    code = kDone;
    for (;;) {
      const auto [error, number] = co_await signals_.async_wait(net::as_tuple(net::use_awaitable));
      if (error) co_return;
      if (number != SIGHUP) break;
      authority_.request_reload();
    }
    drain();
  }

  void drain() {
    log::info("draining", {{"connections", server_.connections()}});
    authority_.stop();
    renewal_.cancel();
    server_.drain([this] { io_.stop(); });
    deadline_.expires_after(kDrainLimit);
    deadline_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      log::warn("drain_cut", {{"connections", server_.connections()}});
      io_.stop();
    });
  }

  // In this order: the store outlives the authority, the event loops all that runs on them.
  const ServiceConfig config_;
  const std::string intermediates_;
  const StoreLock lock_;
  net::io_context io_{1};
  api::SessionThreads sessions_{processors()};
  std::unique_ptr<store::Store> store_;
  ca::Authority authority_;
  api::Server server_;
  net::signal_set signals_;
  net::steady_timer deadline_;
  net::steady_timer renewal_;
  // Of the coroutine that keeps the certificate.
  std::shared_ptr<const x509::Certificate> own_;
  RenewalTime renewal_time_{system_clock()};
  std::uint64_t seen_revocations_ = 0;
};

int serve(const Options& options, const std::string&) {
  // A client that goes away must not end the process.
  std::signal(SIGPIPE, SIG_IGN);
  // Nor a limit on the size of files (LimitFSIZE=): it is met as a full disk is.
  std::signal(SIGXFSZ, SIG_IGN);
  ServiceConfig config = required(load_service_config(options.config), kUsage);
  log::configure(config.log_format, config.log_level);
  fit_descriptors(config.limits);
  // All who come through a TLS terminator come from its address.
  for (const policy::Cidr& range : config.authority.puppet.trusted_proxies) {
    config.limits.unlimited_sources.push_back(range);
  }
  auto issuer = load_issuer(config.ca_dir, config.passphrase_file);
  config.authority.root_crl = load_parent_crls(config.ca_dir, *issuer);
  const auto& inventory = config.authority.puppet.infra_inventory;
  if (!inventory.empty()) {
    required(ca::read_infra_inventory(inventory), kUsage, "[puppet] infra_inventory");
  }
  config.authority.audit_key = load_audit_key(config.ca_dir, config.passphrase_file);
  config.authority.workers = processors();
  config.authority.accept_clock = options.accept_clock;
  Service service(std::move(config), std::move(issuer));
  return service.run();
}

}  // namespace

void add_serve(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("serve", "Run the service in the foreground");
  verb->add_option("--config", options->config, "countersign.toml, as `init` wrote it")->required();
  verb->add_flag("--accept-clock", options->accept_clock,
                 "Start though the store holds later times: the clock was ahead and is right now");
  on_chosen(*verb, invocation, options, serve);
}

}  // namespace countersign::cli
