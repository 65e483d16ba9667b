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
  std::string text_;  // for traces: the expressions, joined
};

// A key of `match` that is absent is empty and always holds.
struct Match {
  bool any = false;
  Patterns certname_regex;
  bool has_allowlist = false;
  Allowlist allowlist;
  std::vector<Cidr> source;
  std::string source_text;
  std::optional<bool> san;                     // false: none asked for; true: some
  std::map<std::string, Patterns> names;       // by type: "dns", "email", "uri"
  std::vector<Cidr> name_addresses;            // san_ip
  std::map<std::string, Patterns> extensions;  // by OID; no pattern: present
  std::map<std::string, Patterns> attributes;
  std::vector<std::string> keys;  // "rsa", "ec:256", …
  std::string keys_text;
  int key_bits_min = 0;
  std::vector<std::string> challenge_passwords;
  std::optional<bool> live_certificate;
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

  // The first condition that fails, in the order that docs/policy.md states; nullopt if all hold.
  std::optional<TraceStep> first_failure(const Facts& facts) const;
  // Splits what was asked for into what this rule grants, and the first thing that it does not.
  Granted granted(const Facts& facts, std::optional<TraceStep>& refused) const;
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_RULE_H_
