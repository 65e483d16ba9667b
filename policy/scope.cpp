#include "policy/scope.h"

#include <algorithm>
#include <boost/json.hpp>

#include "policy/patterns.h"
#include "policy/words.h"

namespace countersign::policy {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostEntries = 100;
constexpr std::size_t kLongestEntry = 1000;
constexpr std::size_t kLongestShown = 120;

bool is_regex(std::string_view entry) {
  return entry.size() > 2 && entry.front() == '/' && entry.back() == '/';
}

// The expression that means the same; "" if the entry is no name with stars in it.
std::string regex_of_glob(std::string_view entry) {
  std::string regex;
  if (entry.starts_with("*.")) {
    regex = R"([^.]+(?:\.[^.]+)*)";
    entry.remove_prefix(1);
  }
  for (const char c : entry) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (c == '*') {
      regex += "[^.]+";
    } else if (c == '.') {
      regex += R"(\.)";
    } else if (word) {
      regex.push_back(c);
    } else {
      return "";
    }
  }
  return regex;
}

Result<void> check_sizes(std::string_view what, const std::vector<std::string>& list) {
  if (list.size() > kMostEntries) {
    return fail(Code::malformed, "A scope has at most 100 " + std::string(what) + ".");
  }
  for (const std::string& entry : list) {
    if (entry.empty() || entry.size() > kLongestEntry) {
      return fail(Code::malformed,
                  "An entry of the " + std::string(what) + " of a scope has 1 to 1000 characters.");
    }
  }
  return {};
}

std::string listed(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& entry : list) text += (text.empty() ? "'" : ", '") + entry + "'";
  return clipped(text, kLongestShown);
}

Result<std::vector<std::string>> texts_of(std::string_view member, const json::value& value) {
  const auto wrong = [&] {
    return fail(Code::malformed, "'" + std::string(member) + "' must be a list of strings.");
  };
  if (!value.is_array()) return wrong();
  std::vector<std::string> list;
  for (const json::value& item : value.get_array()) {
    if (!item.is_string()) return wrong();
    list.emplace_back(item.get_string());
  }
  return list;
}

}  // namespace

Scope::Scope(ScopeTerms terms) : terms_(std::move(terms)), names_(std::make_unique<Patterns>()) {}
Scope::~Scope() = default;

Result<std::shared_ptr<const Scope>> Scope::make(ScopeTerms terms) {
  if (terms.empty()) return fail(Code::malformed, "A scope names certnames or rules.");
  for (const auto& checked :
       {check_sizes("certnames", terms.certnames), check_sizes("rules", terms.rules)}) {
    if (checked.has_error()) return checked.error();
  }
  std::shared_ptr<Scope> scope(new Scope(std::move(terms)));
  for (const std::string& entry : scope->terms_.certnames) {
    const std::string regex =
        is_regex(entry) ? entry.substr(1, entry.size() - 2) : regex_of_glob(entry);
    const std::string why = regex.empty() ? "no name, glob or /expression/ of lower-case names"
                                          : scope->names_->add(regex);
    if (!why.empty()) {
      return fail(Code::malformed, joined({"'", entry, "' is wrong: ", why, "."}));
    }
  }
  return std::shared_ptr<const Scope>(std::move(scope));
}

bool Scope::holds(std::string_view certname) const {
  return terms_.certnames.empty() || names_->match(certname);
}

bool Scope::holds_rule(std::string_view rule) const {
  return terms_.rules.empty() || std::ranges::find(terms_.rules, rule) != terms_.rules.end();
}

std::string Scope::refusal(const TokenBounds& bounds) const {
  if (terms_.certnames.empty()) return "";
  if (!bounds.certname.empty() && !holds(bounds.certname)) {
    return "'" + bounds.certname + "' is none of " + listed(terms_.certnames);
  }
  if (!bounds.certname_regex.empty() &&
      std::ranges::find(terms_.certnames, "/" + bounds.certname_regex + "/") ==
          terms_.certnames.end()) {
    return "a pattern of names must be one of " + listed(terms_.certnames) +
           ", letter by letter: '/" + clipped(bounds.certname_regex, kLongestShown) + "/' is not";
  }
  for (const std::string& name : bounds.dns.value_or(std::vector<std::string>{})) {
    if (!holds(name)) return "the SAN '" + name + "' is none of " + listed(terms_.certnames);
  }
  return "";
}

std::string Scope::describe() const {
  std::string text;
  if (!terms_.certnames.empty()) text = "the names " + listed(terms_.certnames);
  if (!terms_.rules.empty()) {
    text += (text.empty() ? "the rules " : " and the rules ") + listed(terms_.rules);
  }
  return text;
}

std::string to_json(const ScopeTerms& terms) {
  if (terms.empty()) return "";
  json::object object;
  if (!terms.certnames.empty()) {
    object["certnames"] = json::array(terms.certnames.begin(), terms.certnames.end());
  }
  if (!terms.rules.empty()) object["rules"] = json::array(terms.rules.begin(), terms.rules.end());
  return json::serialize(object);
}

Result<ScopeTerms> parse_scope_terms(std::string_view text) {
  ScopeTerms terms;
  if (text.empty()) return terms;
  json::error_code error;
  const json::value document = json::parse({text.data(), text.size()}, error);
  if (error || !document.is_object()) return fail(Code::malformed, "A scope is a JSON object.");
  for (const auto& [member, value] : document.get_object()) {
    if (member != "certnames" && member != "rules") {
      return fail(Code::malformed, "'" + std::string(member) + "' is not known in a scope.");
    }
    auto list = texts_of({member.data(), member.size()}, value);
    if (list.has_error()) return list.error();
    (member == "rules" ? terms.rules : terms.certnames) = std::move(*list);
  }
  // Written without a list, "everything" would be a slip away.
  if (terms.empty()) return fail(Code::malformed, "A scope names certnames or rules.");
  return terms;
}

}  // namespace countersign::policy
