// The system's clock jumps: what is made is right by the clock, or the authority says why it makes
// nothing.
#include <gmock/gmock.h>

#include "ca/clock_check.h"
#include "tests/ca/authority_fixture.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using std::chrono::days;
using std::chrono::hours;
using ::testing::HasSubstr;
using ::testing::Not;

class ClockJumps : public AuthorityTest {
 protected:
  Result<Submitted> enrol() {
    return submit(csr("web-" + std::to_string(++count_) + ".example.com"));
  }
  void set(const char* time) { clock.jump(x509::testing::at(time) - clock.now()); }
  std::string problems() {
    std::string all;
    for (const std::string& one : authority->health().problems) all += one + "\n";
    return all;
  }
  // What starting it says.
  std::string refusal() {
    try {
      start(kWebPolicy);
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

 private:
  int count_ = 0;
};

TEST_F(ClockJumps, WithinADayOfWhereItShouldBeACertificateIsValidByItFromThenOn) {
  start(kWebPolicy);
  for (const hours jump :
       {hours(1), hours(-1), hours(-24), hours(24), hours(25), hours(-25), hours(-25)}) {
    SCOPED_TRACE(jump.count());
    clock.jump(jump);
    const auto outcome = enrol();
    ASSERT_TRUE(outcome) << outcome.error().detail;
    const auto made = certificate_of(*outcome);
    const auto now = std::chrono::floor<std::chrono::seconds>(clock.now());
    const auto& profile = config.profiles.at("agent");
    EXPECT_EQ(made->not_before(), now - profile.backdate);
    EXPECT_EQ(made->not_after(), now + profile.validity);
    EXPECT_THAT(problems(), Not(HasSubstr("The clock says")));
  }
}

TEST_F(ClockJumps, ACertificateIsValidOnlyWhileItsIssuerIs) {
  const x509::Certificate& ca = *TestCa::get().chain.front();
  set("2020-01-01T06:00:00Z");
  start(kWebPolicy);
  EXPECT_EQ(certificate_of(enrol().value())->not_before(), ca.not_before());
  clock.advance(x509::testing::at("2045-12-31T23:00:00Z") - clock.now());
  EXPECT_EQ(certificate_of(enrol().value())->not_after(), ca.not_after());
}

TEST_F(ClockJumps, OutsideTheLifeOfTheCaOrFarOffNothingIsSignedAndHealthSaysWhy) {
  start(kWebPolicy);
  const std::string waiting = submit(csr("db-1.example.com"))->request.id;
  const std::int64_t before = store.counts()->certificates;
  const struct {
    const char* time;
    const char* why;
  } table[] = {{"1970-01-01T00:00:10Z", "is valid from 2020-01-01T00:00:00Z"},
               {"2019-12-31T23:59:59Z", "is valid from 2020-01-01T00:00:00Z"},
               {"2046-01-01T00:00:00Z", "has expired"},
               {"2060-01-01T00:00:00Z", "has expired"},
               {"2020-01-01T00:00:00Z", "The clock says 2020-01-01T00:00:00Z, but it is at least"},
               {"2026-05-31T10:59:59Z", "but it is at least 2026-06-01T12:00:00Z by"},
               {"2026-06-02T13:00:01Z", "it should be 2026-06-01T12:00:00Z"},
               {"2028-06-01T12:00:00Z", "restart the service"}};
  for (const auto& row : table) {
    SCOPED_TRACE(row.time);
    set(row.time);
    const auto outcome = enrol();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::unavailable);
    EXPECT_THAT(outcome.error().detail, HasSubstr(row.why));
    EXPECT_EQ(approve(waiting).error().code, Code::unavailable);
    EXPECT_EQ(run(authority->issue_service_certificate(machine_key().public_key())).error().code,
              Code::unavailable);
    EXPECT_FALSE(authority->health().ready);
    EXPECT_THAT(problems(), HasSubstr(row.why));
  }
  EXPECT_EQ(store.counts()->certificates, before);
  set("2026-06-01T12:00:00Z");
  EXPECT_TRUE(authority->health().ready) << problems();
  EXPECT_TRUE(enrol());
  EXPECT_TRUE(approve(waiting));
}

TEST_F(ClockJumps, AClockThatWasHoursAheadIsPutRightWithoutARestart) {
  start(kWebPolicy);
  const Loop loop(*authority);
  const std::uint64_t number = crl()->number();
  clock.jump(hours(20));
  ASSERT_TRUE(run(
      authority->revoke(enrol()->certificate->serial, x509::RevocationReason::key_compromise, op)));
  ASSERT_TRUE(eventually([&] { return crl()->number() > number; }));
  const std::uint64_t ahead = crl()->number();
  clock.jump(-hours(20));
  ASSERT_TRUE(eventually([&] { return crl()->number() > ahead; })) << problems();
  EXPECT_LE(crl()->this_update(), clock.now()) << "one from the future is refused by everybody";
  EXPECT_EQ(crl()->entries().size(), 1U);
  EXPECT_TRUE(enrol());
}

TEST_F(ClockJumps, YearsAheadTheCrlThatIsServedStaysAndNoRequestWaitsForTooLong) {
  config.queue_expire_after = days(30);
  config.crl_delay = std::chrono::seconds(0);
  start(kWebPolicy);
  const std::string waiting = submit(csr("db-1.example.com"))->request.id;
  const auto serial = enrol()->certificate->serial;
  const std::string before = *authority->crl_der();
  {
    const Loop loop(*authority);
    clock.jump(days(2 * 365));
    ASSERT_TRUE(run(authority->revoke(serial, x509::RevocationReason::key_compromise, op)))
        << "taking trust away needs no clock";
    std::this_thread::sleep_for(std::chrono::milliseconds(700));  // rounds of the housekeeping
    EXPECT_EQ(*authority->crl_der(), before) << "a next one would begin in two years";
    EXPECT_EQ(store.request(waiting).value()->state, store::RequestState::queued);
    clock.jump(-days(2 * 365));
    ASSERT_TRUE(eventually([&] { return *authority->crl_der() != before; }));
  }
  EXPECT_EQ(crl()->entries().size(), 1U);
  EXPECT_EQ(crl()->this_update(), std::chrono::floor<std::chrono::seconds>(clock.now()));
  EXPECT_TRUE(approve(waiting));
}

TEST_F(ClockJumps, AfterARestartTheClockIsBelievedThatItIsAhead) {
  start(kWebPolicy);
  clock.jump(days(365));  // the machine was halted
  ASSERT_FALSE(enrol());
  ASSERT_EQ(refusal(), "");
  EXPECT_TRUE(enrol());
}

TEST_F(ClockJumps, ARestoredBackupIsServedAtOnceForAllThatItHoldsIsOlder) {
  start(kWebPolicy);
  const std::uint64_t number = crl()->number();
  clock.jump(days(200));
  ASSERT_EQ(refusal(), "");
  EXPECT_GT(crl()->number(), number);
  EXPECT_EQ(crl()->this_update(), std::chrono::floor<std::chrono::seconds>(clock.now()));
}

TEST_F(ClockJumps, FarBehindTheCrlThatIsServedStaysAndARevocationWaitsForTheClock) {
  start(kWebPolicy);
  const auto serial = enrol()->certificate->serial;
  const Loop loop(*authority);
  const std::uint64_t number = crl()->number();
  clock.jump(-days(30));
  ASSERT_TRUE(run(authority->revoke(serial, x509::RevocationReason::key_compromise, op)))
      << "taking trust away needs no clock";
  EXPECT_EQ(crl()->number(), number);
  EXPECT_THAT(problems(), HasSubstr("but it is at least"));
  clock.jump(days(30));
  clock.advance(config.crl_delay);
  ASSERT_TRUE(eventually([&] { return crl()->number() > number; }));
  EXPECT_EQ(crl()->entries().size(), 1U);
}

TEST_F(ClockJumps, AStoreThatHoldsLaterTimesIsServedOnlyIfSomebodySaysThatTheClockIsRight) {
  clock.jump(days(400));
  start(kWebPolicy);
  const std::uint64_t number = crl()->number();
  clock.jump(-days(400));
  EXPECT_THAT(refusal(), HasSubstr("--accept-clock"));
  config.accept_clock = true;
  ASSERT_EQ(refusal(), "");
  EXPECT_GT(crl()->number(), number);
  EXPECT_TRUE(enrol());
}

TEST_F(ClockJumps, AClockThatStandsStillIsFarBehindAfterADay) {
  start();
  const auto stand_still = [&](std::chrono::milliseconds time) {
    clock.advance(time);
    clock.jump(-time);
  };
  stand_still(kClockMayBeOff);
  EXPECT_TRUE(authority->health().ready);
  stand_still(std::chrono::milliseconds(1));
  EXPECT_FALSE(authority->health().ready);
  clock.jump(std::chrono::milliseconds(1));
  EXPECT_TRUE(authority->health().ready);
}

}  // namespace
}  // namespace countersign::ca
