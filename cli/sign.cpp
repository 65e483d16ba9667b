// countersign sign
#include <algorithm>

#include "cli/client.h"
#include "cli/failure.h"
#include "cli/queue.h"
#include "cli/queue_choice.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

constexpr std::int64_t kDay = 86400;

struct Options {
  QueueChoice choice;
  bool as_previewed = false;
  bool authorization_extensions = false;
  bool reserved_names = false;
  bool preview = false;
  bool yes = false;
  bool json = false;

  // What an approval gives beyond the usual, as the server is told.
  json::object approval() const {
    json::object body;
    if (authorization_extensions) body["authorization_extensions"] = true;
    if (reserved_names) body["reserved_names"] = true;
    return body;
  }
};

std::string would_hold(const json::value& preview) {
  const auto* hold = preview.as_object().if_contains("would_hold");
  if (hold == nullptr || !hold->is_object()) return "nothing: " + member(preview, "refusal");
  const std::string names = member(*hold, "names");
  const std::string extensions = member(*hold, "extensions");
  return extensions.empty() ? names : names + " " + extensions;
}

std::string validity_of(const json::value& preview) {
  const auto* hold = preview.as_object().if_contains("would_hold");
  if (hold == nullptr || !hold->is_object()) return "";
  const std::int64_t seconds = hold->at("validity_seconds").to_number<std::int64_t>();
  return member(*hold, "profile") + " " +
         (seconds >= kDay ? std::to_string(seconds / kDay) + "d" : std::to_string(seconds) + "s");
}

// "1 of 2: alice"; "" where one is enough.
std::string approvals_of(const json::value& preview) {
  const std::string needed = member(preview, "approvals_needed");
  if (needed.empty() || needed == "1") return "";
  const auto* people = preview.as_object().if_contains("approved_by");
  const std::size_t given =
      people != nullptr && people->is_array() ? people->get_array().size() : 0;
  const std::string names = member(preview, "approved_by");
  return std::to_string(given) + " of " + needed + (names.empty() ? "" : ": " + names);
}

// Why it is not to be approved now; "" if it can be.
std::string obstacle(const json::value& preview) {
  for (const std::string& why :
       {problem_of(preview), member(preview, "refusal"), member(preview, "not_by_you")}) {
    if (!why.empty()) return why;
  }
  return "";
}

// In bulk nobody reads closely: what would hold more than its own name, or take the name from a
// machine that has it, is signed by name, or by who says that he has read the preview.
std::string held_back(const json::value& preview, const Options& options) {
  if (!options.choice.bulk() || options.as_previewed) return "";
  const std::string revokes = member(preview, "would_revoke");
  if (!revokes.empty()) return "it would revoke the live certificate of the name: " + revokes;
  const std::string hold = would_hold(preview);
  return hold == "DNS:" + member(preview, "certname") ? "" : "it would hold " + hold;
}

// Those that can be approved; the others are told of.
json::array sift(const json::array& previews, const Options& options, int& code) {
  json::array good;
  for (const json::value& preview : previews) {
    const std::string name = escaped(member(preview, "certname"));
    const std::string why = held_back(preview, options);
    if (const std::string wrong = obstacle(preview); !wrong.empty()) {
      print_note((name.empty() ? member(preview, "id") : name) + ": " + escaped(wrong) + "\n");
      code = kFailed;
    } else if (!why.empty()) {
      print_note(name + " is held back: " + escaped(why) +
                 ". Sign it by its name if that is right, or all that you were shown with "
                 "--as-previewed.\n");
      code = kFailed;
    } else {
      good.push_back(preview);
    }
  }
  return good;
}

std::string table_of(const json::array& previews, bool aligned) {
  std::vector<Row> lines;
  for (const json::value& preview : previews) {
    lines.push_back({member(preview, "certname"), member(preview, "key"), member(preview, "source"),
                     would_hold(preview), member(preview, "would_revoke"), validity_of(preview),
                     approvals_of(preview)});
  }
  return format_table({"NAME", "KEY", "SOURCE", "WILL HOLD", "REVOKES", "PROFILE", "APPROVALS"},
                      lines, aligned);
}

json::value approved_item(const json::value& preview) {
  return json::object{{"id", preview.at("id")}, {"if_match", preview.at("etag")}};
}

int approve(Client& client, const json::array& previews, const Options& options, int code) {
  const json::array results = in_bulk(client, "/v1/requests/approve", "results", "requests",
                                      previews, options.approval(), approved_item);
  json::array done;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const json::value& result = results[i];
    const std::string name = escaped(member(previews[i], "certname"));
    if (const std::string wrong = problem_of(result); !wrong.empty()) {
      print_note(name + ": " + escaped(wrong) + "\n");
      code = kFailed;
      continue;
    }
    const std::string missing = member(result, "approvals_missing");
    if (!options.json) {
      std::string line = name;
      line += missing == "0" ? "\tsigned\t" + member(result, "serial")
                             : "\tapproved\t" + missing + " more needed";
      print(line += "\n");
    }
    done.push_back(result);
  }
  if (options.json) print(json::serialize(done) + "\n");
  return code;
}

int sign(const Options& options, const std::string& client_file) {
  check_queue_choice(options.choice, "sign");
  if (options.choice.bulk() && (options.reserved_names || options.authorization_extensions)) {
    throw Failure(kUsage, "--reserved-names and --authorization-extensions go with names only.");
  }
  ClientConfig config = find_client_config(client_file);
  const std::filesystem::path views = config.views;
  Client client(std::move(config));
  int code = kDone;
  const json::array requests = chosen_requests(options.choice, views, client, code);
  const json::array previews = previews_of(client, requests, options.approval());
  if (options.preview && !previews.empty()) {
    print(options.json ? json::serialize(previews) + "\n"
                       : table_of(previews, output_is_terminal()));
  }
  const json::array good = sift(previews, options, code);
  if (previews.empty() && code == kDone) {
    print_note("Nothing waits to be signed.\n");
    return kNothing;
  }
  if (options.preview || good.empty()) return code;
  if (input_is_terminal() && !options.yes) {
    print_note(table_of(good, true));
    const std::size_t count = good.size();
    if (!confirmed("Sign " + std::to_string(count) +
                   (count == 1 ? " certificate?" : " certificates?"))) {
      print_note("Nothing was signed.\n");
      return kFailed;
    }
  }
  return approve(client, good, options, code);
}

}  // namespace

void add_sign(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("sign", "Approve requests that wait");
  add_queue_choice(*verb, options->choice,
                   "All that ask for no more than their own name and revoke nothing");
  verb->add_flag("--as-previewed", options->as_previewed,
                 "In bulk: also what would hold more than its own name, or revoke");
  verb->add_flag("--authorization-extensions", options->authorization_extensions,
                 "Give pp_authorization and pp_auth_role too, where they are asked for");
  verb->add_flag("--reserved-names", options->reserved_names,
                 "Sign by name what is held back: a name of the service, of an operator, or with a "
                 "dot at its end");
  verb->add_flag("--preview", options->preview,
                 "Show what each certificate would hold, and sign nothing");
  verb->add_flag("--yes", options->yes, "Do not ask");
  verb->add_flag("--json", options->json, "JSON instead of columns");
  on_chosen(*verb, invocation, options, sign);
}

}  // namespace countersign::cli
