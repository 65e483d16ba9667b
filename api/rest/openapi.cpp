// The table of routes, and the OpenAPI 3.1 document that is made from it.
#include <algorithm>
#include <boost/json.hpp>

#include "api/rest/json_form.h"
#include "api/rest/route.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

json::value of_type(std::string_view type) { return json::object{{"type", type}}; }
json::value list_of(json::value item) {
  return json::object{{"type", "array"}, {"items", std::move(item)}};
}
json::value maybe(std::string_view type) {
  return json::object{{"type", json::array{json::string_view(type.data(), type.size()), "null"}}};
}
json::value reference(std::string_view schema) {
  return json::object{{"$ref", "#/components/schemas/" + std::string(schema)}};
}

json::value reference_or_null(std::string_view schema) {
  return json::object{{"oneOf", json::array{reference(schema), of_type("null")}}};
}

json::value object_of(std::initializer_list<std::pair<std::string_view, json::value>> members,
                      std::initializer_list<json::value_ref> required = {}) {
  json::object properties;
  for (const auto& [name, type] : members) properties[{name.data(), name.size()}] = type;
  json::object schema{{"type", "object"}, {"properties", std::move(properties)}};
  if (required.size() > 0) schema["required"] = json::array(required);
  return schema;
}

json::object schemas() {
  const json::value text = of_type("string");
  const json::value number = of_type("integer");
  const json::value flag = of_type("boolean");
  json::object all;
  all["Problem"] = object_of(
      {{"type", text}, {"title", text}, {"status", number}, {"detail", text}, {"request_id", text}},
      {"type", "title", "status"});
  all["Submission"] = object_of({{"csr", text}}, {"csr"});
  all["TraceStep"] =
      object_of({{"rule", text}, {"matched", flag}, {"condition", text}, {"detail", text}});
  all["WouldHold"] = object_of({{"names", list_of(text)}, {"extensions", list_of(text)}});
  all["Request"] = object_of({{"id", text},
                              {"certname", text},
                              {"state", text},
                              {"reason", text},
                              {"rule", text},
                              {"source", text},
                              {"caller", text},
                              {"key", text},
                              {"names", list_of(text)},
                              {"created_at", text},
                              {"decided_at", maybe("string")},
                              {"decided_by", text},
                              {"serial", text},
                              {"trace", list_of(reference("TraceStep"))},
                              {"would_hold", reference_or_null("WouldHold")},
                              {"refusal", maybe("string")},
                              {"csr", text},
                              {"certificate", text},
                              {"chain", text}},
                             {"id", "certname", "state"});
  all["RequestPage"] =
      object_of({{"requests", list_of(reference("Request"))}, {"next_cursor", maybe("string")}});
  all["Approval"] = object_of({{"subject_alt_names", flag},
                               {"authorization_extensions", flag},
                               {"validity_seconds", number}});
  all["Reason"] = object_of({{"reason", text}});
  all["Certificate"] = object_of({{"serial", text},
                                  {"certname", text},
                                  {"state", text},
                                  {"current", flag},
                                  {"not_before", text},
                                  {"not_after", text},
                                  {"issued_at", text},
                                  {"profile", text},
                                  {"rule", text},
                                  {"key", text},
                                  {"names", list_of(text)},
                                  {"revoked_at", maybe("string")},
                                  {"revocation_reason", maybe("string")},
                                  {"fingerprint_sha256", text},
                                  {"certificate", text}},
                                 {"serial", "certname", "state"});
  all["CertificatePage"] = object_of(
      {{"certificates", list_of(reference("Certificate"))}, {"next_cursor", maybe("string")}});
  all["NameRevocation"] = object_of({{"certname", text}, {"reason", text}}, {"certname"});
  all["Revoked"] = object_of({{"revoked", number}});
  all["Names"] = object_of({{"certnames", list_of(text)}}, {"certnames"});
  all["Cleaned"] = object_of({{"cleaned", list_of(text)}, {"not_found", list_of(text)}});
  all["Explain"] = object_of({{"csr", text}, {"source", text}}, {"csr"});
  all["Decision"] = object_of({{"action", text},
                               {"rule", text},
                               {"reason", text},
                               {"profile", text},
                               {"certname", text},
                               {"names", list_of(text)},
                               {"extensions", list_of(text)},
                               {"trace", list_of(reference("TraceStep"))}});
  all["TokenOrder"] =
      object_of({{"role", text}, {"label", text}, {"lifetime_seconds", number}}, {"role"});
  all["Token"] = object_of({{"id", text},
                            {"role", text},
                            {"label", text},
                            {"created_by", text},
                            {"created_at", text},
                            {"expires_at", maybe("string")},
                            {"revoked_at", maybe("string")},
                            {"token", text}});
  all["TokenList"] = object_of({{"tokens", list_of(reference("Token"))}});
  all["History"] = object_of({{"history", list_of(of_type("object"))}});
  all["Health"] =
      object_of({{"status", text}, {"problems", list_of(text)}, {"policy", of_type("object")}});
  all["Document"] = of_type("object");
  return all;
}

