// X-Client-* headers of a TLS terminator: section 6.4 of the contract, cases 68 and 71, and what we
// ask for beyond it.
#include "api/puppet/client_headers.h"

#include "ca/certificate_row.h"
#include "tests/api/puppet_fixture.h"
#include "x509/extension.h"

namespace countersign::api {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

TEST(DistinguishedName, HasOneCommonNameThatIsACertname) {
  const std::pair<const char*, const char*> cases[] = {
      {"CN=node1.example.com", "node1.example.com"},
      {"/CN=node1.example.com", "node1.example.com"},
      {"CN=a,O=Example\\, Inc.,C=DE", "a"},
      {"O=\"CN=b, Inc\",CN=a", "a"},
      {"cn = a , O=x", "a"},
      {"O=x+CN=a", "a"},
      {"2.5.4.3=a", "a"},
      {"CN=\\61\\2E\\62", "a.b"},
      {"CN=\"a\"", "a"},
      {"O=\\\"CN=b\\\",CN=a", "a"},
      {"/C=DE/O=Example/CN=a", "a"},
      {"/O=x/y/CN=a", "a"},
      // None, or not one, or no certname.
      {"", nullptr},
      {"a", nullptr},
      {"O=a", nullptr},
      {"CN=a,CN=b", nullptr},
      {"CN=a+CN=a", nullptr},
      {"/CN=a/CN=b", nullptr},
      {"CN=", nullptr},
      {"CN=A", nullptr},
      {"CN=ca", nullptr},
      {"CN=a b", nullptr},
      {"CN=a\\,O=b", nullptr},
      {"CN=#0C0161", nullptr},
      {"CN=\"a", nullptr},
      {"CN=\"a\"b", nullptr},
      {"CN=a\\", nullptr},
      {"CN=a,", nullptr},
      {"/", nullptr},
      {"/CN", nullptr},
      {"OU=CN=a", nullptr},
      {"O=x\\,CN=a", nullptr},
      {"O=\"x,CN=a\"", nullptr},
  };
  for (const auto& [dn, name] : cases) {
    const auto found = certname_in(dn);
    if (name == nullptr) {
      EXPECT_FALSE(found.has_value()) << dn << " gave " << found.value_or("");
    } else {
      EXPECT_EQ(found.value_or("(none)"), name) << dn;
    }
  }
}

class ClientHeaders : public PuppetTest {
 protected:
  using Held = std::shared_ptr<const x509::Certificate>;
  using Headers = std::vector<std::pair<std::string, std::string>>;

  static constexpr const char* kProxy = "10.1.2.3";
  static constexpr const char* kOther = "10.1.2.4";

  void serve_proxied(bool on = true) {
    config.puppet.allow_header_cert_info = on;
    config.puppet.trusted_proxies = {policy::Cidr::parse(kProxy).value()};
    config.puppet.allow_auto_renewal = true;
    serve_puppet(true);
  }
  Held enrolled(const std::string& name, const Asked& asked = {}) {
    EXPECT_EQ(put(name, csr(name, asked)).status, 200U);
    return x509::Certificate::parse_pem(get("certificate/" + name).content()).value();
  }
  static std::string encoded(std::string_view text) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
    return out;
  }
  static Headers says(const std::string& name, const std::string& pem = "") {
    Headers headers = {{"X-Client-Verify", "SUCCESS"}, {"X-Client-DN", "CN=" + name}};
    if (!pem.empty()) headers.emplace_back("X-Client-Cert", encoded(pem));
    return headers;
  }
  static Headers says(const Held& held) { return says(held->common_name(), held->pem()); }

  Response from(const std::string& source, const std::string& method, const std::string& path,
                const Headers& headers, const Held& connection = nullptr) {
    Request asked = request(method, "/puppet-ca/v1/" + path, "", As::anonymous);
    asked.source = source;
    asked.client_certificate = connection;
    for (const auto& header : headers) asked.headers.push_back(header);
    return call(puppet, std::move(asked));
  }
  Response proxied(const std::string& method, const std::string& path, const Headers& headers,
                   const Held& connection = nullptr) {
    return from(kProxy, method, path, headers, connection);
  }
  // A certificate of this CA that `init` would make, as the store knows it.
  Held operator_of_ours() {
    ca::Grant grant{.certname = "ops",
                    .names = {dns("ops")},
                    .extensions = {x509::utf8_extension(policy::kCliAuthOid, "true")},
                    .privileged = true};
    const auto maker = issuer();
    const auto made =
        maker->issue(maker->prepare({}, grant, ca::testing::machine_key().public_key()).value())
            .value();
    store::CertificateRecord row = ca::certificate_row(maker->id(), *made, clock.now());
    store::WriteBatch batch{store::InsertCertificate{.certificate = row}};
    EXPECT_TRUE(store.apply({&batch, 1}).front().has_value());
    return made;
  }
};

