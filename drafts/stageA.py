def sub(f,a,b,n=1):
    s=open(f).read(); assert s.count(a)>=1,(f,a); s=s.replace(a,b,n); open(f,'w').write(s)
# expirations
open('api/puppet/puppet_expirations.cpp','w').write('''// expirations: until when the CA certificates and the CRLs that agents get are good.
#include <algorithm>
#include <boost/json.hpp>

#include "api/puppet/puppet_call.h"
#include "api/puppet/status_object.h"
#include "x509/crl.h"
#include "x509/pem.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

// {"ca-certs": {CN: notAfter}, "crls": {CN of the issuer: nextUpdate}}, section 1.7.
Result<json::object> expirations(std::string_view chain_pem, std::string_view crl_pem) {
  const auto certificates = x509::pem_decode_all(chain_pem);
  if (certificates.has_error()) return certificates.error();
  std::vector<std::shared_ptr<const x509::Certificate>> chain;
  json::object ends;
  for (const x509::PemBlock& block : *certificates) {
    auto certificate = x509::Certificate::parse(block.der);
    if (certificate.has_error()) return certificate.error();
    ends[(*certificate)->common_name()] = puppet_time((*certificate)->not_after());
    chain.push_back(std::move(*certificate));
  }
  const auto lists = x509::pem_decode_all(crl_pem);
  if (lists.has_error()) return lists.error();
  json::object updates;
  for (const x509::PemBlock& block : *lists) {
    const auto crl = x509::Crl::parse(block.der);
    if (crl.has_error()) return crl.error();
    const auto issuer = std::ranges::find_if(
        chain, [&](const auto& certificate) { return certificate->subject() == (*crl)->issuer(); });
    if (issuer == chain.end()) continue;
    updates[(*issuer)->common_name()] = puppet_time((*crl)->next_update());
  }
  return json::object{{"ca-certs", std::move(ends)}, {"crls", std::move(updates)}};
}

}  // namespace

Answer get_expirations(PuppetCall call) {
  const auto found = expirations(call.authority.chain_pem(), call.authority.crl_pem());
  if (found.has_error()) co_return puppet_error(found.error(), call.request, 500);
  co_return plain(200, json::serialize(*found), "application/json");
}

}  // namespace countersign::api
''')
f='api/puppet/status_object.h'
sub(f,'''// "123456", of''','''// "2026-11-24T15:04:05UTC".
std::string puppet_time(Timestamp time);

// "123456", of''')
f='api/puppet/status_object.cpp'
sub(f,'''// "2026-11-24T15:04:05UTC".
std::string puppet_time(Timestamp time) {
  std::string text = to_rfc3339(time);
  text.pop_back();
  return text + "UTC";
}

}  // namespace
''','''}  // namespace

std::string puppet_time(Timestamp time) {
  std::string text = to_rfc3339(time);
  text.pop_back();
  return text + "UTC";
}
''')
f='api/puppet/puppet_call.h'
sub(f,'''// puppet_certificate_request.cpp''','''// puppet_expirations.cpp
Answer get_expirations(PuppetCall call);
// puppet_certificate_request.cpp''')
f='api/puppet/puppet_frontend.cpp'
sub(f,'std::array<PuppetRoute, 12>','std::array<PuppetRoute, 13>')
sub(f,'''    {"PUT", "clean", false, put_clean},
''','''    {"GET", "expirations", false, get_expirations},
    {"PUT", "clean", false, put_clean},
''')
sub(f,'std::array<Permission, 10>','std::array<Permission, 11>')
sub(f,'''    {"POST", "certificate_renewal", Who::certificates},
''','''    {"POST", "certificate_renewal", Who::certificates},
    {"GET", "expirations", Who::certificates},
''')
# status levels
s=open(f).read()
a=s.index('Response handle_status('); b=s.index('Answer handle(ca::Authority& authority, Request request)')
body=s[a:b]
body=body.replace('''  static constexpr std::array<std::string_view, 3> kServices''','''  const std::string level = query_value(request.query, "level").value_or("info");
  if (level != "critical" && level != "info" && level != "debug") {
    const boost::json::object problem{{"kind", "data-invalid"}, {"msg", "Invalid level: " + level}};
    return plain(400, boost::json::serialize(problem), "application/json");
  }
  static constexpr std::string_view kText = "text/plain; charset=utf-8";
  static constexpr std::array<std::string_view, 3> kServices''')
