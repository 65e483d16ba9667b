#include <set>

#include "api/rest/route.h"
#include "tests/api/api_fixture.h"

namespace countersign::api {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
namespace json = boost::json;

class OpenApi : public ApiTest {
 protected:
  json::object document() {
    serve();
    const Response response = rest_call("GET", "/v1/openapi.json", "", As::anonymous);
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.content_type, "application/json");
    return json(response);
  }
  // Calls `visit` with every member of every object below.
  template <class Visit>
  static void walk(const json::value& value, Visit visit) {
    if (const auto* object = value.if_object()) {
      for (const auto& [key, member] : *object) {
        visit(std::string_view(key.data(), key.size()), member);
        walk(member, visit);
      }
    } else if (const auto* array = value.if_array()) {
      for (const auto& item : *array) walk(item, visit);
    }
  }
};

TEST_F(OpenApi, EveryRouteThatIsMountedIsInItAndTheReverse) {
  std::set<std::string> documented;
  const json::object whole = document();
  for (const auto& [path, item] : whole.at("paths").as_object()) {
    for (const auto& [method, operation] : item.as_object()) {
      std::string name(method.data(), method.size());
      for (char& c : name) c = static_cast<char>(c - 'a' + 'A');
      documented.insert(name + " " + std::string(path.data(), path.size()));
    }
  }
  Router router;
  mount_rest(router, *authority, settings);
  std::set<std::string> mounted;
  for (const auto& route : router.routes()) mounted.insert(route.method + " " + route.pattern);
  EXPECT_EQ(documented, mounted);
  EXPECT_EQ(mounted.size(), rest_routes().size());
}

TEST_F(OpenApi, OperationsAreNamedOnceAndEveryReferenceResolves) {
  const json::object whole = document();
  EXPECT_TRUE(whole.at("openapi").as_string().starts_with("3.1."));
  const json::object& schemas = whole.at("components").as_object().at("schemas").as_object();
  std::set<std::string> operations;
  std::set<std::string> used;
  walk(json::value(whole), [&](std::string_view key, const json::value& value) {
    if (key == "operationId") {
      EXPECT_TRUE(operations.insert(std::string(value.as_string())).second) << value;
    }
    if (key != "$ref") return;
    static constexpr std::string_view kPlace = "#/components/schemas/";
    const std::string target(value.as_string());
    ASSERT_TRUE(target.starts_with(kPlace)) << target;
    EXPECT_TRUE(schemas.contains(target.substr(kPlace.size()))) << target;
    used.insert(target.substr(kPlace.size()));
  });
  EXPECT_EQ(operations.size(), rest_routes().size());
  EXPECT_EQ(used.size(), schemas.size()) << "a schema that nothing uses";
}

TEST_F(OpenApi, EveryParameterOfAPathIsDeclared) {
  const json::object whole = document();
  for (const auto& [path, item] : whole.at("paths").as_object()) {
    const auto wanted = std::count(path.begin(), path.end(), '{');
    for (const auto& [method, operation] : item.as_object()) {
      std::ptrdiff_t declared = 0;
      if (const auto* parameters = operation.as_object().if_contains("parameters")) {
        for (const auto& one : parameters->as_array()) {
          declared += one.at("in").as_string() == "path" ? 1 : 0;
        }
      }
      EXPECT_EQ(declared, wanted) << path;
    }
  }
}

TEST_F(OpenApi, AnswersHoldNothingThatTheDocumentDoesNotName) {
  const json::object whole = document();
  const auto known = [&](const char* schema, const Response& response) {
    const auto& properties =
        whole.at("components").at("schemas").at(schema).at("properties").as_object();
    const json::object answer = json(response);
    for (const auto& [key, value] : answer) {
      EXPECT_TRUE(properties.contains(key)) << schema << "." << key;
    }
  };
  const Response submitted = submit_rest(csr("web-1.example.com"));
  known("Request", submitted);
  known("Request", rest_call("GET", "/v1/requests/" + text(json(submitted), "id")));
  known("Certificate", rest_call("GET", "/v1/certificates/" + text(json(submitted), "serial")));
  known("RequestPage", rest_call("GET", "/v1/requests"));
  known("CertificatePage", rest_call("GET", "/v1/certificates"));
  known("Token", rest_call("POST", "/v1/tokens", R"({"role":"auditor"})"));
  known("AuditPage", rest_call("GET", "/v1/audit"));
  known("AuditCheckpointPage", rest_call("GET", "/v1/audit/checkpoints"));
  known("TokenList", rest_call("GET", "/v1/tokens"));
  known("History", rest_call("GET", "/v1/history"));
  known("Health", rest_call("GET", "/v1/health/ready"));
  known("Problem", rest_call("GET", "/v1/none"));
  known("Decision", rest_call("POST", "/v1/policy/explain",
                              json::serialize(json::object{{"csr", csr("web-1.example.com")}})));
}

}  // namespace
}  // namespace countersign::api
