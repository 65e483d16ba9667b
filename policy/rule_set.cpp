#include "policy/rule_set.h"

#include <map>

#include "base/config_reader.h"
#include "policy/coverage.h"
#include "policy/rule.h"
#include "policy/rule_parser.h"

namespace countersign::policy {
namespace {

constexpr std::size_t kPolicyBytes = std::size_t{16} << 20U;

void complain_if_covered(Coverage& coverage, ConfigTable& table, const Rule& rule,
                         RuleParser& parser) {
  const Coverage::Entry* earlier = coverage.add({.rule = rule.name,
                                                 .place = table.where(""),
                                                 .conditions = std::move(parser.conditions),
                                                 .grants = std::move(parser.grants),
                                                 .may_refuse = rule.may_refuse()});
  if (earlier == nullptr) return;
  table.complain("", "rule '" + rule.name + "' can never be reached: rule '" + earlier->rule +
                         "', at " + earlier->place +
                         ", decides all that it would match. Move it up, change it, or remove it.");
}

std::string default_reason(Action action) {
  return "no rule matched; the default is to " + std::string(to_string(action));
}

}  // namespace

struct RuleSet::Content {
  Action default_action = Action::queue;
  std::vector<Rule> rules;
  bool reuses_names = false;
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
  Coverage coverage;
  for (ConfigTable& table : root.tables("rule")) {
    const std::size_t complaints = document->complaints().size();
    Rule rule = parser.parse(table);
    const auto [place, fresh] = places.emplace(rule.name, table.where("name"));
    if (!fresh && !rule.name.empty()) {
      table.complain("name", "there is a rule '" + rule.name + "' already, at " + place->second +
                                 ". Give this one another name.");
    }
    // A rule with an error says nothing about what others can still be asked.
    if (document->complaints().size() == complaints) {
      complain_if_covered(coverage, table, rule, parser);
    }
    content->reuses_names = content->reuses_names || rule.reuse != Reuse::refuse;
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
  const Question question(facts);
  for (const Rule& rule : content_->rules) {
    auto failed = rule.first_failure(question);
    Granted granted;
    if (!failed && (rule.action == Action::sign || rule.grant.explicit_)) {
      std::optional<TraceStep> refused;
      granted = rule.granted(question, refused);
      if (rule.may_refuse()) failed = std::move(refused);
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
    decision.token = rule.match.token;
    decision.granted = std::move(granted);
    decision.reuse = rule.reuse;
    decision.limits = rule.limits;
    for (Limit& limit : decision.limits) limit.key = limit_key(limit, rule.name, facts);
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
    decision.granted = Rule{}.granted(question, refused);
    if (refused) {
      decision.action = Action::queue;
      decision.reason =
          "no rule matched, and the default grants only the certname: " + refused->detail;
    }
  }
  return decision;
}

bool RuleSet::reuses_names() const { return content_->reuses_names; }

std::size_t RuleSet::size() const { return content_->rules.size(); }
const std::vector<std::filesystem::path>& RuleSet::files() const { return content_->files; }

}  // namespace countersign::policy
