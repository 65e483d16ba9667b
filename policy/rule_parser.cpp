#include "policy/rule_parser.h"

#include <algorithm>

#include "policy/certname.h"

namespace countersign::policy {
namespace {

constexpr std::size_t kAllowlistBytes = std::size_t{512} << 20U;
constexpr std::size_t kShortestPassword = 8;

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + item;
  return text;
}

void add_patterns(ConfigTable& table, std::string_view key, const std::vector<std::string>& list,
                  Patterns& patterns) {
  for (const std::string& regex : list) {
    const std::string error = patterns.add(regex);
    if (!error.empty()) {
      table.complain(key, "'" + regex + "' is not a regular expression: " + error +
                              ". Correct it; the syntax is RE2's.");
    }
  }
}

std::vector<Cidr> ranges(ConfigTable& table, std::string_view key) {
  std::vector<Cidr> list;
  for (const std::string& text : table.texts(key).value_or(std::vector<std::string>{})) {
    if (const auto range = Cidr::parse(text)) {
      list.push_back(*range);
    } else {
      table.complain(key, "'" + text +
                              "' is not an address range. Write it like 10.0.0.0/8 or "
                              "2001:db8::/32, with no bits set behind the prefix.");
    }
  }
  return list;
}

// A table of name -> regex, or name -> true for presence.
std::map<std::string, Patterns> named_patterns(ConfigTable& match, std::string_view key) {
  std::map<std::string, Patterns> found;
  if (!match.has(key)) return found;
  const auto resolve = [&](ConfigTable& table, std::string_view at, const std::string& name) {
    std::string oid = oid_of(name);
    if (oid.empty()) {
      table.complain(at, "'" + name + "' is neither a Puppet short name (pp_role) nor an OID.");
    }
    return oid;
  };
  if (auto table = match.table(key)) {
    for (const std::string& name : table->keys()) {
      Patterns patterns;
      if (!table->is_boolean(name)) {
        add_patterns(*table, name, table->texts(name).value_or(std::vector<std::string>{}),
                     patterns);
      }
      found[resolve(*table, name, name)] = std::move(patterns);
    }
  }
  return found;
}

void parse_keys(ConfigTable& table, Match& match) {
  for (const std::string& text : table.texts("key").value_or(std::vector<std::string>{})) {
    static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
        {"rsa", "rsa"},         {"ec", "ec"},           {"ed25519", "ed25519"},
        {"ec:P-256", "ec:256"}, {"ec:P-384", "ec:384"}, {"ec:P-521", "ec:521"}};
    const auto* known =
        std::ranges::find(kNames, text, &std::pair<std::string_view, std::string_view>::first);
    const bool sized = text.starts_with("rsa:") && text.size() > 4 &&
                       text.find_first_not_of("0123456789", 4) == std::string::npos;
    if (known == std::end(kNames) && !sized) {
      table.complain("key", "'" + text +
                                "' is no kind of key. Use rsa, rsa:4096, ec, ec:P-256, "
                                "ec:P-384, ec:P-521 or ed25519.");
      continue;
    }
    match.keys.emplace_back(sized ? text : std::string(known->second));
    match.keys_text += (match.keys_text.empty() ? "" : ", ") + text;
  }
  match.key_bits_min = static_cast<int>(table.integer("key_bits_min", 0, 16384).value_or(0));
}

void parse_passwords(ConfigTable& table, Match& match) {
  if (!table.has("challenge_password")) return;
  match.challenge_passwords =
      table.texts("challenge_password").value_or(std::vector<std::string>{});
  for (const std::string& password : match.challenge_passwords) {
    if (password.size() < kShortestPassword) {
      table.complain("challenge_password", "a challenge password needs at least 8 characters.");
    }
  }
}

}  // namespace

void RuleParser::parse_allowlist_file(ConfigTable& table, Match& match) {
  for (const std::string& name :
       table.texts("certname_file").value_or(std::vector<std::string>{})) {
    match.has_allowlist = true;
    const std::filesystem::path path = folder / name;
    files.push_back(path);
    const auto text = context.files->read(path, kAllowlistBytes);
    if (text.has_error()) {
      table.complain("certname_file",
                     text.error().detail + ". Make the file, or correct the name.");
      continue;
    }
    std::size_t number = 0;
    for (std::string_view rest = *text; !rest.empty();) {
      const std::size_t end = rest.find('\n');
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      ++number;
      while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t')) {
        line.remove_suffix(1);
      }
      if (line.empty() || line.front() == '#') continue;
      if (!match.allowlist.add(line)) {
        table.complain("certname_file", path.string() + ":" + std::to_string(number) +
                                            ": this line is no certname and no '*.' glob.");
        break;
      }
    }
  }
}

