#include "policy/enrolment_token.h"

#include <re2/re2.h>

#include <algorithm>
#include <boost/json.hpp>
#include <memory>

#include "policy/certname.h"
#include "policy/cidr.h"

namespace countersign::policy {
namespace {

namespace json = boost::json;

constexpr std::size_t kLongestRegex = 1000;
constexpr std::size_t kLongestValue = 4096;
constexpr std::size_t kMostEntries = 100;

using Read = Result<void>;

Error wrong(std::string_view member, const std::string& why) {
  return fail(Code::malformed, "'" + std::string(member) + "' " + why);
}

Result<std::string> text_of(std::string_view member, const json::value& value,
                            std::size_t longest = kLongestValue) {
  if (!value.is_string()) return wrong(member, "must be a string.");
  if (value.get_string().size() > longest) return wrong(member, "is too long.");
  return std::string(value.get_string());
}

Result<std::vector<std::string>> texts_of(std::string_view member, const json::value& value) {
  if (!value.is_array()) return wrong(member, "must be a list of strings.");
  if (value.get_array().size() > kMostEntries) return wrong(member, "has more than 100 entries.");
  std::vector<std::string> list;
  for (const json::value& item : value.get_array()) {
    auto text = text_of(member, item);
    if (text.has_error()) return text.error();
    list.push_back(std::move(*text));
  }
  return list;
}

std::unique_ptr<const RE2> compiled(const std::string& regex) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  return std::make_unique<const RE2>(regex, options);
}

Read read_certname(const json::value& value, TokenBounds& bounds) {
  auto name = text_of("certname", value);
  if (name.has_error()) return name.error();
  const auto good = check_certname(*name);
  if (good.has_error()) return wrong("certname", "is no certname: " + good.error().detail);
  bounds.certname = std::move(*name);
  return {};
}

Read read_regex(const json::value& value, TokenBounds& bounds) {
  auto regex = text_of("certname_regex", value, kLongestRegex);
  if (regex.has_error()) return regex.error();
  const auto pattern = compiled(*regex);
  if (!pattern->ok()) return wrong("certname_regex", "is no expression: " + pattern->error());
  if (regex->empty()) return wrong("certname_regex", "must not be empty.");
  bounds.certname_regex = std::move(*regex);
  return {};
}

Read read_dns(const json::value& value, TokenBounds& bounds) {
  auto list = texts_of("dns", value);
  if (list.has_error()) return list.error();
  for (std::string& name : *list) {
    if (!valid_dns_name(name, true))
      return wrong("dns", "has '" + name + "', which is no DNS name.");
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
  }
  bounds.dns = std::move(*list);
  return {};
}

Result<std::vector<std::string>> ranges(std::string_view member, const json::value& value) {
  auto list = texts_of(member, value);
  if (list.has_error()) return list;
  for (const std::string& range : *list) {
    if (!Cidr::parse(range)) {
      return wrong(member, "has '" + range + "', which is no address and no range.");
    }
  }
  return list;
}

Read read_extensions(const json::value& value, TokenBounds& bounds) {
  if (!value.is_object() || value.get_object().size() > kMostEntries) {
    return wrong("extensions",
                 "must be an object of at most 100 values, like {\"pp_role\": \"web\"}.");
  }
  if (value.get_object().empty()) return wrong("extensions", "is empty. Leave it out.");
  for (const auto& [name, wanted] : value.get_object()) {
    const std::string oid = oid_of({name.data(), name.size()});
    if (oid.empty()) {
      return wrong("extensions", "has '" + std::string(name) +
                                     "', which is neither a Puppet short name nor an OID.");
    }
    auto text = text_of("extensions", wanted);
    if (text.has_error()) return text.error();
    bounds.extensions[oid] = std::move(*text);
  }
  return {};
}

Read read_key(const json::value& value, TokenBounds& bounds) {
  auto digits = text_of("key_sha256", value);
  if (digits.has_error()) return digits.error();
  std::erase(*digits, ':');
  for (char& c : *digits) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
  }
  if (digits->size() != 64 || digits->find_first_not_of("0123456789abcdef") != std::string::npos) {
    return wrong("key_sha256", "must be 64 hex digits: the SHA-256 of the public key (SPKI, DER).");
  }
  bounds.key_sha256 = std::move(*digits);
  return {};
}