TEST_F(ClientHeaders, OfAnybodyButATrustedProxyAreIgnored) {  // 68
  for (const bool on : {false, true}) {
    serve_proxied(on);
    const Headers headers = says(on ? "a" : "b");
    const std::string source = on ? kOther : kProxy;
    EXPECT_EQ(from(source, "GET", "certificate_statuses/all", headers).status, 403U);
    EXPECT_EQ(from(source, "GET", "expirations", headers).status, 403U);
    // The connection's own certificate counts as ever.
    const Response own = from(source, "GET", "expirations", headers, node_certificate);
    EXPECT_EQ(own.status, 200U);
    EXPECT_EQ(own.caller, "agent:node");
    const Headers nonsense = {{"X-Client-Verify", "SUCCESS"}, {"X-Client-DN", "?"}};
    EXPECT_EQ(from(source, "GET", "certificate/ca", nonsense).status, 200U);
  }
}

TEST_F(ClientHeaders, OfATrustedProxyNameTheClientWithTheRightsOfItsCertificate) {
  serve_proxied();
  const Held node = enrolled("a");
  const Held ops = operator_of_ours();
  EXPECT_EQ(proxied("GET", "expirations", says(node)).caller, "agent:a");
  EXPECT_EQ(proxied("GET", "certificate_statuses/all", says(node)).status, 403U);
  Headers headers = says(ops);
  headers[1].second = "/O=Example/CN=ops";
  const Response listed = proxied("GET", "certificate_statuses/all", headers);
  EXPECT_EQ(listed.status, 200U);
  EXPECT_EQ(listed.caller, "admin:ops");
}

TEST_F(ClientHeaders, OfATrustedProxyGoBeforeItsOwnCertificate) {
  serve_proxied();
  const Held node = enrolled("a");
  const Headers nobody = {{"X-Client-Verify", "NONE"}};
  for (const Headers& headers : {says(node), nobody, Headers()}) {
    const Response answer =
        proxied("GET", "certificate_statuses/all", headers, operator_certificate);
    EXPECT_EQ(answer.status, 403U);
  }
}

TEST_F(ClientHeaders, WithoutACertificateTheNameIsAnOrdinaryNodeAndMustBeLive) {
  serve_proxied();
  enrolled("a");
  operator_of_ours();
  config.operators = {"a"};
  serve_proxied();
  for (const char* name : {"a", "ops"}) {
    EXPECT_EQ(proxied("GET", "expirations", says(name)).caller, std::string("agent:") + name);
    EXPECT_EQ(proxied("GET", "certificate_statuses/all", says(name)).status, 403U);
  }
  expect_answer(proxied("POST", "certificate_renewal", says("a")), 400,
                "No valid certificate found in renewal request");
  EXPECT_EQ(proxied("GET", "certificate/ca", says("never")).status, 403U);
  ASSERT_EQ(status("a", R"({"desired_state":"revoked"})").status, 204U);
  EXPECT_EQ(proxied("GET", "certificate/ca", says("a")).status, 403U);
}

TEST_F(ClientHeaders, ThatTheProxyDidNotVerifyNameNobody) {
  serve_proxied();
  const Held node = enrolled("a");
  for (const char* word : {"", "NONE", "FAILED:certificate has expired", "success", "SUCCESS "}) {
    Headers headers = says(node);
    headers[0].second = word;
    EXPECT_EQ(proxied("GET", "expirations", headers).status, 403U) << word;
    EXPECT_EQ(proxied("GET", "certificate/ca", headers).caller, "anonymous") << word;
  }
}