json::object content_of(std::string_view answer) {
  const bool media = answer.find('/') != std::string_view::npos;
  json::object type{{"schema", media ? of_type("string") : reference(answer)}};
  return {{media ? json::string_view(answer.data(), answer.size()) : "application/json",
           std::move(type)}};
}

json::array parameters_of(const RestRoute& route) {
  json::array list;
  for (std::size_t at = route.pattern.find('{'); at != std::string_view::npos;
       at = route.pattern.find('{', at + 1)) {
    const std::size_t end = route.pattern.find('}', at);
    list.push_back(json::object{{"name", route.pattern.substr(at + 1, end - at - 1)},
                                {"in", "path"},
                                {"required", true},
                                {"schema", of_type("string")}});
  }
  for (const std::string_view name : route.query) {
    list.push_back(json::object{{"name", name},
                                {"in", "query"},
                                {"schema", of_type(name == "limit" ? "integer" : "string")}});
  }
  return list;
}

json::object operation_of(const RestRoute& route) {
  json::object success{{"description", "Done."}};
  if (!route.answer.empty()) success["content"] = content_of(route.answer);
  json::object responses{{std::to_string(route.status), std::move(success)}};
  if (route.operation == "submitRequest") {
    responses["202"] = json::object{{"description", "Queued for an operator."},
                                    {"content", content_of("Request")}};
  }
  responses["default"] = json::object{
      {"description", "What went wrong (RFC 9457)."},
      {"content",
       json::object{{"application/problem+json", json::object{{"schema", reference("Problem")}}}}}};
  json::object operation{{"operationId", route.operation},
                         {"summary", route.summary},
                         {"responses", std::move(responses)}};
  json::array parameters = parameters_of(route);
  if (!parameters.empty()) operation["parameters"] = std::move(parameters);
  if (!route.body.empty()) {
    json::object content = content_of(route.body);
    if (route.operation == "submitRequest") {
      content["application/pkcs10"] = json::object{{"schema", of_type("string")}};
    }
    operation["requestBody"] = json::object{{"content", std::move(content)}};
  }
  return operation;
}

json::object document() {
  json::object paths;
  for (const RestRoute& route : rest_routes()) {
    std::string method(route.method);
    std::ranges::transform(method, method.begin(),
                           [](char c) { return static_cast<char>(c - 'A' + 'a'); });
    json::value& path = paths[{route.pattern.data(), route.pattern.size()}];
    if (!path.is_object()) path = json::object();
    path.get_object()[method] = operation_of(route);
  }
  return {
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", "countersign"},
                            {"version", COUNTERSIGN_VERSION},
                            {"license", json::object{{"name", "See the project"}}}}},
      {"servers", json::array{json::object{{"url", "/"}}}},
      {"security", json::array{json::object(), json::object{{"bearer", json::array()}},
                               json::object{{"certificate", json::array()}}}},
      {"paths", std::move(paths)},
      {"components",
       json::object{{"schemas", schemas()},
                    {"securitySchemes",
                     json::object{{"bearer", json::object{{"type", "http"}, {"scheme", "bearer"}}},
                                  {"certificate", json::object{{"type", "mutualTLS"}}}}}}}};
}

}  // namespace