Read read_member(std::string_view member, const json::value& value, TokenBounds& bounds) {
  if (member == "certname") return read_certname(value, bounds);
  if (member == "certname_regex") return read_regex(value, bounds);
  if (member == "dns") return read_dns(value, bounds);
  if (member == "extensions") return read_extensions(value, bounds);
  if (member == "key_sha256") return read_key(value, bounds);
  if (member == "ip" || member == "source") {
    auto list = ranges(member, value);
    if (list.has_error()) return list.error();
    if (member == "source" && list->empty()) {
      return wrong(member, "is empty, which would be from anywhere. Leave it out for that.");
    }
    if (member == "ip")
      bounds.ip = std::move(*list);
    else
      bounds.source = std::move(*list);
    return {};
  }
  if (member == "rules") {
    auto list = texts_of(member, value);
    if (list.has_error()) return list.error();
    if (list->empty()) return wrong(member, "is empty. Leave it out for any rule.");
    bounds.rules = std::move(*list);
    return {};
  }
  if (member == "profile") {
    auto name = text_of(member, value);
    if (name.has_error()) return name.error();
    bounds.profile = std::move(*name);
    return {};
  }
  return wrong(member, "is not known here.");
}

bool in_ranges(const std::vector<std::string>& list, const std::string& text) {
  const auto address = parse_address(text);
  return address && std::ranges::any_of(list, [&](const std::string& item) {
           const auto range = Cidr::parse(item);
           return range && range->contains(*address);
         });
}

std::string name_refusal(const TokenBounds& bounds, const std::string& certname) {
  if (!bounds.certname.empty()) {
    return bounds.certname == certname ? "" : "the token is for another name";
  }
  const bool fits = RE2::FullMatch(certname, *compiled(bounds.certname_regex));
  return fits ? "" : "the token is for names that match " + bounds.certname_regex;
}

// Is it one of the names that the token lets a request ask for?
bool may_ask(const TokenBounds& bounds, const RequestedName& name, const std::string& certname) {
  if (name.type == "dns") {
    std::string value = name.value;
    for (char& c : value) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    return value == certname || !bounds.dns ||
           std::ranges::find(*bounds.dns, value) != bounds.dns->end();
  }
  if (name.type == "ip") return !bounds.ip || in_ranges(*bounds.ip, name.value);
  return !bounds.dns && !bounds.ip;  // who lists names lists all that there may be
}

}  // namespace

Result<TokenBounds> parse_token_bounds(std::string_view text) {
  json::error_code error;
  const json::value document = json::parse({text.data(), text.size()}, error);
  if (error || !document.is_object()) {
    return fail(Code::malformed, "The bounds of a token are a JSON object.");
  }
  TokenBounds bounds;
  for (const auto& [member, value] : document.get_object()) {
    const auto read = read_member({member.data(), member.size()}, value, bounds);
    if (read.has_error()) return read.error();
  }
  if (bounds.certname.empty() == bounds.certname_regex.empty()) {
    return fail(Code::malformed,
                "A token is for one name or for a pattern of names: give 'certname' or "
                "'certname_regex'.");
  }
  return bounds;
}

std::string to_json(const TokenBounds& bounds) {
  json::object object;
  const auto put_text = [&](std::string_view member, const std::string& text) {
    if (!text.empty()) object[member] = text;
  };
  const auto put_list = [&](std::string_view member, const std::vector<std::string>& list) {
    object[member] = json::array(list.begin(), list.end());
  };
  put_text("certname", bounds.certname);
  put_text("certname_regex", bounds.certname_regex);
  if (bounds.dns) put_list("dns", *bounds.dns);
  if (bounds.ip) put_list("ip", *bounds.ip);
  if (!bounds.extensions.empty()) {
    json::object wanted;
    for (const auto& [oid, value] : bounds.extensions) wanted[oid] = value;
    object["extensions"] = std::move(wanted);
  }
  if (!bounds.source.empty()) put_list("source", bounds.source);
  put_text("key_sha256", bounds.key_sha256);
  put_text("profile", bounds.profile);
  if (!bounds.rules.empty()) put_list("rules", bounds.rules);
  return json::serialize(object);
}

std::string refusal(const TokenBounds& bounds, const Facts& facts) {
  if (auto why = name_refusal(bounds, facts.certname); !why.empty()) return why;
  if (!bounds.key_sha256.empty() && bounds.key_sha256 != facts.key_sha256) {
    return "the token is for another key";
  }
  if (!bounds.source.empty() && !in_ranges(bounds.source, facts.source)) {
    return "the token is for other source addresses";
  }
  for (const RequestedName& name : facts.names) {
    if (!may_ask(bounds, name, facts.certname)) return "the token does not allow a SAN asked for";
  }
  for (const auto& [oid, wanted] : bounds.extensions) {
    const auto asked = std::ranges::find(facts.extensions, oid, &RequestedExtension::oid);
    if (asked == facts.extensions.end() || asked->text != wanted) {
      return "the token is for " + short_name_of(oid) + " = " + wanted;
    }
  }
  return "";
}

}  // namespace countersign::policy
