#include "policy/rule.h"

#include <algorithm>

#include "base/bytes.h"
#include "policy/certname.h"

namespace countersign::policy {
namespace {

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool contains(const std::vector<Cidr>& ranges, const std::string& address) {
  return std::ranges::any_of(ranges, [&](const Cidr& range) { return range.contains(address); });
}

// Replaces every "{certname}".
std::string expand(std::string text, const std::string& certname) {
  static constexpr std::string_view kMark = "{certname}";
  for (std::size_t at = text.find(kMark); at != std::string::npos;
       at = text.find(kMark, at + certname.size())) {
    text.replace(at, kMark.size(), certname);
  }
  return text;
}

TraceStep failure(std::string condition, std::string detail) {
  return {
      .rule = "", .matched = false, .condition = std::move(condition), .detail = std::move(detail)};
}

using Failure = std::optional<TraceStep>;

Failure check_certname(const Match& match, const Facts& facts) {
  if (!match.certname_regex.empty() && !match.certname_regex.match(facts.certname)) {
    return failure("certname_regex",
                   "'" + facts.certname + "' does not match " + match.certname_regex.text());
  }
  if (match.has_allowlist && !match.allowlist.matches(facts.certname)) {
    return failure("certname", "'" + facts.certname + "' is not in the list");
  }
  return std::nullopt;
}

Failure check_connection_and_key(const Match& match, const Facts& facts) {
  if (!match.source.empty() && !contains(match.source, facts.source)) {
    return failure("source", (facts.source.empty() ? "the source is not known"
                                                   : "'" + facts.source + "' is not in ") +
                                 (facts.source.empty() ? "" : match.source_text));
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

// At least one name of the type, and each of them, must match.
template <class Matches>
Failure check_names_of(const Facts& facts, const std::string& type, Matches matches) {
  bool found = false;
  for (const RequestedName& name : facts.names) {
    if (name.type != type) continue;
    found = true;
    if (!matches(name.value)) return failure("san_" + type, "'" + name.value + "' does not match");
  }
  if (!found) return failure("san_" + type, "no SAN of this type was asked for");
  return std::nullopt;
}

Failure check_names(const Match& match, const Facts& facts) {
  if (match.san && *match.san == facts.names.empty()) {
    return failure("san", *match.san ? "no SAN was asked for" : "SANs were asked for");
  }
  for (const auto& [type, patterns] : match.names) {
    auto failed = check_names_of(facts, type,
                                 [&](const std::string& value) { return patterns.match(value); });
    if (failed) return failed;
  }
  if (!match.name_addresses.empty()) {
    return check_names_of(facts, "ip", [&](const std::string& value) {
      return contains(match.name_addresses, value);
    });
  }
  return std::nullopt;
}

Failure check_extensions(const Match& match, const Facts& facts) {
  for (const auto& [oid, patterns] : match.extensions) {
    const auto found = std::ranges::find(facts.extensions, oid, &RequestedExtension::oid);
    if (found == facts.extensions.end()) {
      return failure("extensions", short_name_of(oid) + " was not asked for");
    }
    if (!patterns.empty() && (!found->text || !patterns.match(*found->text))) {
      return failure("extensions", short_name_of(oid) + " does not match " + patterns.text());
    }
  }
  for (const auto& [oid, patterns] : match.attributes) {
    const auto found = facts.attributes.find(oid);
    if (found == facts.attributes.end()) {
      return failure("attributes", short_name_of(oid) + " is absent");
    }
    const bool good = patterns.empty() ||
                      std::ranges::any_of(found->second,
                                          [&](const auto& value) { return patterns.match(value); });
    if (!good) return failure("attributes", short_name_of(oid) + " does not match");
  }
  return std::nullopt;
}

Failure check_secret_and_state(const Match& match, const Facts& facts) {
  if (!match.challenge_passwords.empty()) {
    bool right = false;  // every one is compared: the time tells nothing of which
    for (const std::string& password : match.challenge_passwords) {
      right = constant_time_equal(as_bytes(password), as_bytes(facts.challenge_password)) || right;
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

bool glob_or_literal(const std::string& pattern, const std::string& name) {
  if (!pattern.starts_with("*.")) return pattern == name;
  return name.size() + 1 > pattern.size() && name.ends_with(std::string_view(pattern).substr(1)) &&
         valid_dns_name(name, false);
}

bool grants_name(const Grant& grant, const RequestedName& name, const std::string& certname) {
  const auto listed = [&](const std::vector<std::string>& list, const std::string& value) {
    return std::ranges::any_of(
        list, [&](const std::string& item) { return expand(item, certname) == value; });
  };
  if (name.type == "dns") {
    const std::string value = lower(name.value);
    if (value == certname) return true;
    // A wildcard name is granted to the letter only, and nothing is that DNS could not hold.
    if (!valid_dns_name(value, true)) return false;
    if (value.starts_with("*.")) return listed(grant.dns, value);
    return std::ranges::any_of(grant.dns, [&](const std::string& item) {
      return glob_or_literal(expand(item, certname), value);
    });
  }
  if (name.type == "ip") return contains(grant.ip, name.value);
  if (name.type == "email") return listed(grant.email, name.value);
  if (name.type == "uri") return listed(grant.uri, name.value);
  return false;
}

bool grants_extension(const Grant& grant, const std::string& oid) {
  if (oid == kCliAuthOid) return false;
  if (grant.puppet_extensions && is_puppet_extension(oid)) return true;
  return std::ranges::find(grant.extensions, oid) != grant.extensions.end();
}

}  // namespace

std::string Patterns::add(const std::string& regex) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto compiled = std::make_unique<const RE2>(regex, options);
  if (!compiled->ok()) return compiled->error();
  text_ += (text_.empty() ? "'" : " | '") + regex + "'";
  compiled_.push_back(std::move(compiled));
  return {};
}

bool Patterns::match(std::string_view text) const {
  const re2::StringPiece piece(text.data(), text.size());
  return std::ranges::any_of(compiled_,
                             [&](const auto& regex) { return RE2::FullMatch(piece, *regex); });
}

Granted Rule::granted(const Facts& facts, std::optional<TraceStep>& refused) const {
  Granted granted;
  if (grant.certname) granted.names.push_back({"dns", facts.certname});
  for (const RequestedName& asked : facts.names) {
    if (!grants_name(grant, asked, facts.certname)) {
      if (!refused) refused = failure("grant." + asked.type, "no SAN may be '" + asked.value + "'");
      continue;
    }
    const RequestedName value{asked.type, asked.type == "dns" ? lower(asked.value) : asked.value};
    const bool there = std::ranges::any_of(granted.names, [&](const RequestedName& other) {
      return other.type == value.type && other.value == value.value;
    });
    if (!there) granted.names.push_back(value);
  }
  for (const RequestedExtension& extension : facts.extensions) {
    if (grants_extension(grant, extension.oid)) {
      granted.extensions.push_back(extension.oid);
    } else if (!refused) {
      refused = failure("grant.extensions", short_name_of(extension.oid) + " is not granted");
    }
  }
  return granted;
}

std::optional<TraceStep> Rule::first_failure(const Facts& facts) const {
  for (const auto check : {check_certname, check_connection_and_key, check_names, check_extensions,
                           check_secret_and_state}) {
    if (auto failed = check(match, facts)) return failed;
  }
  return std::nullopt;
}

}  // namespace countersign::policy
