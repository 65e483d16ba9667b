#include "policy/rule.h"

#include <algorithm>
#include <unordered_set>

#include "base/bytes.h"
#include "policy/certname.h"

namespace countersign::policy {
namespace {

constexpr std::string_view kMark = "{certname}";
// Traces are stored, and hold what clients sent once for every rule.
constexpr std::size_t kLongestValue = 120;
constexpr std::size_t kLongestPatterns = 200;
// Its value is a password of the machine, which no trace may show.
constexpr std::string_view kPresharedKeyOid = "1.3.6.1.4.1.34380.1.1.4";

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Cut to `longest` bytes, and not within a UTF-8 character.
std::string clipped(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return std::string(text);
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "…";
}

// In one allocation: most rules fail, and each says why.
std::string joined(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  std::string text;
  text.reserve(size);
  for (const std::string_view part : parts) text += part;
  return text;
}

std::string quoted(std::string_view value) { return "'" + clipped(value, kLongestValue) + "'"; }

bool contains(const std::vector<Cidr>& ranges, const std::optional<Address>& address) {
  return address &&
         std::ranges::any_of(ranges, [&](const Cidr& range) { return range.contains(*address); });
}

// Replaces every "{certname}".
std::string expand(std::string text, const std::string& certname) {
  for (std::size_t at = text.find(kMark); at != std::string::npos;
       at = text.find(kMark, at + certname.size())) {
    text.replace(at, kMark.size(), certname);
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

using Failure = std::optional<TraceStep>;

Failure failure(std::string condition, std::string detail) {
  return TraceStep{
      .rule = "", .matched = false, .condition = std::move(condition), .detail = std::move(detail)};
}

Failure check_certname(const Match& match, const Question& question) {
  const std::string& certname = question.facts.certname;
  if (!match.certname_regex.empty() && !match.certname_regex.match(certname)) {
    return failure("certname_regex",
                   joined({question.certname, " does not match ", match.certname_regex.text()}));
  }
  if (match.has_allowlist && !match.allowlist.matches(certname)) {
    return failure("certname", joined({question.certname, " is not in the list"}));
  }
  return std::nullopt;
}

Failure check_connection_and_key(const Match& match, const Question& question) {
  const Facts& facts = question.facts;
  if (!match.source.empty() && !contains(match.source, question.source)) {
    return failure("source", facts.source.empty() ? "the source is not known"
                                                  : joined({question.source_text, " is not in ",
                                                            match.source_text}));
  }
  if (!match.keys.empty()) {
    const std::string exact = facts.key_algorithm + ":" + std::to_string(facts.key_bits);
    const bool listed = std::ranges::any_of(match.keys, [&](const std::string& key) {
      return key == facts.key_algorithm || key == exact;
    });
    if (!listed) return failure("key", "the key is " + exact + ", not one of " + match.keys_text);
  }
  if (facts.key_bits < match.key_bits_min) {
    return failure("key_bits_min", "the key has " + std::to_string(facts.key_bits) + " bits, " +
                                       std::to_string(match.key_bits_min) + " is the least");
  }
  return std::nullopt;
}

// At least one name of the type, and each of them where the match says so, must be good.
template <class Good>
Failure check_names_of(const Match& match, const Question& question, const std::string& type,
                       Good good) {
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
  if (bad == nullptr && !any_good) {
    return failure("san_" + type, "no SAN of this type was asked for");
  }
  if (bad == nullptr || (any_good && !match.each_name)) return std::nullopt;
  return failure("san_" + type, quoted(bad->value) + " does not match");
}

Failure check_names(const Match& match, const Question& question) {
  if (match.san && *match.san == question.names.empty()) {
    return failure("san", *match.san ? "no SAN was asked for" : "SANs were asked for");
  }
  for (const auto& [type, patterns] : match.names) {
    auto failed = check_names_of(
        match, question, type,
        [&patterns = patterns](const std::string& value) { return patterns.match(value); });
    if (failed) return failed;
  }
  if (match.name_addresses.empty()) return std::nullopt;
  return check_names_of(match, question, "ip", [&](const std::string& value) {
    return contains(match.name_addresses, parse_address(value));
  });
}

Failure check_extensions(const Match& match, const Question& question) {
  const Facts& facts = question.facts;
  for (const auto& [oid, patterns] : match.extensions) {
    const auto found = std::ranges::find(facts.extensions, oid, &RequestedExtension::oid);
    if (found == facts.extensions.end()) {
      return failure("extensions", short_name_of(oid) + " was not asked for");
    }
    if (!patterns.empty() && (!found->text || !patterns.match(*found->text))) {
      return failure("extensions",
                     short_name_of(oid) + " does not match" +
                         (oid == kPresharedKeyOid ? std::string() : " " + patterns.text()));
    }
  }
  for (const auto& [oid, patterns] : match.attributes) {
    const auto found = facts.attributes.find(oid);
    if (found == facts.attributes.end()) {
      return failure("attributes", short_name_of(oid) + " is absent");
    }
    const bool good = patterns.empty() ||
                      std::ranges::any_of(found->second, [&patterns = patterns](const auto& value) {
                        return patterns.match(value);
                      });
    if (!good) return failure("attributes", short_name_of(oid) + " does not match");
  }
  return std::nullopt;
}

Failure check_secret_and_state(const Match& match, const Question& question) {
  const Facts& facts = question.facts;
  if (!match.challenge_passwords.empty()) {
    bool right = false;  // every one is compared: the time tells nothing of which
    for (const std::string& password : match.challenge_passwords) {
      right = same_secret(password, facts.challenge_password) || right;
    }
    if (!right) {
      return failure("challenge_password",
                     facts.challenge_password.empty() ? "none was given" : "it is wrong");
    }
  }
  if (match.live_certificate && *match.live_certificate != facts.has_live_certificate) {
    return failure("live_certificate", facts.has_live_certificate
                                           ? "the name has a live certificate"
                                           : "the name has no live certificate");
  }
  return std::nullopt;
}

Failure check_token(const Rule& rule, const Question& question) {
  if (!rule.match.token) return std::nullopt;
  const auto& token = question.facts.token;
  if (!token) return failure("token", "no enrolment token was presented");
  if (!token->problem.empty()) return failure("token", token->problem);
  if (!token->profile.empty() && token->profile != rule.profile) {
    return failure("token", "the token is for the profile " + token->profile);
  }
  return std::nullopt;
}

bool glob_or_literal(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with("*.")) return pattern == name;
  return name.size() >= pattern.size() && name.ends_with(pattern.substr(1));
}

// Does one of the list, with its marks replaced, fit?
template <class Fits>
bool listed(const std::vector<std::string>& list, const std::string& certname, Fits fits) {
  return std::ranges::any_of(list, [&](const std::string& item) {
    return item.find('{') == std::string::npos ? fits(item) : fits(expand(item, certname));
  });
}

bool grants_name(const Grant& grant, const RequestedName& name, const std::string& certname) {
  const std::string& value = name.value;
  const auto same = [&](const std::string& item) { return item == value; };
  if (name.type == "dns") {
    if (value == certname) return true;
    // A wildcard name is granted to the letter only, and nothing is that DNS could not hold.
    if (!valid_dns_name(value, true)) return false;
    if (value.starts_with("*.")) return listed(grant.dns, certname, same);
    return listed(grant.dns, certname,
                  [&](const std::string& item) { return glob_or_literal(item, value); });
  }
  if (name.type == "ip") return contains(grant.ip, parse_address(value));
  if (name.type == "email") return listed(grant.email, certname, same);
  if (name.type == "uri") return listed(grant.uri, certname, same);
  return false;
}

bool grants_extension(const Grant& grant, const std::string& oid) {
  if (oid == kCliAuthOid) return false;
  if (grant.puppet_extensions && is_puppet_extension(oid)) return true;
  return std::ranges::find(grant.extensions, oid) != grant.extensions.end();
}

}  // namespace

Question::Question(const Facts& request)
    : facts(request),
      source(parse_address(request.source)),
      names(request.names),
      certname(quoted(request.certname)),
      source_text(quoted(request.source)) {
  for (RequestedName& name : names) {
    if (name.type == "dns") name.value = lower(std::move(name.value));
  }
}

std::string Patterns::add(const std::string& regex) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto compiled = std::make_unique<const RE2>(regex, options);
  if (!compiled->ok()) return compiled->error();
  text_ = clipped(text_ + (text_.empty() ? "'" : " | '") + regex + "'", kLongestPatterns);
  compiled_.push_back(std::move(compiled));
  return {};
}

bool Patterns::match(std::string_view text) const {
  const re2::StringPiece piece(text.data(), text.size());
  return std::ranges::any_of(compiled_,
                             [&](const auto& regex) { return RE2::FullMatch(piece, *regex); });
}

Granted Rule::granted(const Question& question, std::optional<TraceStep>& refused) const {
  const std::string& certname = question.facts.certname;
  Granted granted;
  std::unordered_set<std::string> there;
  const auto give = [&](const RequestedName& given) {
    if (there.insert(given.type + ':' + given.value).second) granted.names.push_back(given);
  };
  if (grant.certname) give({"dns", certname});
  for (const RequestedName& asked : question.names) {
    if (grants_name(grant, asked, certname)) {
      give(asked);
    } else if (!refused) {
      refused = failure("grant." + asked.type, "no SAN may be " + quoted(asked.value));
      if (may_refuse()) return granted;
    }
  }
  for (const RequestedExtension& extension : question.facts.extensions) {
    if (grants_extension(grant, extension.oid)) {
      granted.extensions.push_back(extension.oid);
    } else if (!refused) {
      refused = failure("grant.extensions",
                        clipped(short_name_of(extension.oid), kLongestValue) + " is not granted");
    }
  }
  return granted;
}

std::optional<TraceStep> Rule::first_failure(const Question& question) const {
  for (const auto check : {check_certname, check_connection_and_key, check_names, check_extensions,
                           check_secret_and_state}) {
    if (auto failed = check(match, question)) return failed;
  }
  return check_token(*this, question);
}

}  // namespace countersign::policy
