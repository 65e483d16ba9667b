// What it costs on one core to verify an identity document.
//   identity_bench
// Prints a line for each kind: microseconds of one verification, p50 and p99.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <vector>

#include "ca/identity_providers.h"
#include "tests/ca/authority_fixture.h"
#include "tests/ca/token_maker.h"
#include "tests/x509/signed_data_maker.h"

namespace {

using namespace countersign;
using namespace countersign::ca;
using Steady = std::chrono::steady_clock;

std::string base64(ByteView bytes) {
  std::string text = x509::pem_encode("X", bytes);
  text = text.substr(text.find('\n'));
  return text.substr(0, text.find("-----"));
}

void measure(const char* what, const IdentityProviders& providers, const std::string& document) {
  constexpr std::size_t kTimes = 5000;
  std::vector<double> times;
  for (std::size_t i = 0; i < kTimes; ++i) {
    const auto begin = Steady::now();
    const Verification outcome = providers.verify(document);
    times.push_back(std::chrono::duration<double, std::micro>(Steady::now() - begin).count());
    if (!outcome.identity) {
      std::fprintf(stderr, "%s: %s\n", what, outcome.problem.c_str());
      std::exit(1);
    }
  }
  std::ranges::sort(times);
  std::printf("%-28s %8.0f %8.0f %8zu\n", what, times[kTimes / 2], times[kTimes * 99 / 100],
              document.size());
}

}  // namespace

int main() {
  const ca::testing::Folder folder;
  const ca::testing::FakeClock clock;
  const auto client = std::shared_ptr<const HttpsClient>(make_https_client());
  std::printf("%-28s %8s %8s %8s\n", "document", "p50 us", "p99 us", "bytes");

  const auto amazon = x509::testing::party("Amazon Web Services LLC");
  IdentitySettings aws;
  aws.name = "amazon";
  aws.certificates = folder.write("aws.pem", amazon.pem());
  x509::testing::SignedShape shape;
  shape.flags |= CMS_NOCERTS;
  measure("aws, RSA-2048", IdentityProviders({aws}, client, clock),
          "aws:" + base64(x509::testing::sign_data(
                       R"({"accountId":"123456789012","architecture":"x86_64",
"availabilityZone":"eu-west-1b","billingProducts":null,"imageId":"ami-5fb8c835",
"instanceId":"i-0123456789abcdef0","instanceType":"t2.micro","kernelId":null,
"pendingTime":"2026-06-01T11:59:00Z","privateIp":"10.158.112.84","region":"eu-west-1",
"version":"2017-09-30"})",
                       amazon, shape)));
  for (const char* algorithm : {"RS256", "ES256", "ES384"}) {
    const auto key = ca::testing::IssuerKey::make("k", algorithm);
    IdentitySettings oidc;
    oidc.name = "cloud";
    oidc.kind = IdentitySettings::Kind::oidc;
    oidc.issuer = "https://issuer.example.com";
    oidc.audience = "https://ca.example.com";
    oidc.jwks_file = folder.write(algorithm, ca::testing::key_set({key.jwk()}));
    measure((std::string("token, ") + algorithm).c_str(), IdentityProviders({oidc}, client, clock),
            "jwt:" + ca::testing::token(ca::testing::claims(clock.now()), key));
  }
  return 0;
}
