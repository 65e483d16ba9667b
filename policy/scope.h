// What a credential is narrowed to: names, and rules.
#ifndef COUNTERSIGN_POLICY_SCOPE_H_
#define COUNTERSIGN_POLICY_SCOPE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/enrolment_token.h"

namespace countersign::policy {

class Patterns;

// As people write it. A name is one of three:
//   ci-*.example.com    a glob: "*" stands for one or more characters but the dot; a whole first
//                       label "*." for one or more labels, as in a rule
//   /ci-[0-9]+/         RE2, of the whole name
//   ci-7                itself
// An empty list does not narrow.
struct ScopeTerms {
  std::vector<std::string> certnames;
  std::vector<std::string> rules;  // by name
  bool empty() const { return certnames.empty() && rules.empty(); }
  bool operator==(const ScopeTerms&) const = default;
};

// Immutable; thread-safe.
class Scope {
 public:
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  // malformed, with the entry named, for what is no name, glob or expression, for more than 100
  // entries of a kind, and for terms that are empty.
  static Result<std::shared_ptr<const Scope>> make(ScopeTerms terms);

  bool holds(std::string_view certname) const;
  bool holds_rule(std::string_view rule) const;
  // May a token with these bounds be made by such a credential? Every name that it is good for must
  // be within, and whether one expression is within another nobody can tell in general: a name must
  // be one that the scope holds, an expression the very one that the scope is written with. SANs
  // that it lists must be names that the scope holds. "" if so, else why not.
  std::string refusal(const TokenBounds& bounds) const;

  const ScopeTerms& terms() const { return terms_; }
  bool narrows_rules() const { return !terms_.rules.empty(); }
  // "the names 'ci-*' and the rules 'ci machines'"
  std::string describe() const;

 private:
  explicit Scope(ScopeTerms terms);

  const ScopeTerms terms_;
  const std::unique_ptr<Patterns> names_;
};

// {"certnames": [...], "rules": [...]}, a list that is empty left out; "" if both are.
std::string to_json(const ScopeTerms& terms);
// malformed for anything else. "" is everything: terms that are empty.
Result<ScopeTerms> parse_scope_terms(std::string_view json);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_SCOPE_H_