const std::vector<RestRoute>& rest_routes() {
  static const std::vector<RestRoute> routes = {
      {"POST",
       "/v1/requests",
       "submitRequest",
       "Hand in a CSR; the same one again gets the same answer",
       {},
       "Submission",
       201,
       "Request",
       false,
       post_request},
      {"GET",
       "/v1/requests",
       "listRequests",
       "Requests in order of arrival",
       {"state", "match", "limit", "cursor"},
       "",
       200,
       "RequestPage",
       false,
       list_requests},
      {"GET",
       "/v1/requests/{id}",
       "getRequest",
       "One request and its outcome",
       {},
       "",
       200,
       "Request",
       false,
       get_request},
      {"POST",
       "/v1/requests/{id}/approve",
       "approveRequest",
       "Sign a queued request",
       {},
       "Approval",
       200,
       "Request",
       false,
       approve_request},
      {"POST",
       "/v1/requests/{id}/deny",
       "denyRequest",
       "Refuse a queued request",
       {},
       "Reason",
       200,
       "Request",
       false,
       deny_request},
      {"GET",
       "/v1/certificates",
       "listCertificates",
       "Certificates in order of issue",
       {"certname", "state", "expires_before", "match", "limit", "cursor"},
       "",
       200,
       "CertificatePage",
       false,
       list_certificates},
      {"GET",
       "/v1/certificates/{serial}",
       "getCertificate",
       "One certificate, as JSON or PEM",
       {},
       "",
       200,
       "Certificate",
       false,
       get_certificate},
      {"POST",
       "/v1/certificates/{serial}/revoke",
       "revokeCertificate",
       "Revoke one certificate",
       {},
       "Reason",
       200,
       "Certificate",
       false,
       revoke_certificate},
      {"POST",
       "/v1/revoke",
       "revokeName",
       "Revoke every live certificate of a name",
       {},
       "NameRevocation",
       200,
       "Revoked",
       false,
       revoke_name},
      {"POST",
       "/v1/clean",
       "cleanNames",
       "Revoke, and free the names for new requests",
       {},
       "Names",
       200,
       "Cleaned",
       false,
       clean_names},
      {"GET",
       "/v1/ca/chain",
       "getChain",
       "The CA certificates, issuing CA first",
       {},
       "",
       200,
       "application/x-pem-file",
       false,
       get_chain},
      {"GET",
       "/v1/crl",
       "getCrl",
       "The CRLs as PEM, ours first; or ours as DER",
       {},
       "",
       200,
       "application/x-pem-file",
       false,
       get_crl},
      {"GET",
       "/v1/history",
       "getHistory",
       "Audit rows about a name or a token, newest first",
       {"subject", "limit"},
       "",
       200,
       "History",
       false,
       get_history},
      {"POST",
       "/v1/policy/explain",
       "explainPolicy",
       "What policy would decide, and why",
       {},
       "Explain",
       200,
       "Decision",
       false,
       explain_policy},
      {"GET",
       "/v1/tokens",
       "listTokens",
       "Bearer tokens, without their secrets",
       {},
       "",
       200,
       "TokenList",
       false,
       list_tokens},
      {"POST",
       "/v1/tokens",
       "createToken",
       "Make a bearer token; its secret is shown once",
       {},
       "TokenOrder",
       201,
       "Token",
       false,
       post_token},
      {"POST",
       "/v1/tokens/{id}/revoke",
       "revokeToken",
       "End a bearer token",
       {},
       "",
       204,
       "",
       false,
       revoke_token},
      {"GET",
       "/v1/health/live",
       "getLive",
       "Does the process answer?",
       {},
       "",
       200,
       "Health",
       true,
       get_live},
      {"GET",
       "/v1/health/ready",
       "getReady",
       "Can it issue?",
       {},
       "",
       200,
       "Health",
       true,
       get_ready},
      {"GET",
       "/v1/openapi.json",
       "getOpenApi",
       "This document",
       {},
       "",
       200,
       "Document",
       true,
       get_openapi},
      {"GET",
       "/metrics",
       "getMetrics",
       "Prometheus text format",
       {},
       "",
       200,
       "text/plain",
       false,
       get_metrics},
  };
  return routes;
}

Answer get_openapi(Call) {
  static const std::string text = json::serialize(document());
  Response response;
  response.content_type = "application/json";
  response.body = text;
  co_return response;
}

}  // namespace countersign::api
