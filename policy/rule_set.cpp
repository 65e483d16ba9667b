#include "policy/rule_set.h"

#include <map>

#include "base/config_reader.h"
#include "policy/rule.h"
#include "policy/rule_parser.h"

namespace countersign::policy {
namespace {

constexpr std::size_t kPolicyBytes = std::size_t{16} << 20U;

// Does this rule take every request, so that nothing after it is ever asked?
bool takes_everything(ConfigTable& match, const Rule& rule) {
  const bool only_any = rule.match.any && match.keys().size() == 1;
  const bool grant_can_fail = !rule.strip && (rule.action == Action::sign || rule.grant.explicit_);
  return only_any && !grant_can_fail;
}

std::string default_reason(Action action) {
  return "no rule matched; the default is to " + std::string(to_string(action));
}

}  // namespace

struct RuleSet::Content {
  Action default_action = Action::queue;
  std::vector<Rule> rules;
  std::vector<std::filesystem::path> files;
};

RuleSet::RuleSet(std::unique_ptr<const Content> content) : content_(std::move(content)) {}
RuleSet::~RuleSet() = default;

std::shared_ptr<const RuleSet> RuleSet::empty(Action default_action) {
  auto content = std::make_unique<Content>();
  content->default_action = default_action;
  return std::make_shared<const RuleSet>(std::move(content));
}

Result<std::shared_ptr<const RuleSet>> RuleSet::parse(std::string_view toml,
                                                      const std::filesystem::path& file,
                                                      const LoadContext& context) {
  auto document = ConfigDocument::parse(toml, file.string());
  if (document.has_error()) return document.error();
  auto content = std::make_unique<Content>();
  ConfigTable root = document->root();
  if (const auto action = root.text("default")) {
    const auto known = parse_action(*action);
    if (!known) root.complain("default", "'default' must be \"sign\", \"queue\" or \"deny\".");
    content->default_action = known.value_or(Action::queue);
  }
  RuleParser parser{context, file.parent_path()};
  std::map<std::string, std::string> places;  // name -> where
  std::string blocked_by;
  for (ConfigTable& table : root.tables("rule")) {
    Rule rule = parser.parse(table);
    const auto [place, fresh] = places.emplace(rule.name, table.where("name"));
    if (!fresh) {
      table.complain("name", "there is a rule '" + rule.name + "' already, at " + place->second +
                                 ". Give this one another name.");
    }
    if (!blocked_by.empty()) {
      table.complain("", "rule '" + rule.name + "' can never be reached: rule '" + blocked_by +
                             "' before it takes everything. Move it up, or remove it.");
    }
    if (auto match = table.table("match"); match && blocked_by.empty()) {
      if (takes_everything(*match, rule)) blocked_by = rule.name;
    }
    content->rules.push_back(std::move(rule));
  }
  root.done();
  const auto finished = document->finish();
  if (finished.has_error()) return finished.error();
  content->files = std::move(parser.files);
  return std::make_shared<const RuleSet>(std::move(content));
}

Result<std::shared_ptr<const RuleSet>> RuleSet::load(const std::filesystem::path& file,
                                                     const LoadContext& context) {
  const auto text = context.files->read(file, kPolicyBytes);
  if (text.has_error()) return text.error();
  return parse(*text, file, context);
}

Decision RuleSet::decide(const Facts& facts) const {
  Decision decision;
  for (const Rule& rule : content_->rules) {
    auto failed = rule.first_failure(facts);
    std::optional<TraceStep> refused;
    Granted granted;
    if (!failed) {
      granted = rule.granted(facts, refused);
      const bool counts = rule.action == Action::sign || rule.grant.explicit_;
      if (counts && refused && !rule.strip) failed = refused;
    }
    if (failed) {
      failed->rule = rule.name;
      decision.trace.push_back(std::move(*failed));
      continue;
    }
    decision.trace.push_back({.rule = rule.name, .matched = true, .condition = "", .detail = ""});
    decision.action = rule.action;
    decision.rule = rule.name;
    decision.profile = rule.profile;
    decision.has_grant = rule.grant.explicit_;
    decision.granted = std::move(granted);
    decision.reason = !rule.reason.empty()
                          ? rule.reason
                          : "rule '" + rule.name + "' says " + std::string(to_string(rule.action));
    return decision;
  }
  decision.action = content_->default_action;
  decision.reason = default_reason(decision.action);
  if (decision.action == Action::sign) {
    // A default that signs grants the certname and nothing else; what asks for more waits.
    std::optional<TraceStep> refused;
    decision.granted = Rule{}.granted(facts, refused);
    if (refused) {
      decision.action = Action::queue;
      decision.reason =
          "no rule matched, and the default grants only the certname: " + refused->detail;
    }
  }
  return decision;
}

std::size_t RuleSet::size() const { return content_->rules.size(); }
const std::vector<std::filesystem::path>& RuleSet::files() const { return content_->files; }

}  // namespace countersign::policy
