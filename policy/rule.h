// One rule: what it matches, what it grants, what it does. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_RULE_H_
#define COUNTERSIGN_POLICY_RULE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/allowlist.h"
#include "policy/cidr.h"
#include "policy/decision.h"
#include "policy/facts.h"
#include "policy/identity_match.h"
#include "policy/name_template.h"
#include "policy/patterns.h"

namespace countersign::policy {

// The facts, with what every rule would otherwise work out again. Refers to the facts.
struct Question {
  explicit Question(const Facts& request);
  const Facts& facts;
  std::optional<Address> source;
  std::vector<RequestedName> names;  // DNS names in lower case
  std::string certname;              // both quoted, for traces
  std::string source_text;
  std::string key;  // "rsa:2048"
};

// A condition that failed, in words: what was found, and what it would have to be. Never holds a
// secret.
struct Words {
  std::string found;
  std::string needed;
};

// A key of `match` that is absent is empty and always holds.
struct Match {
  bool any = false;
  Patterns certname_regex;
  bool has_allowlist = false;
  Allowlist allowlist;
  std::vector<NameTemplate> certname_templates;  // then the allowlist is empty
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
  bool token = false;   // an enrolment token that is good for the request must have come with it
  std::string profile;  // the rule's: a token can be bound to one
  IdentityMatch identity;
  std::string rule;  // its name: a token can be bound to some
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
  std::string ask;  // the decider outside that must agree before it signs, "" for none
  Reuse reuse = Reuse::refuse;
  std::vector<Limit> limits;
  std::int64_t approvals = 1;  // people who must approve a request of it that waits

  // Does a request for more than the grant make the rule not match?
  bool may_refuse() const { return !strip && (action == Action::sign || grant.explicit_); }
  // The name of the first condition that fails, in the order that docs/policy.md states; "" if the
  // rule matches. `words`, where somebody will read them. `names_hold`: the conditions on the
  // certname are known to hold.
  std::string_view first_failure(const Question& question, bool names_hold = false,
                                 Words* words = nullptr) const;
  // Every condition that fails; of the grant, the first.
  std::vector<Failure> failures(const Question& question) const;
  // The first thing asked for that the grant does not hold ("grant.dns"), or "".
  std::string_view first_excess(const Question& question, Words* words = nullptr) const;
  // Of what was asked for, what this rule grants.
  Granted granted(const Question& question) const;
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_RULE_H_
