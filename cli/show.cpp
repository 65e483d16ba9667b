// countersign show: a request or a certificate, the trace of its decision and its history.
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/queue.h"
#include "cli/terminal.h"
#include "cli/trace_text.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

struct Options {
  std::string what;
  bool json = false;
};

bool is_request_id(const std::string& what) {
  return what.size() == 26 &&
         what.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") == std::string::npos;
}

bool is_serial(const std::string& what) {
  return what.size() >= 16 && what.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

// Null if there is no such thing.
json::value look_up(Client& client, const std::string& path) {
  Client::Reply reply = client.call("GET", path);
  if (reply.done()) return std::move(reply.body);
  if (reply.status == 404) return nullptr;
  throw Failure(kFailed, reply.problem());
}

struct Found {
  std::string name;
  json::array requests;
  json::array certificates;
  json::array history;
};

Found find(Client& client, const std::string& what) {
  Found found{.name = what, .requests = {}, .certificates = {}, .history = {}};
  const auto take = [&found](json::value row, json::array& list) {
    if (row.is_null()) return;
    found.name = member(row, "certname");
    list.push_back(std::move(row));
  };
  if (is_request_id(what)) take(look_up(client, "/v1/requests/" + what), found.requests);
  if (is_serial(what)) take(look_up(client, "/v1/certificates/" + what), found.certificates);
  if (found.requests.empty() && found.certificates.empty()) {
    for (const auto& row : client.all("/v1/requests?certname=" + url_encoded(what), "requests")) {
      found.requests.push_back(client.must("GET", "/v1/requests/" + member(row, "id")));
    }
    found.certificates =
        client.all("/v1/certificates?certname=" + url_encoded(what), "certificates");
  }
  const json::value history =
      client.must("GET", "/v1/history?limit=100&subject=" + url_encoded(found.name));
  found.history = history.at("history").as_array();
  return found;
}

std::string fields(const json::value& row, std::initializer_list<const char*> keys) {
  std::string text;
  for (const char* key : keys) {
    const std::string value = member(row, key);
    if (value.empty()) continue;
    std::string label = key;
    label.resize(20, ' ');
    text += "  " + label + escaped(value) + "\n";
  }
  return text;
}

// What the machine proved, or why its document was refused.
std::string identity_text(const json::value& row) {
  const auto* identity = row.as_object().if_contains("identity");
  if (identity == nullptr || !identity->is_object()) return "";
  std::string text = "  identity document of " + escaped(member(*identity, "provider")) + "\n" +
                     fields(*identity, {"problem", "subject"});
  for (const auto& [claim, value] : identity->at("claims").as_object()) {
    text += "    " + escaped(claim) + " = " + escaped(json::serialize(value)) + "\n";
  }
  return text;
}

std::string approvals_text(const json::value& row) {
  const std::string needed = member(row, "approvals_needed");
  if (needed.empty() || needed == "1") return "";
  std::string text = "  approvals, of " + needed + " that it needs\n";
  for (const json::value& approval : row.at("approvals").as_array()) {
    text += "    " + escaped(member(approval, "person")) + ", as " +
            escaped(member(approval, "credential")) + ", " + member(approval, "at") + "\n";
  }
  return text;
}

std::string request_text(const json::value& row) {
  std::string text = "request " + escaped(member(row, "certname")) + "\n" +
                     fields(row, {"id", "state", "reason", "rule", "source", "caller", "key",
                                  "names", "created_at", "decided_at", "decided_by", "serial"});
  const auto* hold = row.as_object().if_contains("would_hold");
  if (hold != nullptr && hold->is_object()) {
    text += "  an approval would let it hold\n";
    for (const char* kind : {"names", "extensions"}) {
      const std::string held = member(*hold, kind);
      if (!held.empty()) text += "    " + escaped(held) + "\n";
    }
    const std::string revokes = member(row, "would_revoke");
    if (!revokes.empty()) text += "  and would revoke " + escaped(revokes) + "\n";
  }
  text += approvals_text(row) + fields(row, {"refusal", "not_by_you"}) + identity_text(row);
  return text + "  how it was decided\n" + trace_text(row.at("trace"), "    ");
}

std::string certificate_text(const json::value& row) {
  return "certificate " + escaped(member(row, "certname")) + "\n" +
         fields(row, {"serial", "state", "current", "not_before", "not_after", "profile", "rule",
                      "key", "names", "revoked_at", "revocation_reason", "fingerprint_sha256"});
}

std::string history_text(const json::array& history) {
  std::string text = "history, newest first\n";
  for (const auto& row : history) {
    text += "  " + member(row, "at") + "  " + escaped(member(row, "action")) + " by " +
            escaped(member(row, "actor"));
    const auto* detail = row.as_object().if_contains("detail");
    if (detail != nullptr && detail->is_object()) {
      for (const auto& [key, value] : detail->get_object()) {
        const std::string shown = member(*detail, std::string(key).c_str());
        if (!shown.empty()) text += "  " + escaped(std::string(key)) + "=" + escaped(shown);
      }
    }
    text += "\n";
  }
  return text;
}

int show(const Options& options, const std::string& client_file) {
  Client client(find_client_config(client_file));
  const Found found = find(client, options.what);
  if (found.requests.empty() && found.certificates.empty()) {
    throw Failure(kNothing, "there is no request or certificate '" + escaped(options.what) +
                                "'. `countersign list` shows what waits.");
  }
  if (options.json) {
    const json::object all{{"name", found.name},
                           {"requests", found.requests},
                           {"certificates", found.certificates},
                           {"history", found.history}};
    print(json::serialize(all) + "\n");
    return kDone;
  }
  for (const auto& row : found.requests) print(request_text(row));
  for (const auto& row : found.certificates) print(certificate_text(row));
  print(history_text(found.history));
  return kDone;
}

}  // namespace

void add_show(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("show", "Everything about one name, serial or request");
  verb->add_option("what", options->what, "Certname, serial in hexadecimal, or request id")
      ->required();
  verb->add_flag("--json", options->json, "JSON");
  on_chosen(*verb, invocation, options, show);
}

}  // namespace countersign::cli
