// /v1/health and /metrics.
#include "api/rest/json_form.h"
#include "api/rest/problem.h"
#include "api/rest/route.h"
#include "ca/decider.h"

namespace countersign::api {

namespace json = boost::json;

Answer get_live(Call) {
  const json::object answer{{"status", "live"}};
  co_return json_response(200, answer);
}

Answer get_ready(Call call) {
  const ca::Health health = call.authority.health();
  json::array problems;
  for (const std::string& text : health.problems) problems.emplace_back(text);
  json::array warnings;
  for (const std::string& text : health.warnings) warnings.emplace_back(text);
  json::object policy{{"rules", health.policy_rules}, {"error", nullptr}};
  if (!health.policy_error.empty()) {
    // The text quotes the policy, which is nobody's business but its readers'.
    const bool reader = !call.caller.scope && ca::allowed(call.caller, ca::Action::read_all);
    policy["error"] = reader ? health.policy_error
                             : "The policy file is refused; an operator or auditor is told why.";
  }
  const json::object answer{{"status", health.ready ? "ready" : "not ready"},
                            {"problems", std::move(problems)},
                            {"warnings", std::move(warnings)},
                            {"policy", std::move(policy)}};
  co_return json_response(health.ready ? 200 : 503, answer);
}

namespace {

void metric(std::string_view name, std::string_view kind, std::string_view help,
            std::string& text) {
  text += "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " +
          std::string(name) + " " + std::string(kind) + "\n";
}

// A metric with one value.
void single(std::string_view name, std::string_view kind, std::string_view help,
            const std::string& value, std::string& text) {
  metric(name, kind, help, text);
  text += std::string(name) + " " + value + "\n";
}

// A configured name: letters, digits, '-' and '_'.
void labelled(std::string_view name, std::string_view label, const std::string& value,
              std::uint64_t number, std::string& text) {
  text += std::string(name) + "{" + std::string(label) + "=\"" + value + "\"} " +
          std::to_string(number) + "\n";
}

void decider_metrics(const std::vector<ca::DeciderStatus>& deciders, std::string& text) {
  if (deciders.empty()) return;
  metric("countersign_decider_asked_total", "counter", "Questions put to a decider outside.", text);
  for (const auto& one : deciders) {
    labelled("countersign_decider_asked_total", "decider", one.name, one.asked, text);
  }
  metric("countersign_decider_failed_total", "counter", "Of those, without an answer that counts.",
         text);
  for (const auto& one : deciders) {
    labelled("countersign_decider_failed_total", "decider", one.name, one.failed, text);
  }
  metric("countersign_decider_open", "gauge", "Is it left alone, as it failed so often?", text);
  for (const auto& one : deciders) {
    labelled("countersign_decider_open", "decider", one.name, one.open ? 1 : 0, text);
  }
}

void hook_metrics(const std::vector<store::HookTally>& hooks, std::string& text) {
  using Tally = store::HookTally;
  struct Metric {
    std::string_view name, kind, help;
    std::int64_t Tally::*value;
  };
  static constexpr Metric kMetrics[] = {
      {"countersign_hook_waiting", "gauge", "Events that a hook is still to be told.",
       &Tally::waiting},
      {"countersign_hook_delivered_total", "counter", "Events that were delivered.",
       &Tally::delivered},
      {"countersign_hook_given_up_total", "counter", "Events that were tried for too long.",
       &Tally::given_up},
      {"countersign_hook_dropped_total", "counter", "Events that went as too many waited.",
       &Tally::dropped}};
  if (hooks.empty()) return;
  for (const Metric& one : kMetrics) {
    metric(one.name, one.kind, one.help, text);
    for (const Tally& tally : hooks) {
      labelled(one.name, "hook", tally.hook, static_cast<std::uint64_t>(tally.*one.value), text);
    }
  }
}

void connection_metrics(const ConnectionCounts& counts, std::string& text) {
  single("countersign_connections", "gauge", "Connections that are open.",
         std::to_string(counts.open), text);
  static constexpr std::string_view kRefused = "countersign_connections_refused_total";
  metric(kRefused, "counter", "Connections that were cut, or told 503, for their number.", text);
  labelled(kRefused, "reason", "total", counts.refused_total, text);
  labelled(kRefused, "reason", "source", counts.refused_source, text);
  labelled(kRefused, "reason", "handshakes", counts.refused_handshakes, text);
  single("countersign_requests_refused_late_total", "counter",
         "Requests that were told 503, as too many were ready before them.",
         std::to_string(counts.refused_late), text);
}

void crl_metrics(const ca::CrlFigures& crl, std::string& text) {
  const auto gauge = [&text](std::string_view name, std::string_view help,
                             const std::string& value) {
    single(name, "gauge", help, value, text);
  };
  const auto seconds = [](std::chrono::milliseconds time) {
    const std::string rest = std::to_string(1000 + time.count() % 1000).substr(1);
    return std::to_string(time.count() / 1000) + "." + rest;
  };
  gauge("countersign_crl_entries", "Entries of the served CRL.", std::to_string(crl.entries));
  gauge("countersign_crl_build_seconds", "What the last CRL took to make, sign and store.",
        seconds(crl.build));
  gauge("countersign_crl_delay_seconds",
        "From a revocation to its CRL: the oldest in the last one.", seconds(crl.delay));
  gauge("countersign_crl_delay_max_seconds", "The longest of these since the start.",
        seconds(crl.max_delay));
}

}  // namespace

Answer get_metrics(Call call) {
  const auto counts = co_await call.authority.counts(call.caller);
  if (counts.has_error()) co_return problem(counts.error(), call.request);
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(
      call.authority.clock().now() - call.authority.crl_this_update());
  std::string text;
  const auto gauge = [&text](std::string_view name, std::string_view help, std::int64_t value) {
    single(name, "gauge", help, std::to_string(value), text);
  };
  gauge("countersign_requests_queued", "Requests that wait for an operator.", counts->queued);
  gauge("countersign_certificates", "Certificates in the store.", counts->certificates);
  gauge("countersign_certificates_revoked", "Certificates that are revoked.", counts->revoked);
  gauge("countersign_work_in_use", "Pieces of work that wait or run.",
        static_cast<std::int64_t>(call.authority.work_in_use()));
  gauge("countersign_crl_age_seconds", "Age of the served CRL.", age.count());
  crl_metrics(call.authority.crl_figures(), text);
  gauge("countersign_policy_ok", "Was the last load of the policy good?",
        call.authority.health().policy_error.empty() ? 1 : 0);
  gauge("countersign_audit_ok", "Is the audit signed, and was it whole since the start?",
        call.authority.health().audit_kept ? 1 : 0);
  if (call.connections) connection_metrics(*call.connections, text);
  const auto hooks = co_await call.authority.hook_tallies();
  if (hooks.has_error()) co_return problem(hooks.error(), call.request);
  hook_metrics(*hooks, text);
  decider_metrics(call.authority.deciders(), text);
  Response response;
  response.content_type = "text/plain; version=0.0.4";
  response.body = std::move(text);
  co_return response;
}

}  // namespace countersign::api
