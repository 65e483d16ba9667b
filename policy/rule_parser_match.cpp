// The match of a rule.
#include <algorithm>

#include "policy/rule_parser.h"
#include "policy/rule_values.h"

namespace countersign::policy {
namespace {

// For all lists of one rule together: their names must fit into one NameSet.
constexpr std::size_t kAllowlistBytes = std::size_t{512} << 20U;
constexpr std::size_t kShortestPassword = 8;
constexpr std::string_view kChallengePasswordOid = "1.2.840.113549.1.9.7";

void complain_of_regex(ConfigTable& table, std::string_view key, const std::string& regex,
                       const std::string& error) {
  table.complain(key, "'" + regex + "' is not a regular expression: " + error +
                          ". Correct it; the syntax is RE2's.");
}

// The next line without blanks at its end.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  const std::size_t last = line.find_last_not_of(" \t\r");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

}  // namespace

// The texts of a condition. An empty list is refused: it reads as "nothing" and would be
// "anything".
std::vector<std::string> RuleParser::alternatives(ConfigTable& table, std::string_view key) {
  auto texts = table.texts(key);
  if (!texts) return {};
  if (texts->empty()) {
    table.complain(key, "'" + std::string(key) +
                            "' is an empty list, which nothing can match. List something, or "
                            "remove the key.");
  } else {
    conditions[std::string(key)] = {texts->begin(), texts->end()};
  }
  return std::move(*texts);
}

Patterns RuleParser::patterns(ConfigTable& table, std::string_view key) {
  Patterns patterns;
  for (const std::string& regex : alternatives(table, key)) {
    const std::string error = patterns.add(regex);
    if (!error.empty()) complain_of_regex(table, key, regex, error);
  }
  return patterns;
}

void RuleParser::parse_allowlist_file(ConfigTable& table, const std::string& name,
                                      std::size_t& budget, Match& match) {
  const std::filesystem::path path = std::filesystem::absolute(folder / name).lexically_normal();
  files.push_back(path);
  const auto text = context.files->read(path, budget);
  if (text.has_error()) {
    table.complain("certname_file", text.error().detail + ". Make the file, or correct the name.");
    return;
  }
  budget -= text->size();
  std::size_t number = 0;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::string_view line = take_line(rest);
    ++number;
    if (line.empty() || line.front() == '#' || match.allowlist.add(line)) continue;
    table.complain("certname_file", path.string() + ":" + std::to_string(number) +
                                        ": this line is no certname and no '*.' glob. Correct it, "
                                        "or put a '#' before it.");
    return;
  }
}

void RuleParser::parse_certnames(ConfigTable& table, Match& match) {
  match.certname_regex = patterns(table, "certname_regex");
  std::set<std::string> list;  // both keys are one condition
  for (const std::string& name : alternatives(table, "certname")) {
    list.insert(name);
    if (NameTemplate::is_template(name)) {
      parse_name_template(table, name, match);
    } else if (!match.allowlist.add(name)) {
      table.complain("certname", "'" + name +
                                     "' is neither a certname nor a glob. A certname is in lower "
                                     "case, a glob is '*.' and a name; for more use "
                                     "certname_regex.");
    }
  }
  std::size_t budget = kAllowlistBytes;
  for (const std::string& name : alternatives(table, "certname_file")) {
    list.insert("file " + name);
    parse_allowlist_file(table, name, budget, match);
  }
  match.allowlist.shrink();
  match.has_allowlist = !list.empty();
  if (!match.certname_templates.empty() && match.allowlist.size() > 0) {
    table.complain("certname",
                   "names with placeholders need an identity document and others do not. Write two "
                   "rules.");
  }
  conditions.erase("certname_file");
  if (match.has_allowlist) conditions["certname"] = std::move(list);
}

