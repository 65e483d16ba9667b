// What the tests of the rule language share: files in memory, and facts to change one of.
#ifndef COUNTERSIGN_TESTS_POLICY_POLICIES_H_
#define COUNTERSIGN_TESTS_POLICY_POLICIES_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "policy/rule_set.h"

namespace countersign::policy {

class MemoryFiles final : public FileSystem {
 public:
  Result<std::string> read(const std::filesystem::path& path, std::size_t limit) const override {
    const auto found = contents.find(path.string());
    if (found == contents.end()) {
      return fail(Code::not_found, "cannot open " + path.string() + ": No such file or directory");
    }
    if (found->second.size() > limit) return fail(Code::too_large, path.string() + " is too large");
    return found->second;
  }
  Result<void> write(const std::filesystem::path&, std::string_view, mode_t) const override {
    return fail(Code::unavailable, "read only");
  }

  std::map<std::string, std::string> contents;
};

inline Result<std::shared_ptr<const RuleSet>> parse(const std::string& toml,
                                                    const MemoryFiles& files = {}) {
  LoadContext context;
  context.files = &files;
  context.profiles = {"agent", "server"};
  return RuleSet::parse(toml, "/etc/cs/policy.toml", context);
}

// A policy that is right; the test fails if it is not.
inline std::shared_ptr<const RuleSet> policy(const std::string& toml,
                                             const MemoryFiles& files = {}) {
  auto parsed = parse(toml, files);
  EXPECT_TRUE(parsed.has_value()) << (parsed.has_error() ? parsed.error().detail : "") << "\n"
                                  << toml;
  return parsed.has_value() ? *parsed : RuleSet::empty(Action::deny);
}

// One rule that signs what matches.
inline std::string signing(std::string match, const std::string& more = "") {
  std::ranges::replace(match, '\n', ' ');  // TOML wants an inline table on one line
  return "[[rule]]\nname = \"it\"\nmatch = { " + match + " }\naction = \"sign\"\n" + more;
}

// What a modern machine asks for: its own name, an EC key.
inline Facts facts(const std::string& certname = "web-1.example.com") {
  Facts facts;
  facts.certname = certname;
  facts.key_algorithm = "ec";
  facts.key_bits = 256;
  facts.source = "10.1.2.3";
  return facts;
}

// "dns:a ip:1.2.3.4": what was granted, in order.
inline std::string names_of(const Decision& decision) {
  std::string text;
  for (const RequestedName& name : decision.granted.names) {
    text += (text.empty() ? "" : " ") + name.type + ":" + name.value;
  }
  return text;
}

}  // namespace countersign::policy

#endif  // COUNTERSIGN_TESTS_POLICY_POLICIES_H_
