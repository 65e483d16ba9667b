#include "policy/case_file.h"

#include <charconv>
#include <set>

#include "base/config_reader.h"
#include "policy/certname.h"
#include "policy/cidr.h"
#include "policy/identity_claims.h"

namespace countersign::policy {
namespace {

// A kind of key with its size: "ec:P-256", "rsa:2048", "ed25519".
bool parse_key(std::string_view text, Facts& facts) {
  struct Named {
    std::string_view text;
    const char* algorithm;
    int bits;
  };
  static constexpr Named kNamed[] = {{"ec:P-256", "ec", 256},
                                     {"ec:P-384", "ec", 384},
                                     {"ec:P-521", "ec", 521},
                                     {"ed25519", "ed25519", 256}};
  for (const Named& named : kNamed) {
    if (named.text != text) continue;
    facts.key_algorithm = named.algorithm;
    facts.key_bits = named.bits;
    return true;
  }
  if (!text.starts_with("rsa:")) return false;
  text.remove_prefix(4);
  facts.key_algorithm = "rsa";
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), facts.key_bits);
  return error == std::errc{} && end == text.data() + text.size() && facts.key_bits > 0;
}

void parse_names(ConfigTable& table, Facts& facts) {
  for (const char* type : {"dns", "ip", "email", "uri"}) {
    for (std::string& value : table.texts(type).value_or(std::vector<std::string>())) {
      if (std::string_view(type) == "ip" && !parse_address(value)) {
        table.complain(type, "'" + value + "' is no IP address.");
      }
      facts.names.push_back({type, std::move(value)});
    }
  }
}

std::string oid_in(ConfigTable& table, const std::string& name) {
  std::string oid = oid_of(name);
  if (oid.empty()) {
    table.complain(name, "'" + name + "' is neither a Puppet short name (pp_role) nor an OID.");
  }
  return oid;
}

// name = "text", or true: it is asked for, and its value is no text.
void parse_extensions(ConfigTable& table, Facts& facts) {
  auto named = table.table("extensions");
  if (!named) return;
  for (const std::string& name : named->keys()) {
    RequestedExtension extension{.oid = oid_in(*named, name), .critical = false, .text = {}};
    if (named->is_boolean(name)) {
      if (!named->boolean(name).value_or(false)) {
        named->complain(name, "'" + name + "' must be true (it is asked for) or its text.");
      }
    } else {
      extension.text = named->text(name);
    }
    facts.extensions.push_back(std::move(extension));
  }
}

void parse_attributes(ConfigTable& table, Facts& facts) {
  auto named = table.table("attributes");
  if (!named) return;
  for (const std::string& name : named->keys()) {
    const std::string oid = oid_in(*named, name);
    facts.attributes[oid] = named->texts(name).value_or(std::vector<std::string>());
  }
}

// As a good document proves it: identity = { aws.account = "…" }.
void parse_identity(ConfigTable& table, Facts& facts) {
  auto written = table.table("identity");
  if (!written) return;
  PresentedIdentity identity;
  identity.provider = written->text("name").value_or("");
  for (auto& [claim, values] : read_claims(*written)) {
    if (values.size() != 1) {
      written->complain(claim.substr(0, claim.find('.')),
                        "a document says one value of " + claim + ".");
    }
    identity.claims[claim] = values.front();
  }
  written->done();
  facts.identity = std::move(identity);
}

Facts parse_facts(ConfigTable& table) {
  Facts facts;
  facts.certname = table.text("certname").value_or("");
  const auto checked = check_certname(facts.certname);
  if (checked.has_error()) {
    table.complain("certname", "no policy is asked about this certname: " + checked.error().detail);
  }
  parse_names(table, facts);
  parse_extensions(table, facts);
  parse_attributes(table, facts);
  facts.challenge_password = table.text("challenge_password").value_or("");
  if (!parse_key(table.text("key").value_or("ec:P-256"), facts)) {
    table.complain("key",
                   "this is no key. Write ec:P-256, ec:P-384, ec:P-521, ed25519, or rsa:2048 with "
                   "any size.");
  }
  facts.source = table.text("source").value_or("");
  if (!facts.source.empty() && !parse_address(facts.source)) {
    table.complain("source", "'" + facts.source + "' is no IP address.");
  }
  facts.has_live_certificate = table.boolean("live_certificate").value_or(false);
  parse_identity(table, facts);
  if (table.boolean("token").value_or(false)) facts.token = PresentedToken{"a good one", "", ""};
  return facts;
}

Expectation parse_expectation(ConfigTable& table) {
  Expectation expected;
  auto expect = table.table("expect");
  if (!expect) {
    if (!table.has("expect")) {
      table.complain("", "a case needs an expect. Write expect = { action = \"sign\" }.");
    }
    return expected;
  }
  const auto action = parse_action(expect->text("action").value_or(""));
  if (!action) {
    expect->complain("action", "'action' must be \"sign\", \"queue\" or \"deny\".");
  }
  expected.action = action.value_or(Action::queue);
  expected.rule = expect->text("rule");
  expected.reason = expect->text("reason");
  expect->done();
  return expected;
}

}  // namespace

Result<CaseFile> parse_cases(std::string_view toml, const std::filesystem::path& file) {
  auto document = ConfigDocument::parse(toml, file.string());
  if (document.has_error()) return document.error();
  ConfigTable root = document->root();
  CaseFile result;
  if (const auto policy = root.text("policy")) result.policy = file.parent_path() / *policy;
  std::set<std::string> names;
  for (ConfigTable& table : root.tables("case")) {
    Case row;
    row.name = table.text("name").value_or("");
    row.place = table.where("");
    if (row.name.empty()) table.complain("name", "a case needs a name. Write name = \"...\".");
    if (!row.name.empty() && !names.insert(row.name).second) {
      table.complain("name", "there is a case '" + row.name +
                                 "' already. Give this one another "
                                 "name.");
    }
    row.facts = parse_facts(table);
    row.expected = parse_expectation(table);
    table.done();
    result.cases.push_back(std::move(row));
  }
  // A file that tests nothing must not pass.
  if (result.cases.empty()) root.complain("case", "there is no [[case]] here. Write one.");
  root.done();
  const auto finished = document->finish();
  if (finished.has_error()) return finished.error();
  return result;
}

bool as_expected(const Expectation& expected, const Decision& decision) {
  return expected.action == decision.action &&
         (!expected.rule || *expected.rule == decision.rule) &&
         (!expected.reason || *expected.reason == decision.reason);
}

}  // namespace countersign::policy
