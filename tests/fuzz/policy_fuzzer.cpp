// Whatever text is given as a policy: it is refused with errors of which each names its place, or
// no decision of it grants what was not asked for, the operator mark, or a signature without a rule
// or a default that signs; nor does it replace a certificate for whom has shown no secret. And the
// quick way to a decision leads to the same one as the plain way.
#include <algorithm>
#include <array>
#include <string>

#include "policy/certname.h"
#include "policy/rule_set.h"
#include "tests/fuzz/require.h"

namespace {

namespace policy = countersign::policy;
using countersign::Code;
using countersign::Result;

// One allowlist, and nothing else of the machine that the target runs on.
class OneFile final : public countersign::FileSystem {
 public:
  Result<std::string> read(const std::filesystem::path& path, std::size_t) const override {
    if (path.filename() == "allow.txt")
      return std::string("web-1.example.com\n*.lab.example.com\n");
    return countersign::fail(Code::not_found, "cannot open it: No such file or directory");
  }
  Result<void> write(const std::filesystem::path&, std::string_view, mode_t) const override {
    return countersign::fail(Code::unavailable, "read only");
  }
};

std::array<policy::Facts, 7> requests() {
  policy::Facts plain;
  plain.certname = "web-1.example.com";
  plain.key_algorithm = "ec";
  plain.key_bits = 256;
  plain.source = "10.1.2.3";
  policy::Facts more = plain;
  more.names = {{"dns", "web-1.example.com"},  {"dns", "WWW.example.com"},
                {"dns", "*.example.com"},      {"ip", "10.0.0.1"},
                {"email", "root@example.com"}, {"uri", "spiffe://x/y"},
                {"directory", "CN=x"},         {"other", "x"}};
  more.extensions = {{"1.3.6.1.4.1.34380.1.1.13", false, "web"},
                     {"2.5.29.19", true, std::nullopt},
                     {std::string(policy::kCliAuthOid), false, "true"}};
  more.challenge_password = "correct-horse-battery";
  policy::Facts operator_only = plain;
  operator_only.certname = "a.lab.example.com";
  operator_only.extensions = {{std::string(policy::kCliAuthOid), false, "true"}};
  policy::Facts old = plain;
  old.key_algorithm = "rsa";
  old.key_bits = 2048;
  old.source = "";
  old.has_live_certificate = true;
  old.attributes["1.2.3"] = {"value"};
  policy::Facts minted = old;
  minted.token = policy::PresentedToken{.id = "T1", .problem = "", .profile = ""};
  policy::Facts vouched = old;
  vouched.certname = "i-0abc.eu-west-1.compute.example.com";
  vouched.identity.emplace();
  vouched.identity->provider = "amazon";
  vouched.identity->claims = {{"aws.account", "123456789012"},
                              {"aws.instance_id", "i-0abc"},
                              {"aws.region", "eu-west-1"},
                              {"oidc.gitlab.ref", "main"}};
  policy::Facts refused = vouched;
  refused.identity->problem = "It expired.";
  return {plain, more, operator_only, old, minted, vouched, refused};
}

bool asked(const policy::Facts& facts, const policy::RequestedName& name) {
  if (name.type == "dns" && name.value == facts.certname) return true;
  return std::ranges::any_of(facts.names, [&](const policy::RequestedName& other) {
    return other.type == name.type &&
           std::ranges::equal(other.value, name.value, [](char a, char b) {
             return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b || a == b;
           });
  });
}

void check_decision(const policy::Facts& facts, const policy::Decision& decision,
                    bool default_signs) {
  for (const policy::RequestedName& name : decision.granted.names) require(asked(facts, name));
  for (const std::string& oid : decision.granted.extensions) {
    require(oid != policy::kCliAuthOid);
    require(policy::is_puppet_extension(oid) || policy::is_authorization_extension(oid));
    require(std::ranges::find(facts.extensions, oid, &policy::RequestedExtension::oid) !=
            facts.extensions.end());
  }
  if (decision.action != policy::Action::sign) require(!decision.reason.empty());
  if (decision.reuse == policy::Reuse::replace) {
    require(decision.action == policy::Action::sign);
    require(!facts.challenge_password.empty() || (facts.token && facts.token->problem.empty()) ||
            (facts.identity && facts.identity->problem.empty()));
  }
  // Only a document that is good binds its machine.
  if (decision.identity) require(facts.identity && facts.identity->problem.empty());
  for (const policy::Limit& limit : decision.limits) {
    require(decision.action == policy::Action::sign);
    require(limit.most > 0 && limit.period.count() > 0 && !limit.key.empty());
  }
  if (decision.rule.empty()) {
    require(decision.action != policy::Action::sign || default_signs);
  } else {
    require(!decision.trace.empty() && decision.trace.back().matched);
    require(decision.trace.back().rule == decision.rule);
  }
  const auto matched = std::ranges::count(decision.trace, true, &policy::TraceStep::matched);
  require(matched == (decision.rule.empty() ? 0 : 1));
  for (const policy::TraceStep& step : decision.trace) {
    require(step.matched == step.condition.empty());
    require(step.detail.find("correct-horse-battery") == std::string::npos);
  }
}

// "file:line:column: text" in every line.
void check_errors(std::string_view errors) {
  require(!errors.empty());
  while (!errors.empty()) {
    std::string_view line = errors.substr(0, errors.find('\n'));
    errors.remove_prefix(std::min(errors.size(), line.size() + 1));
    constexpr std::string_view kFile = "/p/policy.toml:";
    require(line.starts_with(kFile));
    line.remove_prefix(kFile.size());
    for (int part = 0; part < 2; ++part) {
      const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
      require(digits > 0 && line.substr(digits).starts_with(':'));
      line.remove_prefix(digits + 1);
    }
    require(line.starts_with(' ') && line.size() > 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const OneFile files;
  static const auto all = requests();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  policy::LoadContext context;
  context.files = &files;
  const auto rules = policy::RuleSet::parse(text, "/p/policy.toml", context);
  if (rules.has_error()) {
    require(rules.error().code == Code::malformed);
    check_errors(rules.error().detail);
    return 0;
  }
  // Only a default that is written can sign without a rule.
  const bool default_signs =
      text.find("default") != std::string_view::npos || text.find('\\') != std::string_view::npos;
  for (const policy::Facts& facts : all) {
    const policy::Decision decision = (*rules)->decide(facts);
    check_decision(facts, decision, default_signs);
    require(policy::trace_to_json(decision.trace).size() <= policy::kLongestTrace);
    // Asked one by one, the rules say the same.
    const policy::Explanation whole = (*rules)->explain(facts);
    check_decision(facts, whole.decision, default_signs);
    require(whole.decision.action == decision.action && whole.decision.rule == decision.rule);
    require(!whole.nearest || whole.nearest->action != decision.action);
  }
  return 0;
}
