// Tokens of an issuer: what counts, and each reason why one does not.
#include "ca/json_web_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tests/ca/token_maker.h"
#include "tests/x509/maker.h"
#include "x509/pem.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;

constexpr const char* kIssuer = "https://issuer.example.com";
constexpr const char* kAudience = "https://ca.example.com";
const Timestamp kPresented = x509::testing::at("2026-06-01T12:00:00Z");

const IssuerKey& rsa_key() {
  static const IssuerKey key = IssuerKey::make("k1");
  return key;
}

JsonWebKeySet keys_of(const std::vector<json::object>& keys) {
  return JsonWebKeySet::parse(key_set(keys)).value();
}

// "" if the token counts.
std::string why_not(const std::string& text, const JsonWebKeySet& keys,
                    Timestamp now = kPresented) {
  const auto token = JsonWebToken::parse(text);
  if (token.has_error()) return token.error().detail;
  const auto claims = token->check_claims(kIssuer, kAudience, hours(24), now);
  if (claims.has_error()) return claims.error().detail;
  const auto proven = token->verify_signature(keys);
  return proven.has_error() ? proven.error().detail : "";
}

std::string with_header(const std::string& header) {
  return signed_token(header, json::serialize(claims(kPresented)), rsa_key());
}

TEST(JsonWebToken, CountsByEveryKindOfKeyThatIsKnown) {
  for (const char* algorithm : {"RS256", "ES256", "ES384"}) {
    const IssuerKey key = IssuerKey::make("k", algorithm);
    EXPECT_EQ(why_not(token(claims(kPresented), key), keys_of({key.jwk()})), "") << algorithm;
  }
}

TEST(JsonWebToken, WithClaimsOfOthersOrAtAnotherTimeDoesNotCount) {
  const JsonWebKeySet keys = keys_of({rsa_key().jwk()});
  const struct {
    const char* member;
    json::value value;
    const char* reason;
  } cases[] = {
      {"iss", "https://evil.example.com", "another issuer"},
      {"iss", "https://issuer.example.com/", "another issuer"},
      {"iss", nullptr, "another issuer"},
      {"aud", "https://vault.example.com", "another audience"},
      {"aud", json::array{"a", "b"}, "another audience"},
      {"aud", nullptr, "another audience"},
      {"aud", 7, "another audience"},
      {"exp", seconds(kPresented) - 31, "It expired at"},
      {"exp", nullptr, "no good 'iat' and 'exp'"},
      {"exp", "tomorrow", "no good 'iat' and 'exp'"},
      {"exp", -1, "no good 'iat' and 'exp'"},
      {"exp", 1e300, "no good 'iat' and 'exp'"},
      {"exp", seconds(kPresented + hours(25)), "max_lifetime"},
      {"iat", nullptr, "no good 'iat' and 'exp'"},
      {"iat", seconds(kPresented) + 31, "not good before"},
      {"nbf", seconds(kPresented) + 31, "not good before"},
      {"nbf", "now", "'nbf' is no time"},
  };
  for (const auto& [member, value, reason] : cases) {
    json::object content = claims(kPresented);
    content[member] = value;
    EXPECT_THAT(why_not(token(content, rsa_key()), keys), HasSubstr(reason))
        << member << " " << json::serialize(value);
  }
  json::object listed = claims(kPresented);
  listed["aud"] = json::array{"other", kAudience};
  EXPECT_EQ(why_not(token(listed, rsa_key()), keys), "");
  EXPECT_EQ(why_not(token(claims(kPresented + std::chrono::seconds(30)), rsa_key()), keys), "")
      << "clocks may differ a little";
  EXPECT_EQ(why_not(token(claims(kPresented), rsa_key()), keys,
                    kPresented + hours(1) + std::chrono::seconds(29)),
            "");
}

TEST(JsonWebToken, WithAHeaderThatAsksForOtherRulesDoesNotCount) {
  const JsonWebKeySet keys = keys_of({rsa_key().jwk()});
  ASSERT_EQ(why_not(with_header(R"({"alg":"RS256","kid":"k1"})"), keys), "");
  const struct {
    const char* header;
    const char* reason;
  } cases[] = {
      {R"({"alg":"none","kid":"k1"})", "algorithm is none of"},
      {R"({"alg":"None","kid":"k1"})", "algorithm is none of"},
      {R"({"alg":"HS256","kid":"k1"})", "algorithm is none of"},
      {R"({"alg":"EdDSA","kid":"k1"})", "algorithm is none of"},
      {R"({"alg":["RS256"],"kid":"k1"})", "algorithm is none of"},
      {R"({"kid":"k1"})", "algorithm is none of"},
      {R"({"alg":"RS1","kid":"k1"})", "does not fit"},
      {R"({"alg":"ES256","kid":"k1"})", "does not fit"},
      {R"({"alg":"PS256","kid":"k1"})", "does not fit"},  // the key says RS256
      {R"({"alg":"RS256","kid":"k2"})", "no key of its 'kid'"},
      {R"({"alg":"RS256","kid":7})", "'kid' is no text"},
      {R"({"alg":"RS256","kid":"k1","crit":["exp"]})", "'crit'"},
      {R"({"alg":"RS256","kid":"k1","typ":"at+jwt"})", "'typ'"},
      {R"({"alg":"RS256","kid":"k1","typ":1})", "'typ'"},
      {R"({"alg":"HS256","alg":"RS256","kid":"k1"})", "it has a member twice"},
      {R"({"\u0061lg":"none","alg":"RS256","kid":"k1"})", "it has a member twice"},
      {R"([])", "it is no object"},
      {R"({"alg":"RS256","kid":"k1"} x)", "no JSON"},
  };
  for (const auto& [header, reason] : cases) {
    EXPECT_THAT(why_not(with_header(header), keys), HasSubstr(reason)) << header;
  }
}

