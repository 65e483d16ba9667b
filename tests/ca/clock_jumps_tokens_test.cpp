// The system's clock jumps: a token is good once and until its end, or is refused for the clock.
#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using std::chrono::days;
using std::chrono::hours;

class ClockJumpsTokens : public AuthorityTest {
 protected:
  ClockJumpsTokens() {
    start(R"(
default = "deny"
[[rule]]
name = "token"
match = { token = "required" }
action = "sign"
)");
  }
  Result<std::vector<Authority::NewEnrolmentToken>> mint(const std::string& name) {
    Authority::EnrolmentOrder order;
    order.tokens = {{.certname = name}};
    order.lifetime = hours(1);
    return run(authority->mint_enrolment_tokens(std::move(order), op));
  }
  std::string secret_for(const std::string& name) { return mint(name).value().front().secret; }
  bool signed_with(const std::string& name, const std::string& secret, int key = 0) {
    Submission submission;
    submission.csr = csr(name, {.key = key});
    submission.token = Secret(std::string(secret));
    const auto outcome = run(authority->submit(std::move(submission), caller_of(Role::anonymous)));
    return outcome && outcome->certificate.has_value();
  }
  Result<Authority::NewToken> bearer(std::optional<std::chrono::seconds> lifetime) {
    return run(authority->create_token("operator", "", lifetime, admin, {}));
  }
  bool known(const std::string& secret) {
    return run(authority->identify_token(secret, "192.0.2.1", "feedbeef")).has_value();
  }
};

TEST_F(ClockJumpsTokens, AOneTimeTokenThatWasUsedStaysUsed) {
  const auto secret = secret_for("web-1");
  ASSERT_TRUE(signed_with("web-1", secret));
  ASSERT_TRUE(run(authority->revoke(store.current_certificate("web-1").value()->serial,
                                    x509::RevocationReason::superseded, op)));
  for (const hours jump : {hours(-20), hours(20), hours(24 * 365), hours(-24 * 365)}) {
    clock.jump(jump);
    EXPECT_FALSE(signed_with("web-1", secret, 1)) << "used once, whatever the clock says";
  }
}

TEST_F(ClockJumpsTokens, AOneTimeTokenThatEndedDoesNotLiveAgainByAFalseClock) {
  const auto secret = secret_for("web-1");
  clock.advance(hours(2));
  EXPECT_FALSE(signed_with("web-1", secret, 1));
  clock.jump(-days(30));
  EXPECT_FALSE(signed_with("web-1", secret, 2));
}

TEST_F(ClockJumpsTokens, OneThatWasRefusedForTheClockIsNotUsedUp) {
  const auto secret = secret_for("web-1");
  for (const days jump : {days(30), -days(30)}) {
    clock.jump(jump);
    ASSERT_FALSE(signed_with("web-1", secret));
    clock.jump(-jump);
  }
  EXPECT_TRUE(signed_with("web-1", secret));
}

TEST_F(ClockJumpsTokens, NoneWithAnEndIsMadeByAClockThatIsFarOff) {
  for (const days jump : {days(365), -days(365)}) {
    clock.jump(jump);
    EXPECT_EQ(bearer(hours(1)).error().code, Code::unavailable);
    EXPECT_TRUE(bearer(std::nullopt)) << "one without an end is as good as ever";
    EXPECT_EQ(mint("web-1").error().code, Code::unavailable);
    clock.jump(-jump);
  }
}

TEST_F(ClockJumpsTokens, ABearerTokenThatEndedStaysEndedWhenTheClockIsFarBehind) {
  const auto secret = bearer(hours(1)).value().secret;
  EXPECT_TRUE(known(secret));
  clock.advance(days(30));
  EXPECT_FALSE(known(secret));
  clock.jump(-days(30));
  EXPECT_FALSE(known(secret));
}

}  // namespace
}  // namespace countersign::ca