body=body.replace('''R"(","service_status_version":1,"detail_level":"info",)"
                             R"("state":''','''R"(","service_status_version":1,"detail_level":")" + level +
                             R"(","state":''')
body=body.replace('return plain(200, "running");','return plain(200, "running", std::string(kText));')
body=body.replace('return plain(404, "not found: " + std::string(service));','return plain(404, "not found: " + std::string(service), std::string(kText));')
s=s[:a]+body+s[b:]
open(f,'w').write(s)
# certificate If-Modified-Since
f='api/puppet/puppet_certificate.cpp'
sub(f,'''  if (row.has_value()) {
''','''  if (row.has_value()) {
    if (not_modified(call.request, row->issued_at)) co_return plain(304, "");
''')
# negotiation
f='api/puppet/puppet_certificate_status.cpp'
s=open(f).read()
a=s.index('// The type to answer with; ""'); b=s.index('struct Wanted {')
s=s[:a]+'''constexpr std::initializer_list<std::string_view> kTypes = {"application/json", "text/pson", "pson"};

// The type to answer with; "" if the client takes none that we have.
std::string negotiated(const Request& request) {
  if (request.header("accept").empty()) return "application/json";
  return std::string(acceptable_type(request, kTypes).value_or(""));
}

// Is the body's type one of ours, or not said? Parameters and case do not matter.
bool takes(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return type.empty() || std::ranges::any_of(kTypes, [&](std::string_view known) {
           return same_letters(type, known);
         });
}

'''+s[b:]
s=s.replace('''  const std::string type = bare_type(call.request.header("content-type"));
  if (!type.empty() && type != "application/json" && type != "text/pson" && type != "pson") {
    co_return plain(415, "Unsupported media type.");
  }
''','''  if (!takes(call.request.header("content-type"))) co_return plain(415, "Unsupported media type.");
''')
s=s.replace('''  if (state == nullptr || !state->is_string()) {
    return fail(Code::malformed, "Missing required parameter \\"desired_state\\"");
  }
  Wanted wanted{.state = std::string(state->get_string()), .ttl = std::nullopt};
''','''  if (state == nullptr || state->is_null()) {
    return fail(Code::malformed, "Missing required parameter \\"desired_state\\"");
  }
  Wanted wanted{.state = shown(*state), .ttl = std::nullopt};
''')
s=s.replace('''  if (const json::value* ttl = object.if_contains("cert_ttl")) {
    if (!ttl->is_int64()) {
      const std::string shown =
          ttl->is_string() ? std::string(ttl->get_string()) : json::serialize(*ttl);
      return fail(Code::malformed, "cert_ttl specified for host " + name +
                                       " must be an integer, not \\"" + shown + "\\"");
    }
    wanted.ttl = std::chrono::seconds(ttl->get_int64());
  }
''','''  const json::value* ttl = object.if_contains("cert_ttl");
  if (ttl == nullptr || ttl->is_null()) return wanted;
  if (!ttl->is_int64() && !ttl->is_uint64()) {
    return fail(Code::malformed, "cert_ttl specified for host " + name +
                                     " must be an integer, not \\"" + shown(*ttl) + "\\"");
  }
  // An integer of more than 63 bits is one, and far too large for any bound.
  wanted.ttl = ttl->is_int64() ? std::chrono::seconds(ttl->get_int64()) : std::chrono::seconds::max();
''')
s=s.replace('''// The checks of the contract, section 1.3''','''std::string shown(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

// The checks of the contract, section 1.3''')
s=s.replace('#include <boost/json.hpp>\n','#include <algorithm>\n#include <boost/json.hpp>\n',1)
open(f,'w').write(s)
f='api/http/message.h'
sub(f,'''// One value of the query''','''// The same, but nullopt where the client says what it takes, and none of them is that.
std::optional<std::string_view> acceptable_type(const Request& request,
                                                std::initializer_list<std::string_view> types);

// Are they the same but for the case of ASCII letters?
bool same_letters(std::string_view a, std::string_view b);

// One value of the query''')
f='api/http/message.cpp'
s=open(f).read()
fn='''bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

'''
assert fn in s
s=s.replace('namespace {\n\n'+fn,fn+'namespace {\n\n',1)
s=s.replace('''std::string_view preferred_type(const Request& request,
                                std::initializer_list<std::string_view> types) {
  std::string_view best = *types.begin();
''','''std::optional<std::string_view> acceptable_type(const Request& request,
                                                std::initializer_list<std::string_view> types) {
  std::optional<std::string_view> best;
''')
s=s.replace('''      best = type;
    }
  }
  return best;
}
''','''      best = type;
    }
  }
  return best;
}

std::string_view preferred_type(const Request& request,
                                std::initializer_list<std::string_view> types) {
  return acceptable_type(request, types).value_or(*types.begin());
}
''',1)
open(f,'w').write(s)
# tests
open('tests/api/puppet_reads_test.cpp','w').write('''// What clients may ask for and in which form: cases 42, 47 and 64 of the contract, 1.1 and 1.11.
#include "tests/api/puppet_fixture.h"

namespace countersign::api {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

class PuppetReads : public PuppetTest {
 protected:
  Response with(const std::string& method, const std::string& path, const std::string& name,
                const std::string& value, std::string body = "") {
    Request asked = request(method, "/puppet-ca/v1/" + path, std::move(body));
    asked.headers.emplace_back(name, value);
    return call(puppet, std::move(asked));
  }
};

TEST_F(PuppetReads, AnyCertificateOfOursLearnsUntilWhenChainAndCrlsAreGood) {  // 64
  serve_puppet(false);
  const Response response = get("expirations", As::node);
  expect_answer(response, 200,
                R"({"ca-certs":{"Test Issuing CA":"2046-01-01T00:00:00UTC",)"
                R"("Test Root CA":"2046-01-01T00:00:00UTC"},)"
                R"("crls":{"Test Issuing CA":"2026-06-08T12:00:00UTC"}})");
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(get("expirations", As::anonymous).status, 403U);
  EXPECT_EQ(puppet_call("POST", "expirations").status, 403U);
}

TEST_F(PuppetReads, AnAcceptThatNamesNoneOfOurTypesIsRefused) {  // 42
  serve_puppet(false);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  const std::tuple<const char*, unsigned, const char*> cases[] = {
      {"application/json", 200, "application/json"},
      {"text/pson", 200, "text/pson"},
      {"pson", 200, "pson"},
      {"*/*", 200, "application/json"},
      {"application/*", 200, "application/json"},
      {"application/json;q=0.5, text/pson", 200, "text/pson"},
      {"TEXT/PSON; charset=utf-8", 200, "text/pson"},
      {"image/png, */*;q=0.1", 200, "application/json"},
      {"image/png", 406, "text/plain"},
      {"application/json-patch", 406, "text/plain"},
      {"application/json;q=0", 406, "text/plain"},
  };
  for (const auto& [accept, code, type] : cases) {
    for (const char* path : {"certificate_status/a", "certificate_statuses/all"}) {
      const Response response = with("GET", path, "Accept", accept);
      EXPECT_EQ(response.status, code) << accept;
      EXPECT_EQ(response.content_type, type) << accept;
      if (code == 406) EXPECT_EQ(response.body, "No acceptable resource available.");
    }
  }
}

TEST_F(PuppetReads, ABodysTypeCountsWithoutItsParametersAndCase) {  // 47
  serve_puppet(false);
  const std::pair<const char*, unsigned> cases[] = {
      {"application/json", 404},
      {"Application/JSON ; charset=utf-8", 404},
      {"text/pson", 404},
      {"pson", 404},
      {"text/plain", 415},
      {"application/jsonx", 415},
  };
  for (const auto& [type, code] : cases) {
    const Response response = with("PUT", "certificate_status/never", "Content-Type", type,
                                   R"({"desired_state":"signed"})");
    EXPECT_EQ(response.status, code) << type;
    if (code == 415) EXPECT_EQ(response.body, "Unsupported media type.");
  }
}

TEST_F(PuppetReads, ValuesOfOtherJsonTypesAreNamedInPuppetsWords) {  // 46
  serve_puppet(false);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  const std::tuple<const char*, unsigned, const char*> cases[] = {
      {R"({"desired_state":null})", 400, "Missing required parameter \\"desired_state\\""},
      {R"({"desired_state":5})", 400,
       "State 5 invalid; Must specify desired state of 'signed' or 'revoked' for host a."},
      {R"({"desired_state":"signed","cert_ttl":[1]})", 400,
       "cert_ttl specified for host a must be an integer, not \\"[1]\\""},
      {R"({"desired_state":"signed","cert_ttl":0})", 409, nullptr},
      {R"({"desired_state":"signed","cert_ttl":9223372036854775808})", 409, nullptr},
      {R"({"desired_state":"signed","cert_ttl":1576800001})", 409, nullptr},
      {R"({"desired_state":"signed","cert_ttl":null})", 204, ""},
  };
  for (const auto& [body, code, wanted] : cases) {
    const Response response = status("a", body);
    EXPECT_EQ(response.status, code) << body;
    if (wanted != nullptr) EXPECT_EQ(response.body, wanted);
  }
}

TEST_F(PuppetReads, ACertificateThatTheClientHasIsNotSentAgain) {  // 1.1
  serve_puppet(true);
  ASSERT_EQ(put("a", csr("a")).status, 200U);
  EXPECT_EQ(get_since("certificate/a", "Mon, 01 Jun 2026 12:00:00 GMT").status, 304U);
  EXPECT_EQ(get_since("certificate/a", "Mon, 01 Jun 2026 11:59:59 GMT").status, 200U);
  EXPECT_EQ(get_since("certificate/b", "Mon, 01 Jun 2026 12:00:00 GMT").status, 404U);
}

TEST_F(PuppetReads, TheStatusIsToldAtTheLevelThatWasAskedFor) {  // 1.11
  serve_puppet(false);
  const auto ask = [&](const std::string& target) {
    return call(puppet, request("GET", target, "", As::anonymous));
  };
  for (const char* level : {"critical", "info", "debug"}) {
    const Response one = ask(std::string("/status/v1/services/ca?level=") + level);
    EXPECT_EQ(text(json(one), "detail_level"), level);
  }
  EXPECT_EQ(text(json(ask("/status/v1/services/ca")), "detail_level"), "info");
  const Response bad = ask("/status/v1/services?level=loud");
  EXPECT_EQ(bad.status, 400U);
  EXPECT_EQ(text(json(bad), "msg"), "Invalid level: loud");
  EXPECT_EQ(ask("/status/v1/simple/ca").content_type, "text/plain; charset=utf-8");
}

TEST_F(PuppetReads, NamesOfMoreThan64CharactersWorkAndCaIsReserved) {  // 2.1
  serve_puppet(true);
  const std::string name = "a-node-with-a-long-name." + std::string(63, 'x') + ".example.com";
  ASSERT_EQ(put(name, csr(name)).status, 200U);
  EXPECT_EQ(text(json(get("certificate_status/" + name, As::op)), "name"), name);
  expect_answer(put("ca", csr("ca")), 400, "The name 'ca' is reserved.");
}

}  // namespace
}  // namespace countersign::api
''')
f='docs/puppet.md'
sub(f,'''| POST `certificate_renewal` | any''','''| POST `certificate_renewal`, GET `expirations` | any''')
sub(f,'CRL upload, expirations and import','CRL upload and import')