TEST(JsonWebToken, SignedBySomebodyElseDoesNotCount) {
  const IssuerKey thief = IssuerKey::make("k1");
  const JsonWebKeySet keys = keys_of({rsa_key().jwk()});
  EXPECT_THAT(why_not(token(claims(kPresented), thief), keys),
              HasSubstr("not by the issuer's key"));
  // It brings the key along that it is signed with.
  json::object header{{"alg", "RS256"},
                      {"kid", "k1"},
                      {"jwk", thief.jwk()},
                      {"jku", "https://evil.example.com/keys"}};
  EXPECT_THAT(
      why_not(signed_token(json::serialize(header), json::serialize(claims(kPresented)), thief),
              keys),
      HasSubstr("not by the issuer's key"));
  std::string changed = token(claims(kPresented), rsa_key());
  const std::size_t dot = changed.find('.');
  json::object other = claims(kPresented);
  other["sub"] = "machine-2";
  changed = changed.substr(0, dot + 1) + part(json::serialize(other)) +
            changed.substr(changed.rfind('.'));
  EXPECT_THAT(why_not(changed, keys), HasSubstr("not by the issuer's key"));
}

TEST(JsonWebToken, SignedWithThePublicKeyAsASecretDoesNotCount) {
  const JsonWebKeySet keys = keys_of({rsa_key().jwk()});
  const std::string pem = x509::pem_encode(x509::kPemPublicKey, rsa_key().key.public_key().spki());
  const std::string input =
      part(R"({"alg":"HS256","kid":"k1"})") + "." + part(json::serialize(claims(kPresented)));
  Bytes mac(32);
  unsigned size = 32;
  ::HMAC(::EVP_sha256(), pem.data(), static_cast<int>(pem.size()), as_bytes(input).data(),
         input.size(), mac.data(), &size);
  EXPECT_THAT(why_not(input + "." + to_base64url(mac), keys), HasSubstr("algorithm is none of"));
}

TEST(JsonWebToken, MustBeThreeStrictPartsOfBase64url) {
  const JsonWebKeySet keys = keys_of({rsa_key().jwk()});
  const std::string good = token(claims(kPresented), rsa_key());
  const std::size_t end = good.rfind('.');
  const struct {
    std::string text;
    const char* reason;
  } cases[] = {
      {"", "three parts"},
      {"a.b", "three parts"},
      {good + ".x", "three parts"},
      {good.substr(0, end), "three parts"},
      {good + "=", "signature is no base64url"},
      {good.substr(0, end + 1) + "+" + good.substr(end + 2), "signature is no base64url"},
      {" " + good, "header is no base64url"},
      {std::string(20'000, 'a'), "over 16 KiB"},
      {good.substr(0, end + 1), "not by the issuer's key"},
  };
  for (const auto& [text, reason] : cases) {
    EXPECT_THAT(why_not(text, keys), HasSubstr(reason)) << text.substr(0, 40);
  }
}

TEST(JsonWebToken, MustSayItsKeyWhereTheIssuerHasSeveral) {
  const IssuerKey other = IssuerKey::make("k2", "ES256");
  const std::string anonymous = with_header(R"({"alg":"RS256"})");
  EXPECT_EQ(why_not(anonymous, keys_of({rsa_key().jwk()})), "");
  EXPECT_THAT(why_not(anonymous, keys_of({rsa_key().jwk(), other.jwk()})),
              HasSubstr("which of the issuer's keys"));
}

TEST(JsonWebKeySet, LeavesOutKeysThatAreOfNoUse) {
  json::object symmetric{{"kty", "oct"}, {"kid", "k1"}, {"k", "c2VjcmV0"}};
  json::object encryption = rsa_key().jwk();
  encryption["use"] = "enc";
  json::object small = rsa_key().jwk();
  small["n"] = std::string(171, 'A');
  json::object off_curve = IssuerKey::make("e", "ES256").jwk();
  off_curve["y"] = off_curve["x"];
  json::object wrapping = rsa_key().jwk();
  wrapping["key_ops"] = json::array{"wrapKey"};
  EXPECT_EQ(keys_of({symmetric, encryption, small, off_curve, wrapping, rsa_key().jwk()}).size(),
            1U);
}

TEST(JsonWebKeySet, IsReadStrictly) {
  const std::string good = json::serialize(rsa_key().jwk());
  for (const auto& [text, reason] : {std::pair<std::string, const char*>{"", "key set"},
                                     {"{}", "no array 'keys'"},
                                     {R"({"keys":{}})", "no array 'keys'"},
                                     {R"({"keys":[]})", "no public key"},
                                     {R"({"keys":[1]})", "no object"},
                                     {R"({"keys":[],"keys":[)" + good + "]}", "twice"},
                                     {std::string(300'000, ' '), "over 256 KiB"}}) {
    const auto set = JsonWebKeySet::parse(text);
    ASSERT_FALSE(set) << text.substr(0, 40);
    EXPECT_THAT(set.error().detail, HasSubstr(reason)) << text.substr(0, 40);
  }
}

}  // namespace
}  // namespace countersign::ca