void RuleParser::parse_names(ConfigTable& table, Match& match) {
  if (const auto san = table.text("san")) {
    if (*san != "none" && *san != "any") table.complain("san", "'san' is \"none\" or \"any\".");
    match.san = *san == "any";
    conditions["san"] = {*san};
  }
  for (const char* type : {"dns", "email", "uri"}) {
    const std::string key = std::string("san_") + type;
    if (table.has(key)) match.names[type] = patterns(table, key);
  }
  match.name_addresses = parse_ranges(table, "san_ip", alternatives(table, "san_ip"));
  for (const char* key : {"san_dns", "san_email", "san_uri", "san_ip"}) {
    const auto found = conditions.find(key);
    if (found == conditions.end()) continue;
    if (match.san == false) {
      table.complain(key, "'" + std::string(key) +
                              "' and san = \"none\" never hold together. Remove one of them.");
    }
    // "Each of the names" and "one of the names" are not the same condition.
    auto condition = conditions.extract(found);
    condition.key() += match.each_name ? " each" : " one";
    conditions.insert(std::move(condition));
  }
}

// A table of name -> regex, or name -> true for presence.
void RuleParser::parse_named(ConfigTable& table, std::string_view key,
                             std::map<std::string, Patterns>& found) {
  auto named = table.table(key);
  if (!named) return;
  const std::vector<std::string> names = named->keys();
  if (names.empty()) {
    table.complain(key, "'" + std::string(key) + "' is empty. Name something, or remove the key.");
  }
  for (const std::string& name : names) {
    const std::string oid = resolve(*named, name, name);
    if (oid == kChallengePasswordOid) {
      named->complain(name, "the challenge password is matched by challenge_password only.");
    }
    const std::string condition = std::string(key) + " " + oid;
    if (found.contains(oid)) {
      named->complain(name, "'" + name + "' is named twice here. Give both expressions in a list.");
    }
    if (named->is_boolean(name)) {
      if (!named->boolean(name).value_or(true)) {
        named->complain(name, "'" + name + "' must be true (it is asked for) or an expression.");
      }
      found[oid] = Patterns();
      conditions[condition] = {};
      continue;
    }
    found[oid] = patterns(*named, name);
    auto written = conditions.extract(name);
    if (written.empty()) continue;
    written.key() = condition;
    conditions.insert(std::move(written));
  }
}

void RuleParser::parse_key(ConfigTable& table, Match& match) {
  for (const std::string& text : alternatives(table, "key")) {
    static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
        {"rsa", "rsa"},         {"ec", "ec"},           {"ed25519", "ed25519"},
        {"ec:P-256", "ec:256"}, {"ec:P-384", "ec:384"}, {"ec:P-521", "ec:521"}};
    const auto* known =
        std::ranges::find(kNames, text, &std::pair<std::string_view, std::string_view>::first);
    const bool sized = text.starts_with("rsa:") && text.size() > 4 && text[4] != '0' &&
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
  if (match.key_bits_min > 0) conditions["key_bits_min"] = {std::to_string(match.key_bits_min)};
}

void RuleParser::parse_passwords(ConfigTable& table, Match& match) {
  match.challenge_passwords = alternatives(table, "challenge_password");
  for (const std::string& password : match.challenge_passwords) {
    if (password.size() < kShortestPassword) {
      table.complain("challenge_password",
                     "a challenge password needs at least 8 characters. Choose a longer one.");
    }
  }
}

Match RuleParser::parse_match(ConfigTable& table, bool signs) {
  Match match;
  match.each_name = signs;
  match.any = table.boolean("any").value_or(false);
  parse_certnames(table, match);
  const std::vector<std::string> source = alternatives(table, "source");
  match.source_text = joined(source);
  match.source = parse_ranges(table, "source", source);
  parse_names(table, match);
  parse_named(table, "extensions", match.extensions);
  parse_named(table, "attributes", match.attributes);
  parse_key(table, match);
  parse_passwords(table, match);
  match.live_certificate = table.boolean("live_certificate");
  if (match.live_certificate) {
    conditions["live_certificate"] = {*match.live_certificate ? "true" : "false"};
  }
  if (const auto token = table.text("token")) {
    if (*token != "required") table.complain("token", "'token' is \"required\", or left out.");
    match.token = true;
    conditions["token"] = {*token};
  }
  parse_identity(table, match);
  table.done();
  const std::size_t keys = table.keys().size();
  if (keys == 0) {
    table.complain("",
                   "the match is empty. Write match = { any = true } for a rule that takes "
                   "everything.");
  } else if (table.is_boolean("any") && (keys > 1 || !match.any)) {
    table.complain("any",
                   "'any' is true and stands alone: the rule takes everything. Remove it, or the "
                   "other conditions.");
  }
  return match;
}

}  // namespace countersign::policy