void RuleParser::parse_certnames(ConfigTable& table, Match& match) {
  const auto regex = table.texts("certname_regex");
  if (regex) add_patterns(table, "certname_regex", *regex, match.certname_regex);
  for (const std::string& name : table.texts("certname").value_or(std::vector<std::string>{})) {
    match.has_allowlist = true;
    if (!match.allowlist.add(name)) {
      table.complain("certname", "'" + name +
                                     "' is neither a certname nor a glob. A glob is '*.' and "
                                     "a name; for more use certname_regex.");
    }
  }
  parse_allowlist_file(table, match);
}

Match RuleParser::parse_match(ConfigTable& table) {
  Match match;
  match.any = table.boolean("any").value_or(false);
  parse_certnames(table, match);
  match.source = ranges(table, "source");
  match.source_text = joined(table.texts("source").value_or(std::vector<std::string>{}));
  if (const auto san = table.text("san")) {
    if (*san != "none" && *san != "any") table.complain("san", "'san' is \"none\" or \"any\".");
    match.san = *san == "any";
  }
  for (const char* type : {"dns", "email", "uri"}) {
    const std::string key = std::string("san_") + type;
    if (const auto list = table.texts(key)) add_patterns(table, key, *list, match.names[type]);
  }
  match.name_addresses = ranges(table, "san_ip");
  match.extensions = named_patterns(table, "extensions");
  match.attributes = named_patterns(table, "attributes");
  parse_keys(table, match);
  parse_passwords(table, match);
  match.live_certificate = table.boolean("live_certificate");
  table.done();
  if (table.keys().empty()) {
    table.complain("",
                   "the match is empty. Write match = { any = true } for a rule that takes "
                   "everything.");
  }
  return match;
}

Grant RuleParser::parse_grant(ConfigTable& table) {
  Grant grant;
  grant.explicit_ = true;
  if (const auto dns = table.texts("dns")) {
    grant.certname = std::ranges::find(*dns, "{certname}") != dns->end();
    for (const std::string& name : *dns) {
      const bool mark = name.find("{certname}") != std::string::npos;
      if (!mark && !valid_dns_name(name, true)) {
        table.complain("dns", "'" + name + "' is no DNS name.");
      }
    }
    grant.dns = *dns;
  }
  grant.ip = ranges(table, "ip");
  grant.email = table.texts("email").value_or(std::vector<std::string>{});
  grant.uri = table.texts("uri").value_or(std::vector<std::string>{});
  for (const std::string& name : table.texts("extensions").value_or(std::vector<std::string>{})) {
    if (name == "*") {
      grant.puppet_extensions = true;
      continue;
    }
    const std::string oid = oid_of(name);
    if (oid.empty()) {
      table.complain("extensions",
                     "'" + name + "' is neither a Puppet short name (pp_role) nor an OID.");
    } else if (oid == kCliAuthOid) {
      table.complain("extensions",
                     "pp_cli_auth makes an operator and is never granted by a rule. "
                     "Remove it.");
    } else if (!is_puppet_extension(oid) && !is_authorization_extension(oid)) {
      table.complain("extensions", "'" + name +
                                       "' cannot be granted: only extensions under Puppet's "
                                       "arcs can; the rest comes from the profile.");
    }
    grant.extensions.push_back(oid);
  }
  table.done();
  return grant;
}

Rule RuleParser::parse(ConfigTable& table) {
  Rule rule;
  rule.name = table.text("name").value_or("");
  if (rule.name.empty()) table.complain("name", "a rule needs a name.");
  if (auto match = table.table("match")) {
    rule.match = parse_match(*match);
  } else if (!table.has("match")) {
    table.complain("", "rule '" + rule.name +
                           "' has no match. Write match = { any = true } for a "
                           "rule that takes everything.");
  }
  if (auto grant = table.table("grant")) rule.grant = parse_grant(*grant);
  const auto action = table.text("action");
  const auto known = parse_action(action.value_or(""));
  if (!known) {
    table.complain("action", "'action' must be \"sign\", \"queue\" or \"deny\".");
  }
  rule.action = known.value_or(Action::queue);
  rule.profile =
      table.text("profile").value_or(context.profiles.empty() ? "" : context.profiles[0]);
  const bool exists = std::ranges::find(context.profiles, rule.profile) != context.profiles.end();
  if (!exists && !context.any_profile) {
    table.complain("profile", "there is no profile '" + rule.profile +
                                  "'. Known are: " + joined(context.profiles) + ".");
  }
  rule.reason = table.text("reason").value_or("");
  rule.strip = table.boolean("strip").value_or(false);
  table.done();
  return rule;
}

}  // namespace countersign::policy
