#include "ca/authority.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json.hpp>
#include <stdexcept>

#include "base/log.h"
#include "ca/authority_state.h"
#include "ca/request_id.h"
#include "ca/rule_context.h"
#include "x509/digest.h"

namespace countersign::ca {
namespace {

// With this and the rest of a request's way, who is refused under overload hears of it within 1 s.
constexpr auto kPatience = std::chrono::milliseconds(500);
constexpr std::size_t kPrograms = 8;
constexpr std::size_t kProgramsWaiting = 64;
// How often the files of the policy are looked at and a due CRL is noticed. Far below the bound of
// 5 s from a revocation to its CRL.
constexpr auto kTick = std::chrono::milliseconds(200);
constexpr std::size_t kLongestNote = 256;
constexpr std::chrono::seconds kLongestLifetime = std::chrono::days(50 * 365);

template <class T>
T must(Result<T> result, const std::string& doing) {
  if (result.has_error()) {
    throw std::runtime_error(
        doing + ": " + result.error().detail +
        (result.error().cause.empty() ? "" : " (" + result.error().cause + ")"));
  }
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

void complain(std::string_view event, const Result<void>& result) {
  if (result.has_value()) return;
  log::error(event, {{"error", result.error().detail}, {"cause", result.error().cause}});
}

// The store must belong to this CA key, and its last CRL must be what its row says.
void check_consistency(store::Store& store, const Issuer& issuer) {
  const auto issuers = must(store.issuers(), "Reading the store");
  const auto own = std::ranges::find(issuers, issuer.id(), &store::IssuerRecord::id);
  if (own == issuers.end() && !issuers.empty()) {
    throw std::runtime_error("The store belongs to another CA ('" + issuers.front().name +
                             "'). Put back the ca folder that was made with this store, or the "
                             "store that belongs to this CA.");
  }
  if (own != issuers.end() && !std::ranges::equal(own->certificate, issuer.certificate().der())) {
    throw std::runtime_error(
        "The store knows another certificate for this CA key. Start with the chain.pem that "
        "belongs to this store, or with a new store.");
  }
  const auto last = must(store.last_crl(issuer.id()), "Reading the last CRL");
  // One without its DER is verified where it is put together (CrlPublisher::resume).
  if (last && !last->der.empty()) {
    const auto crl = must(x509::Crl::parse(last->der), "Reading the last CRL");
    if (crl->number() != last->number || !crl->signed_by(issuer.certificate().public_key())) {
      throw std::runtime_error("The last CRL in the store (number " + std::to_string(last->number) +
                               ") does not fit this CA. Restore the store from a backup.");
    }
  }
}

}  // namespace

Authority::State::State(AuthorityConfig configuration, std::unique_ptr<Issuer> ca,
                        store::Store& rows, const Clock& time, const Random& randomness)
    : config(std::move(configuration)),
      issuer(std::move(ca)),
      store(rows),
      clock(time),
      random(randomness),
      started(time.now()),
      https(config.https_client ? config.https_client : make_https_client()),
      committer(store, config.work_limit),
      policy(config.policy_file, rule_context(config)),
      identities(config.identities, https, clock),
      crl(*issuer, store, committer, clock,
          CrlSettings{.delay = config.crl_delay,
                      .lifetime = config.crl_lifetime,
                      .infra_inventory = config.puppet.infra_inventory}),
      clock_check(*issuer, clock),
      checkpoints(config.audit_key, store, committer, clock, config.audit_checkpoint_rows,
                  config.audit_checkpoint_interval),
      refusals(clock),
      hooks(config.hooks, store, committer, clock, random, *https),
      programs(kPrograms, kPrograms + kProgramsWaiting),
      pool(config.workers, config.work_limit, kPatience),
      housekeeping(1, 4) {
  for (const auto& [name, settings] : config.deciders) {
    deciders[name] = std::make_unique<Decider>(name, settings, *https);
  }
}

Authority::Authority(AuthorityConfig config, std::unique_ptr<Issuer> issuer, store::Store& store,
                     const Clock& clock, const Random& random)
    : state_(std::make_unique<State>(std::move(config), std::move(issuer), store, clock, random)) {
  State& state = *state_;
  if (!state.config.profiles.contains("agent") || !state.config.profiles.contains("server")) {
    throw std::runtime_error("The profiles 'agent' and 'server' must exist.");
  }
  check_consistency(store, *state.issuer);
  must(state.clock_check.begin(store, state.config.accept_clock), "Looking at the clock");
  must(state.committer.commit_blocking(
           {store::InsertIssuer{{.id = state.issuer->id(),
                                 .name = state.issuer->certificate().common_name(),
                                 .certificate = to_bytes(state.issuer->certificate().der())}}}),
       "Writing the issuer to the store");
  // Before the guard: there is no older policy to stay with, and a service that does not start
  // would be worse.
  must(state.policy.reload(), "The policy is refused");
  state.guard_policy();
  must(state.crl.load_parents(state.config.root_crl),
       "Agents would refuse every certificate with the CRLs of the CAs above, from root.crl.pem or "
       "an "
       "upload. Put a new one, signed there with a higher number, into root.crl.pem");
  must(state.crl.resume(), "Publishing the first CRL");
}

Authority::~Authority() = default;

Task<void> Authority::run() {
  State& state = *state_;
  state.hooks.start();
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  for (JsonWebKeySource* source : state.identities.key_sources()) {
    boost::asio::co_spawn(timer.get_executor(), state.keep_keys(source), boost::asio::detached);
  }
  bool clock_is_wrong = false;
  while (!state.stopping.load()) {
    const auto done = co_await state.housekeeping.run([&]() -> Result<void> {
      // The CRL first: a large policy takes a while. Whatever is thrown, this loop must go on.
      try {
        // By a clock that is wrong everything would be late, or nothing.
        const auto right = state.clock_check.check();
        if (right.has_error() != clock_is_wrong) {
          clock_is_wrong = right.has_error();
          complain("clock_is_wrong", right);
          if (!clock_is_wrong) log::info("clock_is_right");
        }
        const auto published = state.publish_if_due();
        state.crl.warn_of_parents();
        if (state.reload_wanted.exchange(false)) {
          const auto loaded = state.policy.reload();  // an error is logged, and shown by health
          static_cast<void>(loaded.has_error());
        }
        state.policy.reload_if_changed();
        state.identities.reload_if_changed();
        const auto expired = clock_is_wrong ? Result<void>() : state.expire_stale();
        const auto kept = state.checkpoints.keep();
        complain("crl_not_published", published);
        complain("requests_not_expired", expired);
        complain("audit_not_signed", kept);
        return published.has_error() ? published : kept;
      } catch (const std::exception& error) {
        log::error("housekeeping_failed", {{"error", error.what()}});
        return fail(Code::internal, "Housekeeping failed.", error.what());
      }
    });
    timer.expires_after(done.has_error() ? 5 * kTick : kTick);
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
}

Result<void> Authority::State::publish_if_due() {
  // The CRL that is served is good, where one by a wrong clock would begin in the future or have
  // ended.
  if (!crl.due() || clock_check.check().has_error()) return {};
  const Timestamp before = crl.this_update();
  auto published = crl.publish();
  if (published.has_value() && crl.this_update() < before) {
    log::warn("clock_went_back",
              {{"last_crl", to_rfc3339(before)}, {"this_crl", to_rfc3339(crl.this_update())}});
  }
  return published;
}

void Authority::stop() {
  state_->stopping.store(true);
  state_->hooks.stop();
  for (JsonWebKeySource* source : state_->identities.key_sources()) source->stop();
}

Result<void> Authority::close_audit() {
  state_->hooks.stop();
  state_->hooks.join();
  return state_->checkpoints.close();
}

const Profile& Authority::State::profile(const std::string& name) const {
  const auto found = config.profiles.find(name.empty() ? "agent" : name);
  // A profile can vanish only if the configuration changed while a request waited.
  return found != config.profiles.end() ? found->second : config.profiles.at("agent");
}

std::string Authority::State::new_id() const { return new_request_id(clock.now(), random); }

store::AuditRecord Authority::State::audit(
    std::string action, const Caller& caller, std::string subject,
    std::initializer_list<std::pair<std::string_view, std::string>> detail,
    std::string serial) const {
  boost::json::object object;
  for (const auto& [key, value] : detail) object[{key.data(), key.size()}] = value;
  return {.sequence = 0,
          .at = clock.now(),
          .action = std::move(action),
          .actor = caller.describe(),
          .source = caller.source,
          .subject = std::move(subject),
          .serial = std::move(serial),
          .detail = boost::json::serialize(object),
          .request_id = caller.request_id};
}

Task<void> Authority::State::audit_refusal(std::string what, const Caller& caller,
                                           std::string subject) {
  // A part of it is the client's own text, of any length.
  if (what.size() > kLongestNote) what.resize(kLongestNote);
  std::ranges::replace_if(
      what, [](char c) { return c < ' ' || c > '~'; }, '?');
  const auto skipped = refusals.take(caller.role);
  if (!skipped) co_return;
  auto row = audit("refuse", caller, std::move(subject),
                   {{"call", what}, {"skipped", std::to_string(*skipped)}});
  store::WriteBatch batch;
  batch.push_back(store::AppendAudit{std::move(row)});
  const auto written = co_await committer.commit(std::move(batch));
  if (written.has_error()) log::error("audit_failed", {{"error", written.error().detail}});
}

Result<void> check_lifetime(const std::optional<std::chrono::seconds>& lifetime) {
  if (!lifetime || (lifetime->count() > 0 && *lifetime <= kLongestLifetime)) return {};
  return fail(Code::malformed, "A lifetime must be above 0 and at most 50 years, in seconds.");
}

Result<Authority::State::Signed> Authority::State::sign(const Grant& grant, const Profile& profile,
                                                        const x509::Csr& csr, std::string rule,
                                                        std::string request_id) const {
  const auto right = clock_check.check();
  if (right.has_error()) return right.error();
  auto prepared = issuer->prepare(profile, grant, csr.public_key());
  if (prepared.has_error()) return prepared.error();
  auto issued = issuer->issue(std::move(prepared).value());
  if (issued.has_error()) return issued.error();
  Signed made{certificate_row(issuer->id(), **issued, clock.now()), std::move(issued).value()};
  made.row.profile = profile.name;
  made.row.rule = std::move(rule);
  made.row.request_id = std::move(request_id);
  return made;
}

void Authority::State::add_certificate(store::WriteBatch& batch, store::CertificateRecord row,
                                       const Succession& succession, const Caller& caller) const {
  const std::string serial = to_hex(row.serial);
  const store::Revocation revocation{row.issued_at,
                                     static_cast<int>(x509::RevocationReason::superseded)};
  // First: it fails unless the name still stands for the certificate that was looked at.
  batch.push_back(store::InsertCertificate{std::move(row), succession.replace, succession.renews});
  for (const store::CertificateRecord& old : succession.superseded) {
    batch.push_back(store::RevokeCertificate{old.issuer, old.serial, revocation});
    batch.push_back(store::AppendAudit{audit("revoke", caller, old.certname,
                                             {{"reason", "superseded"}, {"replaced_by", serial}},
                                             to_hex(old.serial))});
  }
}

void Authority::State::revoked(std::size_t count) {
  if (count == 0) return;
  revocations.fetch_add(count);
  crl.changed();
}

Task<Result<std::shared_ptr<const x509::Certificate>>> Authority::issue_service_certificate(
    const x509::PublicKey& key) {
  State& state = *state_;
  auto made = co_await state.pool.run([&]() -> Result<std::shared_ptr<const x509::Certificate>> {
    const auto right = state.clock_check.check();
    if (right.has_error()) return right.error();
    Grant grant{.certname = state.config.hostnames.at(0)};
    for (const std::string& host : state.config.hostnames) {
      const bool address = host.find(':') != std::string::npos ||
                           host.find_first_not_of("0123456789.") == std::string::npos;
      grant.names.push_back(
          {address ? x509::GeneralName::Type::ip : x509::GeneralName::Type::dns, host});
    }
    auto prepared = state.issuer->prepare(state.profile("server"), grant, key);
    if (prepared.has_error()) return prepared.error();
    return state.issuer->issue(std::move(prepared).value());
  });
  if (made.has_error()) co_return made.error();
  store::CertificateRecord row = certificate_row(state.issuer->id(), **made, state.clock.now());
  row.profile = "server";
  row.rule = "service";
  // The service's own certificate does not take the name: see reserved names in authority_submit.
  row.current = false;
  const Caller self{.role = Role::operator_, .name = "service", .source = "", .request_id = ""};
  auto note = state.audit("issue", self, row.certname, {{"rule", "service"}, {"names", row.names}},
                          to_hex(row.serial));
  store::WriteBatch batch;
  batch.push_back(store::InsertCertificate{std::move(row)});
  batch.push_back(store::AppendAudit{std::move(note)});
  const auto stored = co_await state.committer.commit(std::move(batch));
  if (stored.has_error()) co_return stored.error();
  co_return made;
}

Health Authority::health() const {
  const State& state = *state_;
  Health health;
  health.policy_error = state.policy.error();
  health.policy_rules = state.policy.current()->size();
  health.audit_kept = state.checkpoints.kept();
  if (!state.committer.healthy()) {
    health.problems.push_back("The store cannot be written (" + state.committer.problem() +
                              "). It is tried again twice a second; reading goes on.");
  }
  const auto right = state.clock_check.check();
  if (right.has_error()) health.problems.push_back(right.error().detail);
  std::ranges::move(state.crl.problems(), std::back_inserter(health.problems));
  for (const auto& [name, decider] : state.deciders) {
    if (!decider->status().open) continue;
    health.warnings.push_back("The decider '" + name +
                              "' gives no answers: what its rules would sign waits. See the log.");
  }
  for (const std::string& name : state.hooks.failing()) {
    health.warnings.push_back("The hook '" + name +
                              "' cannot be delivered to; its events wait (countersign hook list).");
  }
  health.ready = health.problems.empty() && !state.stopping.load();
  return health;
}

const std::string& Authority::chain_pem() const { return state_->issuer->chain_pem(); }
std::shared_ptr<const std::string> Authority::crl_pem() const { return state_->crl.full().pem; }
CrlFigures Authority::crl_figures() const { return state_->crl.figures(); }
std::shared_ptr<const std::string> Authority::crl_der() const { return state_->crl.der(); }
Timestamp Authority::started() const { return state_->started; }
Timestamp Authority::crl_this_update() const { return state_->crl.this_update(); }
ServedCrls Authority::agents_crls() const { return state_->crl.for_agents(); }
const AuthorityConfig& Authority::config() const { return state_->config; }
const Clock& Authority::clock() const { return state_->clock; }
std::size_t Authority::work_in_use() const { return state_->pool.in_use(); }
std::uint64_t Authority::revocations() const { return state_->revocations.load(); }

}  // namespace countersign::ca
