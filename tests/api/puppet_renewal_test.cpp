// Renewal by agents: section 1.10 of the contract, cases 67 and 69 to 73.
#include "tests/api/puppet_fixture.h"

namespace countersign::api {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

class PuppetRenewal : public PuppetTest {
 protected:
  using Held = std::shared_ptr<const x509::Certificate>;

  void serve_renewal(bool on) {
    config.puppet.allow_auto_renewal = on;
    config.puppet.auto_renewal_cert_ttl = std::chrono::days(60);
    serve_puppet(true);
  }
  Held enrolled(const std::string& name, const Asked& asked = {}) {
    EXPECT_EQ(put(name, csr(name, asked)).status, 200U);
    return x509::Certificate::parse_pem(get("certificate/" + name).body).value();
  }
  Response renew(const Held& held) {
    Request asked = request("POST", "/puppet-ca/v1/certificate_renewal", "", As::anonymous);
    asked.client_certificate = held;
    return call(puppet, std::move(asked));
  }
};

TEST_F(PuppetRenewal, SwitchedOffAnAgentIsToldThatThereIsNoSuchThing) {  // 69
  serve_renewal(false);
  expect_answer(renew(enrolled("a")), 404, "Not Found");
}

TEST_F(PuppetRenewal, AnAgentGetsItsNextCertificate) {  // 70
  serve_renewal(true);
  const Held old = enrolled("a");
  const Response response = renew(old);
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.content_type, "text/plain");
  const auto made = x509::Certificate::parse_pem(response.body).value();
  EXPECT_EQ(made->subject(), old->subject());
  EXPECT_EQ(made->extensions(), old->extensions());
  EXPECT_EQ(made->not_after(), clock.now() + std::chrono::days(60));
  EXPECT_EQ(get("certificate/a").body, response.body);
  const auto listed = boost::json::parse(get("certificate_statuses/all", As::op).body);
  EXPECT_EQ(listed.as_array().size(), 1U) << "only the new one";
}

TEST_F(PuppetRenewal, WithoutACertificateOfOursThereIsNone) {  // 67, 71
  serve_renewal(true);
  EXPECT_EQ(renew(nullptr).status, 403U);
  expect_answer(renew(node_certificate), 403, "Certificate present, but does not match signature");
}

TEST_F(PuppetRenewal, RevokingTheNameTakesBoth) {  // 72
  serve_renewal(true);
  const Held old = enrolled("a");
  const auto made = x509::Certificate::parse_pem(renew(old).body).value();
  ASSERT_EQ(status("a", R"({"desired_state":"revoked"})").status, 204U);
  EXPECT_FALSE(authority->trusted(*old));
  EXPECT_FALSE(authority->trusted(*made));
  EXPECT_EQ(renew(old).status, 403U);
}

TEST_F(PuppetRenewal, TheAttributeOfACsrGivesTheShortLifetimeWhateverTheTtl) {  // 73, 1.3
  serve_renewal(true);
  EXPECT_EQ(enrolled("a", {.renews = true})->not_after(), clock.now() + std::chrono::days(60));
  EXPECT_EQ(enrolled("b")->not_after(), clock.now() + config.profiles["agent"].validity);
  config.puppet.autosign = ca::PuppetSettings::Autosign::none;
  serve("default = 'queue'\n");
  ASSERT_EQ(put("c", csr("c", {.renews = true})).status, 200U);
  ASSERT_EQ(status("c", R"({"desired_state":"signed","cert_ttl":3600})").status, 204U);
  EXPECT_EQ(store.current_certificate("c").value()->not_after, clock.now() + std::chrono::days(60));
}

}  // namespace
}  // namespace countersign::api
