#include "policy/rule_set.h"

#include <algorithm>
#include <map>
#include <optional>
#include <span>

#include "base/config_reader.h"
#include "policy/approvals.h"
#include "policy/coverage.h"
#include "policy/name_index.h"
#include "policy/nearest.h"
#include "policy/outline.h"
#include "policy/rule.h"
#include "policy/rule_parser.h"
#include "policy/trace.h"

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

Decision decision_of(const Rule& rule, const Question& question) {
  Decision decision;
  decision.action = rule.action;
  decision.rule = rule.name;
  decision.profile = rule.profile;
  decision.has_grant = rule.grant.explicit_;
  decision.token = rule.match.token;
  decision.ask = rule.ask;
  decision.identity = rule.match.identity.required;
  decision.reuse = rule.reuse;
  decision.approvals = rule.approvals;
  decision.limits = rule.limits;
  for (Limit& limit : decision.limits) limit.key = limit_key(limit, rule.name, question.facts);
  if (rule.action == Action::sign || rule.grant.explicit_)
    decision.granted = rule.granted(question);
  decision.reason = !rule.reason.empty()
                        ? rule.reason
                        : "rule '" + rule.name + "' says " + std::string(to_string(rule.action));
  return decision;
}

// No rule matched.
Decision default_decision(Action action, std::int64_t approvals, const Question& question) {
  Decision decision;
  decision.approvals = approvals;
  decision.action = action;
  decision.reason = "no rule matched; the default is to " + std::string(to_string(action));
  if (action != Action::sign) return decision;
  // A default that signs grants the certname and nothing else; what asks for more waits.
  const Rule certname_alone;
  Words words;
  decision.granted = certname_alone.granted(question);
  if (!certname_alone.first_excess(question, &words).empty()) {
    decision.action = Action::queue;
    decision.reason = "no rule matched, and the default grants only the certname: " + words.found;
  }
  return decision;
}

}  // namespace

struct RuleSet::Content {
  Action default_action = Action::queue;
  std::int64_t default_approvals = 1;
  std::int64_t most_approvals = 1;  // of the default and of the rules
  std::vector<Rule> rules;
  std::vector<RuleOutline> outlines;  // of the rules
  std::optional<NameIndex> index;     // of the rules
  bool reuses_names = false;
  std::vector<std::filesystem::path> files;
};

RuleSet::RuleSet(std::unique_ptr<const Content> content) : content_(std::move(content)) {}
RuleSet::~RuleSet() = default;

std::shared_ptr<const RuleSet> RuleSet::empty(Action default_action) {
  auto content = std::make_unique<Content>();
  content->default_action = default_action;
  content->index.emplace(content->rules);
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
  content->default_approvals = read_approvals(root, content->default_action == Action::queue);
  content->most_approvals = content->default_approvals;
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
    content->outlines.push_back(outline_of(rule, parser.conditions, parser.grants));
    // A rule with an error says nothing about what others can still be asked.
    if (document->complaints().size() == complaints) {
      complain_if_covered(coverage, table, rule, parser);
    }
    content->reuses_names = content->reuses_names || rule.reuse != Reuse::refuse;
    content->most_approvals = std::max(content->most_approvals, rule.approvals);
    content->rules.push_back(std::move(rule));
  }
  root.done();
  const auto finished = document->finish();
  if (finished.has_error()) return finished.error();
  content->files = std::move(parser.files);
  content->index.emplace(content->rules);
  return std::make_shared<const RuleSet>(std::move(content));
}

Result<std::shared_ptr<const RuleSet>> RuleSet::load(const std::filesystem::path& file,
                                                     const LoadContext& context) {
  const auto text = context.files->read(file, kPolicyBytes);
  if (text.has_error()) return text.error();
  return parse(*text, file, context);
}

Decision RuleSet::decide(const Facts& facts) const {
  const Question question(facts);
  const std::vector<Rule>& rules = content_->rules;
  const std::vector<NameVerdict> verdicts = content_->index->verdicts(facts.certname);
  Trace trace(rules, question);
  const Rule* matched = nullptr;
  for (std::size_t i = 0; i < rules.size() && matched == nullptr; ++i) {
    std::string_view condition;
    if (verdicts[i] == NameVerdict::regex_failed) {
      condition = "certname_regex";
    } else if (verdicts[i] == NameVerdict::list_failed) {
      condition = "certname";
    } else {
      condition = rules[i].first_failure(question, verdicts[i] == NameVerdict::hold);
    }
    if (condition.empty()) {
      matched = &rules[i];
    } else {
      trace.failed(condition);
    }
  }
  Decision decision = matched != nullptr ? decision_of(*matched, question)
                                         : default_decision(content_->default_action,
                                                            content_->default_approvals, question);
  decision.trace = trace.shortened(matched);
  return decision;
}

Explanation RuleSet::explain(const Facts& facts) const {
  const Question question(facts);
  std::vector<TraceStep> trace;
  const Rule* matched = nullptr;
  std::size_t asked = 0;
  for (; asked < content_->rules.size() && matched == nullptr; ++asked) {
    const Rule& rule = content_->rules[asked];
    Words words;
    TraceStep step;
    step.rule = rule.name;
    step.condition = rule.first_failure(question, false, &words);
    step.matched = step.condition.empty();
    if (step.matched) matched = &rule;
    step.detail = std::move(words.found);
    trace.push_back(std::move(step));
  }
  Explanation explanation;
  explanation.decision =
      matched != nullptr
          ? decision_of(*matched, question)
          : default_decision(content_->default_action, content_->default_approvals, question);
  explanation.decision.trace = std::move(trace);
  const std::span<const Rule> failed(content_->rules.data(),
                                     matched != nullptr ? asked - 1 : asked);
  explanation.nearest = nearest_rule(failed, question, explanation.decision.action);
  return explanation;
}

bool RuleSet::asks_for_live_certificate() const {
  return std::ranges::any_of(
      content_->rules, [](const Rule& rule) { return rule.match.live_certificate.has_value(); });
}

Action RuleSet::default_action() const { return content_->default_action; }

std::vector<RuleOutline> RuleSet::outlines() const {
  std::vector<RuleOutline> list = content_->outlines;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Rule& rule = content_->rules[i];
    if (rule.match.allowlist.size() > 0) list[i].keys["match.certname (entries)"] = list_mark(rule);
  }
  return list;
}

std::int64_t RuleSet::most_approvals() const { return content_->most_approvals; }

bool RuleSet::reuses_names() const { return content_->reuses_names; }

std::size_t RuleSet::size() const { return content_->rules.size(); }
const std::vector<std::filesystem::path>& RuleSet::files() const { return content_->files; }

}  // namespace countersign::policy
