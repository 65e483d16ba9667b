// The OpenAPI 3.1 document, made from the table of routes.
#include <algorithm>
#include <array>
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
  all["Submission"] = object_of({{"csr", text}, {"token", text}, {"identity", text}}, {"csr"});
  all["TraceStep"] = object_of({{"rule", text},
                                {"matched", flag},
                                {"condition", text},
                                {"detail", text},
                                {"last_rule", text},
                                {"rules", number}});
  all["Failure"] = object_of({{"condition", text}, {"found", text}, {"needed", text}});
  all["Nearest"] = object_of({{"rule", text},
                              {"action", text},
                              {"advice", text},
                              {"failures", list_of(reference("Failure"))}});
  all["WouldHold"] = object_of({{"names", list_of(text)},
                                {"extensions", list_of(text)},
                                {"profile", text},
                                {"validity_seconds", number}});
  all["GivenApproval"] = object_of({{"person", text}, {"credential", text}, {"at", text}});
  all["ItemProblem"] = object_of({{"type", text}, {"status", number}, {"detail", text}});
  all["Request"] = object_of({{"id", text},
                              {"certname", text},
                              {"state", text},
                              {"reason", text},
                              {"rule", text},
                              {"source", text},
                              {"caller", text},
                              {"key", text},
                              {"names", list_of(text)},
                              {"names_total", number},
                              {"token", text},
                              {"created_at", text},
                              {"decided_at", maybe("string")},
                              {"decided_by", text},
                              {"serial", text},
                              {"trace", list_of(reference("TraceStep"))},
                              {"identity", maybe("object")},
                              {"would_hold", reference_or_null("WouldHold")},
                              {"refusal", maybe("string")},
                              {"would_revoke", list_of(text)},
                              {"approvals_needed", number},
                              {"approvals", list_of(reference("GivenApproval"))},
                              {"approved_by", list_of(text)},
                              {"approvals_missing", number},
                              {"not_by_you", maybe("string")},
                              {"etag", text},
                              {"csr", maybe("string")},
                              {"csr_withheld", text},
                              {"certificate", text},
                              {"chain", text}},
                             {"id", "certname", "state"});
  all["RequestPage"] =
      object_of({{"requests", list_of(reference("Request"))}, {"next_cursor", maybe("string")}});
  all["Approval"] = object_of({{"subject_alt_names", flag},
                               {"authorization_extensions", flag},
                               {"reserved_names", flag},
                               {"validity_seconds", number},
                               {"if_match", text}});
  // A request, or the id of one and what is wrong with it.
  const json::value item = json::object{
      {"oneOf", json::array{reference("Request"),
                            object_of({{"id", text}, {"problem", reference("ItemProblem")}},
                                      {"id", "problem"})}}};
  all["PreviewOrder"] = object_of({{"ids", list_of(text)},
                                   {"subject_alt_names", flag},
                                   {"authorization_extensions", flag},
                                   {"reserved_names", flag},
                                   {"validity_seconds", number}},
                                  {"ids"});
  all["Previews"] = object_of({{"previews", list_of(item)}}, {"previews"});
  all["BulkApproval"] = object_of(
      {{"requests", list_of(object_of({{"id", text}, {"if_match", text}}, {"id", "if_match"}))},
       {"subject_alt_names", flag},
       {"authorization_extensions", flag},
       {"reserved_names", flag},
       {"validity_seconds", number}},
      {"requests"});
  all["BulkDenial"] = object_of({{"ids", list_of(text)}, {"reason", text}}, {"ids", "reason"});
  all["Results"] = object_of({{"results", list_of(item)}}, {"results"});
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
                                  {"names_total", number},
                                  {"revoked_at", maybe("string")},
                                  {"revocation_reason", maybe("string")},
                                  {"fingerprint_sha256", maybe("string")},
                                  {"certificate", maybe("string")}},
                                 {"serial", "certname", "state"});
  all["CertificatePage"] = object_of(
      {{"certificates", list_of(reference("Certificate"))}, {"next_cursor", maybe("string")}});
  all["NameRevocation"] = object_of({{"certname", text}, {"reason", text}}, {"certname"});
  all["Revoked"] = object_of({{"revoked", number}});
  all["Names"] = object_of({{"certnames", list_of(text)}}, {"certnames"});
  all["Cleaned"] = object_of({{"cleaned", list_of(text)}, {"not_found", list_of(text)}});
  all["Explain"] =
      object_of({{"csr", text}, {"source", text}, {"identity", text}, {"token", text}}, {"csr"});
  all["Decision"] = object_of({{"action", text},
                               {"rule", text},
                               {"reason", text},
                               {"profile", text},
                               {"certname", text},
                               {"names", list_of(text)},
                               {"names_total", number},
                               {"extensions", list_of(text)},
                               {"reuse", text},
                               {"approvals_needed", number},
                               {"token", object_of({{"id", text}, {"problem", text}})},
                               {"limits", list_of(reference("LimitUse"))},
                               {"trace", list_of(reference("TraceStep"))},
                               {"nearest", reference_or_null("Nearest")}});
  all["ReloadOrder"] = object_of({{"force", of_type("boolean")}, {"sha256", text}});
  all["PolicyReload"] = object_of({{"sha256", text},
                                   {"rules", number},
                                   {"forced", of_type("boolean")},
                                   {"requests", number},
                                   {"changed", number}});
  all["ReplayOrder"] =
      object_of({{"policy", text}, {"since", text}, {"cursor", text}}, {"policy", "since"});
  all["Outcome"] = object_of({{"action", text}, {"rule", text}});
  all["ReplayGroup"] = object_of({{"was", reference("Outcome")},
                                  {"now", reference("Outcome")},
                                  {"reason", text},
                                  {"requests", number},
                                  {"names", list_of(text)}});
  all["Replay"] = object_of({{"examined", number},
                             {"unreadable", number},
                             {"changed", number},
                             {"groups", list_of(reference("ReplayGroup"))},
                             {"left_out", number},
                             {"notes", list_of(text)},
                             {"next_cursor", maybe("string")}});
  all["LimitUse"] = object_of({{"limit", text}, {"used", number}, {"free_at", maybe("string")}});
  all["AccessTokenOrder"] = object_of({{"role", text},
                                       {"label", text},
                                       {"lifetime_seconds", number},
                                       {"scope", reference("Scope")}},
                                      {"role"});
  // What a credential is narrowed to; one of the lists at least.
  all["Scope"] = object_of({{"certnames", list_of(text)}, {"rules", list_of(text)}});
  // One of the first three says what names it is for.
  all["EnrolmentTokenOrder"] = object_of({{"certname", text},
                                          {"certnames", list_of(text)},
                                          {"certname_regex", text},
                                          {"uses", number},
                                          {"dns", list_of(text)},
                                          {"ip", list_of(text)},
                                          {"extensions", of_type("object")},
                                          {"source", list_of(text)},
                                          {"key_sha256", text},
                                          {"profile", text},
                                          {"rules", list_of(text)},
                                          {"label", text},
                                          {"lifetime_seconds", number}});
  all["TokenOrder"] = json::object{
      {"oneOf", json::array{reference("AccessTokenOrder"), reference("EnrolmentTokenOrder")}}};
  all["EnrolmentToken"] = object_of({{"id", text},
                                     {"certname", text},
                                     {"state", text},
                                     {"bounds", of_type("object")},
                                     {"label", text},
                                     {"uses", number},
                                     {"used", number},
                                     {"created_by", text},
                                     {"created_at", text},
                                     {"expires_at", text},
                                     {"revoked_at", maybe("string")},
                                     {"token", text}});
  all["EnrolmentTokenPage"] = object_of(
      {{"tokens", list_of(reference("EnrolmentToken"))}, {"next_cursor", maybe("string")}});
  all["NewToken"] = json::object{
      {"oneOf",
       json::array{reference("Token"), reference("EnrolmentToken"),
                   object_of({{"tokens", list_of(reference("EnrolmentToken"))}}, {"tokens"})}}};
  all["Token"] = object_of({{"id", text},
                            {"role", text},
                            {"label", text},
                            {"scope", maybe("object")},
                            {"created_by", text},
                            {"created_at", text},
                            {"expires_at", maybe("string")},
                            {"revoked_at", maybe("string")},
                            {"token", text}});
  all["Hook"] = object_of({{"hook", text},
                           {"waiting", number},
                           {"delivered", number},
                           {"given_up", number},
                           {"dropped", number},
                           {"oldest", maybe("string")},
                           {"last_error", text}});
  all["HookList"] = object_of({{"hooks", list_of(reference("Hook"))}});
  all["TokenList"] = object_of({{"tokens", list_of(reference("Token"))}});
  all["History"] = object_of({{"history", list_of(of_type("object"))}});
  all["AuditRow"] = object_of({{"sequence", number},
                               {"at", text},
                               {"action", text},
                               {"actor", text},
                               {"source", text},
                               {"subject", text},
                               {"serial", text},
                               {"detail", text},
                               {"request_id", text},
                               {"hash", text}});
  all["AuditPage"] =
      object_of({{"audit", list_of(reference("AuditRow"))}, {"next_cursor", maybe("string")}});
  all["AuditCheckpoint"] = object_of({{"checkpoint", object_of({{"sequence", number},
                                                                {"hash", text},
                                                                {"at", text},
                                                                {"key", text},
                                                                {"signature", text}})}});
  all["AuditCheckpointPage"] = object_of(
      {{"checkpoints", list_of(reference("AuditCheckpoint"))}, {"next_cursor", maybe("string")}});
  all["Health"] = object_of({{"status", text},
                             {"problems", list_of(text)},
                             {"warnings", list_of(text)},
                             {"policy", of_type("object")}});
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

// Answers that are also there in another form, by Accept.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kOtherTypes = {
    {{"getCertificate", "application/x-pem-file"}, {"getCrl", "application/pkix-crl"}}};

json::object operation_of(const RestRoute& route) {
  json::object success{{"description", "Done."}};
  if (!route.answer.empty()) success["content"] = content_of(route.answer);
  for (const auto& [name, type] : kOtherTypes) {
    if (name != route.operation) continue;
    success["content"].get_object()[{type.data(), type.size()}] =
        json::object{{"schema", of_type("string")}};
  }
  json::object responses{{std::to_string(route.status), std::move(success)}};
  if (route.operation == "getReady") {
    responses["503"] =
        json::object{{"description", "Not ready, and why."}, {"content", content_of("Health")}};
  }
  if (route.operation == "submitRequest") {
    responses["202"] = json::object{{"description", "Queued for an operator."},
                                    {"content", content_of("Request")}};
  }
  if (route.operation == "approveRequest") {
    responses["202"] = json::object{{"description", "Kept; other people must approve it too."},
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

Answer get_openapi(Call) {
  static const std::string text = json::serialize(document());
  Response response;
  response.content_type = "application/json";
  response.body = text;
  co_return response;
}

}  // namespace countersign::api
