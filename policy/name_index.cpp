#include "policy/name_index.h"

#include <algorithm>

namespace countersign::policy {
namespace {

// A longer list is looked up by its rule: a copy of a million names would cost more than it saves.
constexpr std::size_t kLongestList = 64;
// Expressions with a count ('.{1,63}') are large programs, and many of them in one automaton make
// each of its states large: their rules are asked one by one. A usual expression has 20 to 60
// instructions.
constexpr int kLargestProgram = 256;
// Of the automaton of all expressions together. When it is full RE2 starts it afresh.
constexpr std::int64_t kSetMemory = 32 << 20;

}  // namespace

NameIndex::NameIndex(const std::vector<Rule>& rules) {
  unmatched_.reserve(rules.size());
  matched_.reserve(rules.size());
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kSetMemory);
  set_ = std::make_unique<RE2::Set>(options, RE2::ANCHOR_BOTH);
  for (std::size_t i = 0; i < rules.size(); ++i) add(static_cast<RuleNumber>(i), rules[i].match);
  if (!set_rules_.empty() && set_->Compile()) return;
  // Too much for one automaton: every rule is asked.
  for (const RuleNumber number : set_rules_) unmatched_[number] = NameVerdict::open;
  set_rules_.clear();
  set_.reset();
}

void NameIndex::add(RuleNumber number, const Match& match) {
  NameVerdict unmatched = NameVerdict::hold;
  NameVerdict matched = NameVerdict::hold;
  const auto& compiled = match.certname_regex.compiled();
  if (!match.certname_regex.empty()) {
    const bool small = std::ranges::all_of(
        compiled, [](const auto& regex) { return regex->ProgramSize() <= kLargestProgram; });
    unmatched = small ? NameVerdict::regex_failed : NameVerdict::open;
    // Of a rule with both kinds of condition only the first is looked up here.
    matched = match.has_allowlist ? NameVerdict::open : NameVerdict::hold;
    if (small) add_regex(number, match.certname_regex);
  } else if (!match.certname_templates.empty()) {
    // What a document gives is asked of the rule; the end of the name rules most rules out.
    const bool ends = std::ranges::none_of(
        match.certname_templates, [](const NameTemplate& name) { return name.tail().empty(); });
    unmatched = ends ? NameVerdict::list_failed : NameVerdict::open;
    matched = NameVerdict::open;
    if (ends) add_templates(number, match.certname_templates);
  } else if (match.has_allowlist) {
    const bool small = match.allowlist.size() <= kLongestList;
    unmatched = small ? NameVerdict::list_failed : NameVerdict::open;
    if (small) add_list(number, match.allowlist);
  }
  unmatched_.push_back(unmatched);
  matched_.push_back(matched);
}

void NameIndex::add_regex(RuleNumber number, const Patterns& patterns) {
  for (const std::string& text : patterns.literals()) names_[text].push_back(number);
  for (const auto& regex : patterns.compiled()) {
    // It compiled before; the set parses it in the same way.
    if (set_->Add(regex->pattern(), nullptr) >= 0) set_rules_.push_back(number);
  }
}

void NameIndex::add_list(RuleNumber number, const Allowlist& list) {
  list.names().for_each(
      [&](std::string_view name) { names_[std::string(name)].push_back(number); });
  list.tails().for_each(
      [&](std::string_view tail) { tails_[std::string(tail)].push_back(number); });
}

void NameIndex::add_templates(RuleNumber number, const std::vector<NameTemplate>& templates) {
  for (const NameTemplate& name : templates) tails_[std::string(name.tail())].push_back(number);
}

void NameIndex::pass_all(const Names& names, std::string_view text,
                         std::vector<NameVerdict>& verdicts) const {
  const auto found = names.find(text);
  if (found == names.end()) return;
  for (const RuleNumber number : found->second) verdicts[number] = matched_[number];
}

std::vector<NameVerdict> NameIndex::verdicts(std::string_view certname) const {
  std::vector<NameVerdict> verdicts = unmatched_;
  pass_all(names_, certname, verdicts);
  if (!tails_.empty()) {
    for (std::size_t dot = certname.find('.'); dot != std::string_view::npos;
         dot = certname.find('.', dot + 1)) {
      pass_all(tails_, certname.substr(dot + 1), verdicts);
    }
  }
  if (set_ == nullptr) return verdicts;
  std::vector<int> found;
  RE2::Set::ErrorInfo error{RE2::Set::kNoError};
  set_->Match({certname.data(), certname.size()}, &found, &error);
  if (error.kind != RE2::Set::kNoError) {
    for (const RuleNumber number : set_rules_) verdicts[number] = NameVerdict::open;
    return verdicts;
  }
  for (const int index : found) {
    const RuleNumber number = set_rules_[static_cast<std::size_t>(index)];
    verdicts[number] = matched_[number];
  }
  return verdicts;
}

}  // namespace countersign::policy
