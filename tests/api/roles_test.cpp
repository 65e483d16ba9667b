// Every role on every route: what is mounted is walked, and a route that the tables here do not
// know fails.
#include "ca/permissions.h"

#include <map>

#include "api/rest/route.h"
#include "tests/api/api_fixture.h"

namespace countersign::api {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

struct Try {
  ca::Action action;
  const char* body;
};

// One call or more of each route that is not for anyone, each with the one action that it is. They
// are about things that are not there: whoever may is told so, whoever may not is told that.
const std::multimap<std::string_view, Try>& tries() {
  using ca::Action;
  static const std::multimap<std::string_view, Try> all = {
      {"submitRequest", {Action::submit, R"({"csr":"none"})"}},
      {"listRequests", {Action::read_all, ""}},
      {"getRequest", {Action::read_own, ""}},
      {"approveRequest", {Action::decide, "{}"}},
      {"denyRequest", {Action::decide, R"({"reason":"x"})"}},
      {"previewRequests", {Action::read_all, R"({"ids":["none"]})"}},
      {"approveRequests", {Action::decide, R"({"requests":[]})"}},
      {"denyRequests", {Action::decide, R"({"ids":[],"reason":"x"})"}},
      {"listCertificates", {Action::read_all, ""}},
      {"getCertificate", {Action::read_own, ""}},
      {"revokeCertificate", {Action::revoke, "{}"}},
      {"revokeName", {Action::revoke, R"({"certname":"none"})"}},
      {"cleanNames", {Action::revoke, R"({"certnames":["none"]})"}},
      {"getHistory", {Action::read_all, ""}},
      {"listAudit", {Action::read_all, ""}},
      {"listAuditCheckpoints", {Action::read_all, ""}},
      {"listHooks", {Action::read_all, ""}},
      {"explainPolicy", {Action::explain, R"({"csr":"none"})"}},
      {"replayPolicy", {Action::replay, R"({"policy":"","since":"1d"})"}},
      {"reloadPolicy", {Action::reload_policy, "{}"}},
      {"listTokens", {Action::administer_tokens, ""}},
      {"createToken", {Action::administer_tokens, R"({"role":"auditor"})"}},
      {"createToken", {Action::mint, R"({"certname":"none"})"}},
      {"listEnrolmentTokens", {Action::read_all, ""}},
      {"revokeToken", {Action::administer_tokens, ""}},
      {"getMetrics", {Action::read_metrics, ""}},
  };
  return all;
}

class Roles : public ApiTest {
 protected:
  void SetUp() override {
    for (const ca::Role role : ca::kRoles) {
      if (role == ca::Role::anonymous || role == ca::Role::agent) continue;
      config.standings[std::string(to_string(role)) + "-person"] = {role, nullptr};
    }
    config.puppet.allow_auto_renewal = true;
    serve();
  }
  Request as(ca::Role role, const std::string& method, const std::string& target,
             const std::string& body) const {
    Request made = request(method, target, body, As::anonymous);
    made.headers.emplace_back("Content-Type", "application/json");
    if (role == ca::Role::agent) made.client_certificate = node_certificate;
    if (role != ca::Role::anonymous && role != ca::Role::agent) {
      made.client_certificate = client(std::string(to_string(role)) + "-person", false);
    }
    return made;
  }
  std::size_t refusals() {
    store::AuditQuery query;
    query.action = "refuse";
    query.limit = 1000;
    return store.audit_rows(query).value().rows.size();
  }
  // Asserts that a call is refused, and audited, exactly if the table says so.
  void expect(const Handler& handler, ca::Role role, bool may, const std::string& method,
              const std::string& target, const std::string& body) {
    SCOPED_TRACE(std::string(to_string(role)) + " " + method + " " + target + " " + body);
    clock.advance(std::chrono::hours(1));  // the account of refusals is filled again
    const std::size_t before = refusals();
    const Response response = call(handler, as(role, method, target, body));
    const bool refused = response.status == 401 || response.status == 403;
    EXPECT_EQ(refused, !may) << response.status << " " << response.body;
    EXPECT_EQ(refusals() > before, !may);
    EXPECT_NE(response.status, 500U) << response.body;
    EXPECT_NE(response.status, 405U);
  }
  static std::string path_of(std::string_view pattern) {
    std::string path(pattern);
    for (const auto& [name, value] :
         {std::pair<std::string, std::string>{"{id}", "none"}, {"{serial}", "AB"}}) {
      if (const auto at = path.find(name); at != std::string::npos) {
        path.replace(at, name.size(), value);
      }
    }
    return path;
  }
};

TEST_F(Roles, OnEveryRouteOfRestMayDoWhatTheTableSays) {
  for (const RestRoute& route : rest_routes()) {
    const auto [first, last] = tries().equal_range(route.operation);
    if (route.actions.empty()) {
      EXPECT_EQ(first, last) << route.operation;
      for (const ca::Role role : ca::kRoles) {
        expect(rest, role, true, std::string(route.method), path_of(route.pattern), "");
      }
      continue;
    }
    EXPECT_NE(first, last) << "no try of " << route.operation;
    for (auto one = first; one != last; ++one) {
      EXPECT_NE(std::ranges::find(route.actions, one->second.action), route.actions.end())
          << route.operation;
      for (const ca::Role role : ca::kRoles) {
        expect(rest, role, allowed(role, one->second.action), std::string(route.method),
               path_of(route.pattern), one->second.body);
      }
    }
  }
}

TEST_F(Roles, WhoMayNotIsToldBeforeAnythingIsReadOfTheCall) {
  for (const RestRoute& route : rest_routes()) {
    for (const ca::Role role : ca::kRoles) {
      const auto may = [role](ca::Action action) { return allowed(role, action); };
      if (route.actions.empty() || std::ranges::any_of(route.actions, may)) continue;
      expect(rest, role, false, std::string(route.method), path_of(route.pattern), "{{{ no JSON");
    }
  }
}

TEST_F(Roles, OnEveryPathOfPuppetMayDoWhatTheTableSays) {
  using ca::Action;
  const std::tuple<const char*, const char*, const char*, Action> cases[] = {
      {"GET", "certificate/none", "", Action::read_own},
      {"GET", "certificate/ca", "", Action::read_own},
      {"GET", "certificate_revocation_list/ca", "", Action::read_own},
      {"PUT", "certificate_revocation_list", "none", Action::upload_crls},
      {"GET", "certificate_request/none", "", Action::read_own},
      {"PUT", "certificate_request/none", "none", Action::submit},
      {"GET", "certificate_status/none", "", Action::read_all},
      {"PUT", "certificate_status/none", R"({"desired_state":"signed"})", Action::decide},
      {"PUT", "certificate_status/none", R"({"desired_state":"revoked"})", Action::revoke},
      {"DELETE", "certificate_status/none", "", Action::revoke},
      {"GET", "certificate_statuses/all", "", Action::read_all},
      {"GET", "expirations", "", Action::read_expirations},
      {"PUT", "clean", R"({"certnames":["none"]})", Action::revoke},
      {"POST", "sign", R"({"certnames":[]})", Action::decide},
      {"POST", "sign/all", "", Action::decide},
  };
  for (const auto& [method, path, body, action] : cases) {
    for (const ca::Role role : ca::kRoles) {
      // A name that is asked for is one that nothing is known of, so that 404 and 400 are "may".
      // A refused upload is audited as well as one that may not be made.
      if (action == Action::upload_crls && allowed(role, action)) continue;
      expect(puppet, role, allowed(role, action), method, std::string("/puppet-ca/v1/") + path,
             body);
    }
  }
}

TEST_F(Roles, OfPeopleAreWhatTheConfigurationSays) {
  for (const ca::Role role : ca::kRoles) {
    if (role == ca::Role::anonymous || role == ca::Role::agent) continue;
    const auto who = authority->identify_certificate(
        *client(std::string(to_string(role)) + "-person", true), "192.0.2.1", "id");
    EXPECT_EQ(who.role, role);
  }
}

}  // namespace
}  // namespace countersign::api
