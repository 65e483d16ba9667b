// countersign sign
#include <algorithm>

#include "cli/client.h"
#include "cli/failure.h"
#include "cli/queue.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

struct Options {
  std::vector<std::string> names;
  bool all = false;
  std::string match;
  bool authorization_extensions = false;
  bool reserved_names = false;
  bool yes = false;
  bool json = false;
};

// The request with what its certificate would hold.
json::value whole(Client& client, const json::value& row) {
  return client.must("GET", "/v1/requests/" + member(row, "id"));
}

std::string would_hold(const json::value& request) {
  const auto* hold = request.as_object().if_contains("would_hold");
  if (hold == nullptr || !hold->is_object()) return "nothing: " + member(request, "refusal");
  const std::string names = member(*hold, "names");
  const std::string extensions = member(*hold, "extensions");
  return extensions.empty() ? names : names + " " + extensions;
}

bool holds_only_its_name(const json::value& request) {
  return would_hold(request) == "DNS:" + member(request, "certname");
}

// Serials of the live certificates of the name that the signature revokes; "" for none.
std::string would_revoke(const json::value& request) {
  const auto* list = request.as_object().if_contains("would_revoke");
  std::string text;
  if (list == nullptr || !list->is_array()) return text;
  for (const json::value& serial : list->get_array()) {
    if (serial.is_string()) text += (text.empty() ? "" : " ") + std::string(serial.get_string());
  }
  return text;
}

// In bulk nobody reads closely: what would hold more than its own name, or take the name from a
// machine that has it, is signed by name only.
json::array select_in_bulk(Client& client, const Options& options, int& code) {
  std::string path = "/v1/requests?state=queued";
  if (!options.match.empty()) path += "&match=" + url_encoded(options.match);
  json::array chosen;
  for (const json::value& row : client.all(path, "requests")) {
    json::value request = whole(client, row);
    const std::string revokes = would_revoke(request);
    if (revokes.empty() && holds_only_its_name(request)) {
      chosen.push_back(std::move(request));
      continue;
    }
    const std::string why = revokes.empty()
                                ? "it would hold " + would_hold(request)
                                : "it would revoke the live certificate of the name: " + revokes;
    print_note(escaped(member(request, "certname")) + " is held back: " + escaped(why) +
               ". Sign it by its name if that is right.\n");
    code = kFailed;
  }
  return chosen;
}

json::array select_by_name(Client& client, const Options& options, int& code) {
  json::array chosen;
  for (const json::value& row : queued_by_name(client, options.names, code)) {
    chosen.push_back(whole(client, row));
  }
  return chosen;
}

std::string preview(const json::array& requests, const Options& options) {
  std::vector<Row> lines;
  for (const json::value& request : requests) {
    const bool refused = !member(request, "refusal").empty();
    lines.push_back({member(request, "certname"), member(request, "key"), member(request, "source"),
                     refused && (options.authorization_extensions || options.reserved_names)
                         ? "all that it asks for, as the flags allow"
                         : would_hold(request),
                     would_revoke(request)});
  }
  return format_table({"NAME", "KEY", "SOURCE", "WILL HOLD", "REVOKES"}, lines, true);
}

int sign(const Options& options, const std::string& client_file) {
  const bool bulk = options.all || !options.match.empty();
  if (bulk == !options.names.empty()) {
    throw Failure(kUsage, "name the requests to sign, or give --all or --match.");
  }
  if (bulk && (options.reserved_names || options.authorization_extensions)) {
    throw Failure(kUsage, "--reserved-names and --authorization-extensions go with names only.");
  }
  Client client(find_client_config(client_file));
  int code = kDone;
  const json::array requests =
      bulk ? select_in_bulk(client, options, code) : select_by_name(client, options, code);
  if (requests.empty()) {
    if (code != kDone) return code;
    print_note("Nothing waits to be signed.\n");
    return kNothing;
  }
  if (input_is_terminal() && !options.yes) {
    print_note(preview(requests, options));
    const std::size_t count = requests.size();
    if (!confirmed("Sign " + std::to_string(count) +
                   (count == 1 ? " certificate?" : " certificates?"))) {
      print_note("Nothing was signed.\n");
      return kFailed;
    }
  }
  json::object approval;
  if (options.authorization_extensions) approval["authorization_extensions"] = true;
  if (options.reserved_names) approval["reserved_names"] = true;
  json::array done;
  for (const json::value& request : requests) {
    const auto reply =
        client.call("POST", "/v1/requests/" + member(request, "id") + "/approve", approval);
    if (!reply.done()) {
      print_note(escaped(member(request, "certname")) + ": " + escaped(reply.problem()) + "\n");
      code = kFailed;
      continue;
    }
    if (!options.json) {
      print(escaped(member(request, "certname")) + "\tsigned\t" + member(reply.body, "serial") +
            "\n");
    }
    done.push_back(reply.body);
  }
  if (options.json) print(json::serialize(done) + "\n");
  return code;
}

}  // namespace

void add_sign(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("sign", "Approve requests that wait");
  verb->add_option("name", options->names, "Certnames");
  verb->add_flag("--all", options->all,
                 "All that ask for no more than their own name and revoke nothing");
  verb->add_option("--match", options->match,
                   "The same, for names in which this regular expression (RE2) is found");
  verb->add_flag("--authorization-extensions", options->authorization_extensions,
                 "Give pp_authorization and pp_auth_role too, where they are asked for");
  verb->add_flag("--reserved-names", options->reserved_names,
                 "Sign by name what is held back: a name of the service, of an operator, or with a "
                 "dot at its end");
  verb->add_flag("--yes", options->yes, "Do not ask");
  verb->add_flag("--json", options->json, "JSON instead of columns");
  on_chosen(*verb, invocation, options, sign);
}

}  // namespace countersign::cli
