#include "policy/rule.h"

#include <algorithm>
#include <array>

#include "policy/words.h"

namespace countersign::policy {
namespace {

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Takes a time that depends on the guess alone: neither on the secret's length, which
// constant_time_equal would tell, nor on where they differ.
bool same_secret(std::string_view secret, std::string_view guess) {
  if (secret.empty()) return false;
  volatile std::size_t difference = secret.size() ^ guess.size();
  std::size_t at = 0;
  for (const char c : guess) {
    difference = difference | static_cast<unsigned char>(c ^ secret[at]);
    at = at + 1 == secret.size() ? 0 : at + 1;
  }
  return difference == 0;
}

// A condition holds (""), or has failed by this name. Most rules fail and few failures are read, so
// the words are made only for who gives a place for them.
using Check = std::string_view (*)(const Match& match, const Question& question, Words* words);

constexpr std::string_view kHolds;

template <class Say>
std::string_view failed(std::string_view condition, Words* words, Say say) {
  if (words != nullptr) *words = say();
  return condition;
}

std::string_view check_certname_regex(const Match& match, const Question& question, Words* words) {
  const Patterns& regex = match.certname_regex;
  if (regex.empty() || regex.match(question.facts.certname)) return kHolds;
  return failed("certname_regex", words, [&]() -> Words {
    return {joined({question.certname, " does not match ", regex.text()}),
            joined({"the certname must match ", regex.text(), "; it is ", question.certname})};
  });
}

std::string_view check_allowlist(const Match& match, const Question& question, Words* words) {
  if (!match.has_allowlist || !match.certname_templates.empty() ||
      match.allowlist.matches(question.facts.certname))
    return kHolds;
  return failed("certname", words, [&]() -> Words {
    return {joined({question.certname, " is not in the list"}),
            joined({"the certname must be in the rule's list; ", question.certname, " is not"})};
  });
}

std::string_view check_certname_template(const Match& match, const Question& question,
                                         Words* words) {
  const auto& templates = match.certname_templates;
  if (templates.empty()) return kHolds;
  static const NameTemplate::Claims kNone;
  const auto& identity = question.facts.identity;
  const auto& claims = identity && identity->problem.empty() ? identity->claims : kNone;
  const bool fits = std::ranges::any_of(templates, [&](const NameTemplate& name) {
    return name.matches(question.facts.certname, claims);
  });
  if (fits) return kHolds;
  return failed("certname", words, [&]() -> Words {
    if (!identity || !identity->problem.empty()) {
      const std::string problem = IdentityMatch::lack(question.facts);
      return {problem, joined({"the certname must be that of an identity document; ", problem})};
    }
    std::string name;
    for (const NameTemplate& one : templates) {
      if (name.empty()) name = one.expand(claims);
    }
    const std::string wanted = name.empty() ? templates.front().text() : quoted(name);
    const std::string_view whose = " of its identity document";
    return {joined({question.certname, " is not the name ", wanted, whose}),
            joined({"the certname must be ", wanted, whose, "; it is ", question.certname})};
  });
}

std::string_view check_source(const Match& match, const Question& question, Words* words) {
  if (match.source.empty() || contains(match.source, question.source)) return kHolds;
  return failed("source", words, [&]() -> Words {
    const std::string must = joined({"the request must come from ", match.source_text});
    if (question.facts.source.empty()) {
      return {"the source is not known", must + "; its source is not known"};
    }
    return {joined({question.source_text, " is not in ", match.source_text}),
            joined({must, "; it came from ", question.source_text})};
  });
}

std::string_view check_key(const Match& match, const Question& question, Words* words) {
  if (match.keys.empty()) return kHolds;
  const bool listed = std::ranges::any_of(match.keys, [&](const std::string& key) {
    return key == question.facts.key_algorithm || key == question.key;
  });
  if (listed) return kHolds;
  return failed("key", words, [&]() -> Words {
    return {joined({"the key is ", question.key, ", not one of ", match.keys_text}),
            joined({"the key must be ", match.keys_text, "; it is ", question.key})};
  });
}

std::string_view check_key_bits(const Match& match, const Question& question, Words* words) {
  if (question.facts.key_bits >= match.key_bits_min) return kHolds;
  return failed("key_bits_min", words, [&]() -> Words {
    const std::string bits = std::to_string(question.facts.key_bits);
    const std::string least = std::to_string(match.key_bits_min);
    return {"the key has " + bits + " bits, " + least + " is the least",
            "the key must have at least " + least + " bits; it has " + bits};
  });
}

std::string_view check_san(const Match& match, const Question& question, Words* words) {
  if (!match.san || *match.san != question.names.empty()) return kHolds;
  return failed("san", words, [&]() -> Words {
    if (*match.san) return {"no SAN was asked for", "the request must ask for a SAN"};
    return {"SANs were asked for", "the request must ask for no SAN"};
  });
}

// At least one name of the type, and each of them where the match says so, must be good.
template <class Good>
std::string_view check_names_of(std::string_view type, std::string_view condition,
                                const Match& match, const Question& question,
                                const std::string& wanted, Words* words, Good good) {
  const RequestedName* bad = nullptr;
  bool any_good = false;
  for (const RequestedName& name : question.names) {
    if (name.type != type) continue;
    if (good(name.value)) {
      any_good = true;
    } else if (bad == nullptr) {
      bad = &name;
    }
  }
  if (any_good && (bad == nullptr || !match.each_name)) return kHolds;
  return failed(condition, words, [&]() -> Words {
    if (bad == nullptr) {
      return {"no SAN of this type was asked for",
              joined({"the request must ask for a SAN of type ", type})};
    }
    const std::string value = quoted(bad->value);
    return {value + " does not match",
            joined({"the SANs of type ", type, " must match ", wanted, "; one is ", value})};
  });
}

std::string_view check_names(const Match& match, const Question& question, Words* words) {
  static constexpr std::array<std::string_view, 3> kConditions = {"san_dns", "san_email",
                                                                  "san_uri"};
  for (const auto& [type, patterns] : match.names) {
    const auto* condition = std::ranges::find_if(
        kConditions, [&key = type](auto item) { return item.substr(4) == key; });
    const std::string_view outcome = check_names_of(
        type, condition == kConditions.end() ? "san" : *condition, match, question, patterns.text(),
        words, [&wanted = patterns](const std::string& value) { return wanted.match(value); });
    if (!outcome.empty()) return outcome;
  }
  return kHolds;
}

std::string_view check_addresses(const Match& match, const Question& question, Words* words) {
  if (match.name_addresses.empty()) return kHolds;
  return check_names_of("ip", "san_ip", match, question, "its ranges", words,
                        [&](const std::string& value) {
                          return contains(match.name_addresses, parse_address(value));
                        });
}

std::string_view check_extensions(const Match& match, const Question& question, Words* words) {
  const Facts& facts = question.facts;
  for (const auto& [oid, patterns] : match.extensions) {
    const auto found = std::ranges::find(facts.extensions, oid, &RequestedExtension::oid);
    const bool there = found != facts.extensions.end();
    if (there && (patterns.empty() || (found->text && patterns.match(*found->text)))) continue;
    return failed("extensions", words, [there, &id = oid, &wanted = patterns]() -> Words {
      const std::string name = short_name_of(id);
      if (!there) return {name + " was not asked for", "the request must ask for " + name};
      if (id == kPresharedKeyOid)
        return {name + " does not match", name + " must be the right one"};
      return {joined({name, " does not match ", wanted.text()}),
              joined({name, " must match ", wanted.text()})};
    });
  }
  return kHolds;
}

std::string_view check_attributes(const Match& match, const Question& question, Words* words) {
  const Facts& facts = question.facts;
  for (const auto& [oid, patterns] : match.attributes) {
    const auto found = facts.attributes.find(oid);
    const bool there = found != facts.attributes.end();
    const bool good =
        there && (patterns.empty() ||
                  std::ranges::any_of(found->second, [&wanted = patterns](const auto& value) {
                    return wanted.match(value);
                  }));
    if (good) continue;
    return failed("attributes", words, [there, &id = oid]() -> Words {
      const std::string name = short_name_of(id);
      if (!there) return {name + " is absent", "the request must have the attribute " + name};
      return {name + " does not match", "the attribute " + name + " must match; it does not"};
    });
  }
  return kHolds;
}

std::string_view check_password(const Match& match, const Question& question, Words* words) {
  if (match.challenge_passwords.empty()) return kHolds;
  bool right = false;  // every one is compared: the time tells nothing of which
  for (const std::string& password : match.challenge_passwords) {
    right = same_secret(password, question.facts.challenge_password) || right;
  }
  if (right) return kHolds;
  return failed("challenge_password", words, [&]() -> Words {
    const bool none = question.facts.challenge_password.empty();
    return {none ? "none was given" : "it is wrong",
            none ? "the request must carry the challenge password; it has none"
                 : "the challenge password must be right; it is wrong"};
  });
}

std::string_view check_live_certificate(const Match& match, const Question& question,
                                        Words* words) {
  const bool live = question.facts.has_live_certificate;
  if (!match.live_certificate || *match.live_certificate == live) return kHolds;
  return failed("live_certificate", words, [&]() -> Words {
    if (live) {
      return {"the name has a live certificate", "the name must have no live certificate"};
    }
    return {"the name has no live certificate", "the name must have a live certificate"};
  });
}

std::string_view check_token(const Match& match, const Question& question, Words* words) {
  if (!match.token) return kHolds;
  const auto& token = question.facts.token;
  const bool of_profile = token && (token->profile.empty() || token->profile == match.profile);
  const bool of_rule = token && (token->rules.empty() ||
                                 std::ranges::find(token->rules, match.rule) != token->rules.end());
  if (token && token->problem.empty() && of_profile && of_rule) return kHolds;
  return failed("token", words, [&]() -> Words {
    const std::string_view must =
        "an enrolment token that is good for the request must come with it";
    if (!token) return {"no enrolment token was presented", joined({must, "; none came"})};
    const std::string problem = !token->problem.empty() ? token->problem
                                : !of_profile ? "the token is for the profile " + token->profile
                                              : "the token is for other rules";
    return {problem, joined({must, "; ", problem})};
  });
}

std::string_view check_identity(const Match& match, const Question& question, Words* words) {
  if (match.identity.holds(question.facts)) return kHolds;
  return failed("identity", words, [&]() -> Words {
    const std::string problem = match.identity.problem(question.facts);
    return {problem, joined({match.identity.wanted(), " must come with the request; ", problem})};
  });
}

// In the order that docs/policy.md states. The first two ask for the certname alone.
constexpr std::array<Check, 15> kChecks = {check_certname_regex,
                                           check_allowlist,
                                           check_certname_template,
                                           check_source,
                                           check_key,
                                           check_key_bits,
                                           check_san,
                                           check_names,
                                           check_addresses,
                                           check_extensions,
                                           check_attributes,
                                           check_password,
                                           check_live_certificate,
                                           check_token,
                                           check_identity};
constexpr std::size_t kNameChecks = 2;

}  // namespace

Question::Question(const Facts& request)
    : facts(request),
      source(parse_address(request.source)),
      names(request.names),
      certname(quoted(request.certname)),
      source_text(quoted(request.source)),
      key(request.key_algorithm + ":" + std::to_string(request.key_bits)) {
  for (RequestedName& name : names) {
    if (name.type == "dns") name.value = lower(std::move(name.value));
  }
}

std::string_view Rule::first_failure(const Question& question, bool names_hold,
                                     Words* words) const {
  for (std::size_t i = names_hold ? kNameChecks : 0; i < kChecks.size(); ++i) {
    const std::string_view condition = kChecks[i](match, question, words);
    if (!condition.empty()) return condition;
  }
  return may_refuse() ? first_excess(question, words) : kHolds;
}

std::vector<Failure> Rule::failures(const Question& question) const {
  std::vector<Failure> list;
  Words words;
  const auto note = [&](std::string_view condition) {
    if (condition.empty()) return;
    list.push_back({std::string(condition), std::move(words.found), std::move(words.needed)});
  };
  for (const Check check : kChecks) note(check(match, question, &words));
  if (may_refuse()) note(first_excess(question, &words));
  return list;
}

}  // namespace countersign::policy
