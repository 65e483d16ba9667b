#include "ca/live_policy.h"

#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

constexpr const char* kByFile = R"(
[[rule]]
name = "listed"
match = { certname_file = "allow.txt" }
action = "sign"
)";

class LivePolicyTest : public AuthorityTest {
 protected:
  policy::Action decided(const LivePolicy& policy, const std::string& name) {
    policy::Facts facts;
    facts.certname = name;
    return policy.current()->decide(facts).action;
  }
};

TEST_F(LivePolicyTest, WithoutAFileEverythingIsQueued) {
  LivePolicy policy("");
  EXPECT_TRUE(policy.reload());
  EXPECT_EQ(decided(policy, "a"), policy::Action::queue);
}

TEST_F(LivePolicyTest, ABadFileLeavesTheOldPolicyAndSaysWhereItIsBad) {
  start(kWebPolicy);
  folder.write("policy.toml", "[[rule]]\nname = 'x'\nmatch = { certname_regex = '(' }\n");
  EXPECT_TRUE(authority->reload_policy().has_error());
  EXPECT_NE(authority->health().policy_error.find("policy.toml:3"), std::string::npos)
      << authority->health().policy_error;
  EXPECT_TRUE(authority->health().ready);
  EXPECT_TRUE(submit(csr("web-1.example.com"))->certificate);
  folder.write("policy.toml", "default = 'deny'\n");
  EXPECT_TRUE(authority->reload_policy());
  EXPECT_EQ(authority->health().policy_error, "");
  EXPECT_EQ(submit(csr("web-2.example.com"))->request.state, store::RequestState::denied);
}

TEST_F(LivePolicyTest, ABadFileAtTheStartDoesNotStart) {
  EXPECT_THROW(start("rule = 1\n"), std::runtime_error);
}

TEST_F(LivePolicyTest, AChangeOfTheFileOrOfAnAllowlistIsSeen) {
  folder.write("allow.txt", "a\n");
  LivePolicy policy(folder.write("policy.toml", kByFile));
  ASSERT_TRUE(policy.reload()) << policy.error();
  const auto sees = [&](const std::string& name, policy::Action action) {
    return eventually([&] {
      policy.reload_if_changed();
      return decided(policy, name) == action;
    });
  };
  EXPECT_TRUE(sees("a", policy::Action::sign));
  EXPECT_TRUE(sees("b", policy::Action::queue));
  folder.write("allow.txt", "b\n");
  EXPECT_TRUE(sees("b", policy::Action::sign));
  EXPECT_TRUE(sees("a", policy::Action::queue));
  folder.write("policy.toml", "default = 'deny'\n");
  EXPECT_TRUE(sees("b", policy::Action::deny));
}

// Same size, same mtime: as `cp -p` and rsync leave it.
TEST_F(LivePolicyTest, AFileThatIsReplacedByOneOfTheSameAgeAndSizeIsSeen) {
  const auto file = folder.write("policy.toml", "default = 'deny' \n");
  LivePolicy policy(file);
  ASSERT_TRUE(policy.reload());
  const auto time = std::filesystem::last_write_time(file);
  folder.write("policy.toml", "default = 'queue'\n");
  std::filesystem::last_write_time(file, time);
  EXPECT_TRUE(eventually([&] {
    policy.reload_if_changed();
    return decided(policy, "a") == policy::Action::queue;
  }));
}

TEST_F(LivePolicyTest, AFileThatStaysTheSameIsNotReadForEver) {
  LivePolicy policy(folder.write("policy.toml", "default = 'deny'\n"));
  ASSERT_TRUE(policy.reload());
  ASSERT_TRUE(eventually([&] {
    const auto before = policy.current();
    policy.reload_if_changed();
    return policy.current() == before;
  }));
}

}  // namespace
}  // namespace countersign::ca