TEST_F(ClientHeaders, ThatCannotBeBelievedRefuseEvenWhatAnyoneMayRead) {
  serve_proxied();
  const Held node = enrolled("a");
  const Held old = enrolled("b");
  const std::string pem = node->pem();
  const std::string late = "Unable to parse x-client-cert into certificate: ";
  struct Case {
    const char* what;
    Headers headers;
    unsigned status;
    std::string body;  // or how it begins
  };
  const Headers plain_name = says("a");
  const auto with = [&](const std::string& raw) {
    Headers headers = says("a");
    headers.emplace_back("X-Client-Cert", raw);
    return headers;
  };
  const auto twice = [&](const std::string& name, const std::string& value) {
    Headers headers = says(node);
    headers.emplace_back(name, value);
    return headers;
  };
  const Case cases[] = {
      {"no name", {{"X-Client-Verify", "SUCCESS"}}, 400, "X-Client-Verify is SUCCESS, and"},
      {"two names", {plain_name[0], {"X-Client-DN", "CN=a,CN=b"}}, 400, "X-Client-Verify is"},
      {"escape", with("%1%2"), 400, "Unable to URL decode the x-client-cert header: "},
      {"half a block", with("-----BEGIN%20CERTIFICATE-----%0AM"), 400, late},
      {"no PEM", with("NOCERTS"), 400, "No certs found in PEM read from x-client-cert"},
      {"a CSR", with(encoded(csr("a"))), 400, "No certs found in PEM read from x-client-cert"},
      {"no DER", with(encoded(x509::pem_encode("CERTIFICATE", as_bytes("x")))), 400, late},
      {"two", with(encoded(pem + pem)), 400,
       "Only 1 PEM should be supplied for x-client-cert but 2 found"},
      {"another name", says("b", pem), 403, "X-Client-DN and X-Client-Cert are of different"},
      {"another CA", says(node_certificate), 403,
       "Certificate present, but does not match signature"},
      {"verify twice", twice("x-client-verify", "NONE"), 400, "The header x-client-verify is"},
      {"name twice", twice("X-CLIENT-DN", "CN=a"), 400, "The header x-client-dn is there"},
      {"certificate twice", twice("x-client-cert", ""), 400, "The header x-client-cert is there"},
  };
  for (const Case& each : cases) {
    for (const auto& [method, path] :
         {std::pair("GET", "certificate/ca"), std::pair("POST", "certificate_renewal")}) {
      const Response answer = proxied(method, path, each.headers);
      EXPECT_EQ(answer.status, each.status) << each.what;
      EXPECT_TRUE(answer.content().starts_with(each.body)) << each.what << answer.content();
      EXPECT_EQ(answer.caller, "anonymous") << each.what;
    }
  }
  ASSERT_EQ(status("b", R"({"desired_state":"revoked"})").status, 204U);
  EXPECT_EQ(proxied("GET", "certificate/ca", says(old)).status, 403U);
  clock.advance(std::chrono::days(6 * 365));
  EXPECT_EQ(proxied("GET", "certificate/ca", says(node)).status, 403U);
}

TEST_F(ClientHeaders, ACertificateWithOurNameAndKeyIdIsNotOneOfOurs) {
  serve_proxied();
  x509::CertificateContent content = x509::testing::leaf_content();
  const auto& ca = *ca::testing::TestCa::get().chain.front();
  content.issuer = ca.subject();
  content.subject = x509::common_name_only("a");
  content.extensions = {x509::authority_key_identifier(ca.subject_key_id()),
                        x509::utf8_extension(policy::kCliAuthOid, "true")};
  const Held forged =
      x509::Certificate::parse(x509::testing::issue(content, ca::testing::machine_key())).value();
  for (const char* path : {"certificate_statuses/all", "certificate/ca"}) {
    expect_answer(proxied("GET", path, says(forged)), 403,
                  "Certificate present, but does not match signature");
  }
}

TEST_F(ClientHeaders, ANodeBehindAProxyRenews) {
  serve_proxied();
  const Held old = enrolled("a");
  const Response response = proxied("POST", "certificate_renewal", says(old));
  ASSERT_EQ(response.status, 200U) << response.content();
  const auto made = x509::Certificate::parse_pem(response.content()).value();
  EXPECT_EQ(made->common_name(), "a");
  EXPECT_NE(made->serial(), old->serial());
}

TEST_F(ClientHeaders, ACompilerThatIsListedRenewsForItsAgents) {
  config.puppet.renewal_proxies = {"compiler"};
  serve_proxied();
  const Held compiler = enrolled("compiler", {.key = 1});
  const Held node = enrolled("a");
  const Headers passed_on = {{"X-Client-Cert", encoded(node->pem())}};
  const Response response = from(kOther, "POST", "certificate_renewal", passed_on, compiler);
  ASSERT_EQ(response.status, 200U) << response.content();
  EXPECT_EQ(x509::Certificate::parse_pem(response.content()).value()->common_name(), "a");
  EXPECT_EQ(response.caller, "agent:compiler");
  // Nobody else does, and it has no other right of the node.
  expect_answer(from(kOther, "POST", "certificate_renewal", passed_on, node), 400,
                "No valid certificate found in renewal request");
  EXPECT_EQ(from(kOther, "POST", "certificate_renewal", passed_on).status, 403U);
  expect_answer(
      from(kOther, "POST", "certificate_renewal", {{"X-Client-Cert", "NOCERTS"}}, compiler), 400,
      "No certs found in PEM read from x-client-cert");
  expect_answer(from(kOther, "POST", "certificate_renewal",
                     {{"X-Client-Cert", ""}, passed_on.front()}, compiler),
                400, "The header x-client-cert is there more than once.");
  expect_answer(from(kOther, "POST", "certificate_renewal",
                     {{"X-Client-Cert", encoded(node_certificate->pem())}}, compiler),
                403, "Certificate present, but does not match signature");
  ASSERT_EQ(status("a", R"({"desired_state":"revoked"})").status, 204U);
  EXPECT_EQ(from(kOther, "POST", "certificate_renewal", passed_on, compiler).status, 403U);
}

}  // namespace
}  // namespace countersign::api
