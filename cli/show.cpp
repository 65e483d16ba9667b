// `countersign show`: a request or a certificate, the trace of its decision and its history.
#include <iostream>

#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/table.h"
#include "cli/trace_text.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

bool is_request_id(const std::string& what) {
  return what.size() == 26 &&
         what.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") == std::string::npos;
}

bool is_serial(const std::string& what) {
  return what.size() >= 16 && what.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

json::value get_or_null(Client& client, const std::string& path) {
  Client::Reply reply = client.call("GET", path);
  if (reply.status == 200) return std::move(reply.body);
  if (reply.status == 404) return nullptr;
  return client.must("GET", path);  // throws what the server says
}

// Everything of a name: {"requests": […], "certificates": […], "history": […]}.
json::object look_up(Client& client, const std::string& what) {
  json::object found;
  json::array requests;
  json::array certificates;
  std::string name = what;
  if (is_request_id(what)) {
    json::value request = get_or_null(client, "/v1/requests/" + what);
    if (!request.is_null()) {
      name = member(request, "certname");
      requests.push_back(std::move(request));
    }
  } else if (is_serial(what)) {
    json::value certificate = get_or_null(client, "/v1/certificates/" + what);
    if (!certificate.is_null()) {
      name = member(certificate, "certname");
      certificates.push_back(std::move(certificate));
    }
  }
  if (requests.empty() && certificates.empty()) {
    std::string exact;
    for (const char c : name) {
      if (c == '.' || c == '*' || c == '+' || c == '(' || c == '[' || c == '\\') exact += "\\";
      exact.push_back(c);
    }
    for (const auto& row :
         client.all("/v1/requests?match=" + Client::encode("^" + exact + "$"), "requests")) {
      requests.push_back(client.must("GET", "/v1/requests/" + member(row, "id")));
    }
    certificates = client.all("/v1/certificates?certname=" + Client::encode(name), "certificates");
  }
  found["name"] = name;
  found["requests"] = std::move(requests);
  found["certificates"] = std::move(certificates);
  found["history"] =
      client.must("GET", "/v1/history?limit=100&subject=" + Client::encode(name)).at("history");
  return found;
}

void print_fields(const json::value& row, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const std::string value = member(row, key);
    if (value.empty()) continue;
    std::string label = key;
    label.resize(20, ' ');
    std::cout << "  " << label << printable(value) << "\n";
  }
}

}  // namespace

int show(const ShowOptions& options) {
  return guarded("show", [&]() -> int {
    Client client = Client::open(options.client);
    const json::object found = look_up(client, options.what);
    const auto& requests = found.at("requests").as_array();
    const auto& certificates = found.at("certificates").as_array();
    if (requests.empty() && certificates.empty()) {
      throw Failure{kNothing, "there is no request or certificate '" + printable(options.what) +
                                  "'. `countersign list` shows what waits."};
    }
    if (options.json) {
      std::cout << json::serialize(found) << "\n";
      return kDone;
    }
    for (const auto& row : requests) {
      std::cout << "request " << printable(member(row, "certname")) << "\n";
      print_fields(row, {"id", "state", "reason", "rule", "source", "caller", "key", "names",
                         "created_at", "decided_at", "decided_by", "serial"});
      std::cout << "  how it was decided\n" << trace_text(row.at("trace"), "    ");
    }
    for (const auto& row : certificates) {
      std::cout << "certificate " << printable(member(row, "certname")) << "\n";
      print_fields(row, {"serial", "state", "current", "not_before", "not_after", "profile", "rule",
                         "key", "names", "revoked_at", "revocation_reason", "fingerprint_sha256"});
    }
    std::cout << "history\n";
    for (const auto& row : found.at("history").as_array()) {
      std::cout << "  " << member(row, "at") << "  " << printable(member(row, "action")) << " by "
                << printable(member(row, "actor")) << " " << printable(member(row, "detail"))
                << "\n";
    }
    return kDone;
  });
}

}  // namespace countersign::cli
