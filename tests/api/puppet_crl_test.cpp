// PUT certificate_revocation_list (Puppet contract 1.6): every answer.
#include "tests/api/puppet_fixture.h"
#include "tests/ca/crl_maker.h"
#include "x509/digest.h"

namespace countersign::api {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using ca::testing::crl_pem;
using ca::testing::ParentCrl;

constexpr const char* kPath = "certificate_revocation_list";

class PuppetCrl : public PuppetTest {
 protected:
  PuppetCrl() { config.root_crl = crl_pem({}); }
};

ParentCrl changed(void (*change)(ParentCrl& crl)) {
  ParentCrl crl = ParentCrl{}.with_number(9);
  change(crl);
  return crl;
}

TEST_F(PuppetCrl, AnUploadIsAnsweredInPuppetsWords) {  // 61 to 63
  const std::string updated = "Successfully updated CRLs.";
  const std::string none = "No valid CRLs submitted.";
  const std::string invalid = "Invalid certs and/or CRLs: ";
  const std::string newer = crl_pem(ParentCrl{}.with_number(9));
  const std::string without_id = crl_pem(changed([](ParentCrl& crl) { crl.key_id.clear(); }));
  const std::string unrelated = crl_pem(changed([](ParentCrl& crl) { crl.key_id = Bytes(20, 1); }));
  const std::string delta =
      crl_pem(changed([](ParentCrl& crl) { crl.extensions = {ca::testing::delta_indicator()}; }));
  const struct {
    const char* what;
    std::string body;
    unsigned status;
    std::string answer;
    std::string served = "";  // in place of what was there
  } cases[] = {
      {"newer", newer, 200, updated, newer},
      {"newer, and twice", newer + newer, 200, updated, newer},
      {"newer, among unrelated ones", unrelated + newer, 200, updated, newer},
      {"older", crl_pem(ParentCrl{}.with_number(4)), 200, updated},
      {"the same", config.root_crl, 200, updated},
      {"unrelated", unrelated, 200, updated},
      {"unrelated delta", crl_pem(changed([](ParentCrl& crl) {
         crl.key_id = Bytes(20, 1);
         crl.extensions = {ca::testing::delta_indicator()};
       })),
       200, updated},
      {"nothing", "", 400, none},
      {"garbage", "garbage", 400, none},
      {"a certificate", operator_certificate->pem(), 400, none},
      {"a good one and a broken one", newer + x509::pem_encode(x509::kPemCrl, Bytes{0x30, 0}), 400,
       none},
      {"two of one number", newer + crl_pem(changed([](ParentCrl& crl) { crl.revoked = {{77}}; })),
       400, "Could not determine newest CRL."},
      {"another of the number that is served", crl_pem(changed([](ParentCrl& crl) {
         crl.number = {5};
         crl.revoked = {{77}};
       })),
       400, "Could not determine newest CRL."},
      {"without a key id", without_id, 400,
       "One or more submitted CRLs do not have an authority key identifier."},
      {"newer, and one without a key id", newer + without_id, 400,
       "One or more submitted CRLs do not have an authority key identifier."},
      {"delta", delta, 400, "Cannot support delta CRL."},
      {"expired", crl_pem(changed([](ParentCrl& crl) {
         crl.next_update = x509::testing::at("2026-05-01T00:00:00Z");
       })),
       400, invalid + "the CRL of 'Test Root CA' is past its nextUpdate."},
      {"of another key with the same name and key id",
       crl_pem(changed([](ParentCrl& crl) { crl.key = &x509::testing::other_key(); })), 400,
       invalid + "a CRL is not signed by a CA above this one."},
      {"with a critical extension", crl_pem(changed([](ParentCrl& crl) {
         crl.extensions = {{.oid = "1.2.3", .critical = true, .value = {5, 0}}};
       })),
       400, invalid + "the CRL of 'Test Root CA' has the critical extension 1.2.3."},
      {"that revokes our CA", crl_pem(changed([](ParentCrl& crl) { crl.revoked = {{1}}; })), 400,
       invalid + "the certificate of 'Test Issuing CA' is revoked."},
  };
  for (const auto& [what, body, status, answer, served] : cases) {
    SCOPED_TRACE(what);
    store.under = store::make_memory_store(x509::sha256);
    serve_puppet(false);
    const auto before = authority->agents_crls();
    const Response response = puppet_call("PUT", kPath, body);
    expect_answer(response, status, answer);
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
    const Response read = get("certificate_revocation_list/ca");
    const std::string_view after = read.content();
    if (served.empty()) {
      EXPECT_EQ(after, *before.pem);
      EXPECT_EQ(authority->agents_crls().changed_at, before.changed_at);
    } else {
      EXPECT_EQ(after, before.pem->substr(0, before.pem->size() - config.root_crl.size()) + served);
    }
    EXPECT_EQ(store.audit("", 1)->front().action, status == 200 ? "upload CRLs" : "refuse");
  }
}

TEST_F(PuppetCrl, AnUploadIsModifiedForThoseWhoHaveTheOldOne) {
  serve_puppet(false);
  clock.advance(std::chrono::hours(1));
  const char* half_past = "Mon, 01 Jun 2026 12:30:00 GMT";
  EXPECT_EQ(get_since("certificate_revocation_list/ca", half_past).status, 304U);
  ASSERT_EQ(puppet_call("PUT", kPath, crl_pem(ParentCrl{}.with_number(9))).status, 200U);
  EXPECT_EQ(get_since("certificate_revocation_list/ca", half_past).status, 200U);
  EXPECT_EQ(get_since("certificate_revocation_list/ca", "Mon, 01 Jun 2026 13:00:00 GMT").status,
            304U);
}

TEST_F(PuppetCrl, ALostStoreAndABodyThatIsTooLargeAreTold) {
  serve_puppet(false);
  store.failing = true;
  const Response lost = puppet_call("PUT", kPath, crl_pem(ParentCrl{}.with_number(9)));
  EXPECT_EQ(lost.status, 503U);
  EXPECT_EQ(header(lost, "Retry-After"), "2");
  Request large = request("PUT", std::string("/puppet-ca/v1/") + kPath);
  large.refused =
      Request::Refused{413, fail(Code::too_large, "The body is larger than 524288 bytes.")};
  expect_answer(call(puppet, large), 413, "The body is larger than 524288 bytes.");
}

TEST_F(PuppetCrl, AgentsGetTheInfraCrlAndRestTheFullOne) {  // 80
  config.puppet.infra_inventory = folder.write("infra_inventory.txt", "compiler\n");
  config.puppet.autosign = ca::PuppetSettings::Autosign::all;
  serve("default = 'queue'\n");
  for (const char* name : {"compiler", "node"}) {
    ASSERT_EQ(put(name, csr(name)).status, 200U);
    ASSERT_EQ(status(name, R"({"desired_state":"revoked"})").status, 204U);
  }
  serve("default = 'queue'\n");
  const auto entries = [](const Response& response) {
    const auto crls = ca::read_crls(response.content()).value();
    EXPECT_EQ(crls.size(), 2U);
    return crls.front()->entries().size();
  };
  EXPECT_EQ(entries(get("certificate_revocation_list/ca")), 1U);
  EXPECT_EQ(entries(rest_call("GET", "/v1/crl")), 2U);
}

}  // namespace
}  // namespace countersign::api
