// One rule: what it matches, what it grants, what it does. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_RULE_H_
#define COUNTERSIGN_POLICY_RULE_H_

#include <re2/re2.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/allowlist.h"
#include "policy/cidr.h"
#include "policy/decision.h"
#include "policy/facts.h"

namespace countersign::policy {

// The facts, with what every rule would otherwise work out again. Refers to the facts.
struct Question {
  explicit Question(const Facts& request);
  const Facts& facts;
  std::optional<Address> source;
  std::vector<RequestedName> names;  // DNS names in lower case
  std::string certname;              // both quoted, for traces
  std::string source_text;
};

// Regular expressions of one key; a text must match one of them as a whole.
class Patterns {
 public:
  // RE2's message, or "" if it was added.
  std::string add(const std::string& regex);
  bool match(std::string_view text) const;
  bool empty() const { return compiled_.empty(); }
  const std::string& text() const { return text_; }

 private:
  std::vector<std::unique_ptr<const RE2>> compiled_;
  std::string text_;  // for traces: the expressions, joined, not too long
};

// A key of `match` that is absent is empty and always holds.
struct Match {
  bool any = false;
  Patterns certname_regex;
  bool has_allowlist = false;
  Allowlist allowlist;
  std::vector<Cidr> source;
  std::string source_text;
  std::optional<bool> san;  // false: none asked for; true: some
  // Of several names of a type each must match (a rule that signs), or one (a rule that queues or
  // denies, which could be dodged by one more name).
  bool each_name = true;
  std::map<std::string, Patterns> names;       // by type: "dns", "email", "uri"
  std::vector<Cidr> name_addresses;            // san_ip
  std::map<std::string, Patterns> extensions;  // by OID; no pattern: present
  std::map<std::string, Patterns> attributes;
  std::vector<std::string> keys;  // "rsa", "ec:256", …
  std::string keys_text;
  int key_bits_min = 0;
  std::vector<std::string> challenge_passwords;
  std::optional<bool> live_certificate;
  bool token = false;  // an enrolment token that is good for the request must have come with it
};

struct Grant {
  bool explicit_ = false;        // was there a grant table?
  bool certname = true;          // the certname as DNS name
  std::vector<std::string> dns;  // lower case; "*.tail" for whole leading labels
  std::vector<Cidr> ip;
  std::vector<std::string> email;
  std::vector<std::string> uri;
  bool puppet_extensions = false;       // "*"
  std::vector<std::string> extensions;  // OIDs
};

struct Rule {
  std::string name;
  Match match;
  Grant grant;
  Action action = Action::queue;
  std::string profile;
  std::string reason;
  bool strip = false;
  Reuse reuse = Reuse::refuse;
  std::vector<Limit> limits;

  // Does a request for more than the grant make the rule not match?
  bool may_refuse() const { return !strip && (action == Action::sign || grant.explicit_); }
  // The first condition that fails, in the order that docs/policy.md states; nullopt if all hold.
  std::optional<TraceStep> first_failure(const Question& question) const;
  // Splits what was asked for into what this rule grants, and the first thing that it does not.
  Granted granted(const Question& question, std::optional<TraceStep>& refused) const;
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_RULE_H_
