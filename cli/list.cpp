// countersign list
#include "base/clock.h"
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/queue.h"
#include "cli/queue_filter.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kNamesShown = 3;

struct Options {
  std::string state = "queued";
  bool requests = false;
  QueueFilter filter;
  std::string view, save, forget;
  bool views = false;
  bool json = false;
};

std::string age_of(const std::string& time, Timestamp now) {
  const auto then = parse_rfc3339(time);
  return then ? short_age(std::chrono::duration_cast<std::chrono::seconds>(now - *then)) : "";
}

// On a terminal a request for fifty names must not push the others off the screen.
std::string names_of(const json::value& row, bool aligned) {
  const auto* object = row.if_object();
  const auto* names = object != nullptr ? object->if_contains("names") : nullptr;
  if (!aligned || names == nullptr || !names->is_array() ||
      names->get_array().size() <= kNamesShown) {
    return member(row, "names");
  }
  const auto& list = names->get_array();
  const auto total = std::stoul(member(row, "names_total"));
  std::string text;
  for (std::size_t i = 0; i < kNamesShown; ++i) {
    text += std::string(list[i].as_string()) + ",";
  }
  return text + "+" + std::to_string(total - kNamesShown) + " more";
}

// Of several people who must approve it, those who have.
std::string why_it_waits(const json::value& row) {
  std::string why = member(row, "reason");
  const auto* approvals = row.as_object().if_contains("approvals");
  if (member(row, "state") != "queued" || approvals == nullptr || !approvals->is_array())
    return why;
  std::string people;
  for (const json::value& approval : approvals->get_array()) {
    people += (people.empty() ? "" : ", ") + member(approval, "person");
  }
  return people.empty() ? why : why + "; approved by " + people;
}

Row request_row(const json::value& row, Timestamp now, bool aligned) {
  return {member(row, "certname"), member(row, "state"), age_of(member(row, "created_at"), now),
          member(row, "source"),   member(row, "key"),   names_of(row, aligned),
          why_it_waits(row)};
}

Row certificate_row(const json::value& row, Timestamp now, bool aligned) {
  const std::string revoked = member(row, "revoked_at");
  const std::string why = revoked.empty() ? "until " + member(row, "not_after")
                                          : member(row, "revocation_reason") + " " + revoked;
  return {member(row, "certname"),
          member(row, "state"),
          age_of(member(row, "issued_at"), now),
          member(row, "serial"),
          member(row, "key"),
          names_of(row, aligned),
          why};
}

int show_views(const Options& options, const std::filesystem::path& file) {
  const Views views = load_views(file);
  json::array rows;
  std::vector<Row> lines;
  for (const auto& [name, filter] : views) {
    const std::string text = describe(filter);
    rows.push_back(json::object{{"name", name}, {"filter", text}});
    lines.push_back({name, text});
  }
  if (options.json) {
    print(json::serialize(rows) + "\n");
  } else {
    print(format_table({"VIEW", "CHOOSES"}, lines, output_is_terminal()));
  }
  return kDone;
}

int forget_view(const std::string& name, const std::filesystem::path& file) {
  Views views = load_views(file);
  if (std::erase_if(views, [&](const auto& view) { return view.first == name; }) == 0) {
    throw Failure(kNothing, "there is no view '" + escaped(name) + "' in " + file.string() + ".");
  }
  save_views(file, views);
  return kDone;
}

void save_view(const std::string& name, const QueueFilter& filter,
               const std::filesystem::path& file) {
  Views views = load_views(file);
  std::erase_if(views, [&](const auto& view) { return view.first == name; });
  views.emplace_back(name, filter);
  save_views(file, views);
  print_note("Saved as --view " + escaped(name) + " in " + file.string() + ".\n");
}

// The rows of a list, and whether they are requests.
std::string path_of(const Options& options, const QueueFilter& filter, bool requests) {
  QueueFilter for_certificates;
  for_certificates.match = filter.match;
  if (!requests && filter != for_certificates) {
    throw Failure(kUsage,
                  "certificates are filtered by --match only; add --requests to see the "
                  "requests that came to this state.");
  }
  return (requests ? "/v1/requests?state=" : "/v1/certificates?state=") + options.state +
         query_of(filter, system_clock().now());
}

int list(const Options& options, const std::string& client_file) {
  ClientConfig config = find_client_config(client_file);
  const std::filesystem::path file = config.views;
  if (options.views) return show_views(options, file);
  if (!options.forget.empty()) return forget_view(options.forget, file);
  const QueueFilter filter = with_view(file, options.view, options.filter);
  const bool requests = options.requests || options.state == "queued" ||
                        options.state == "denied" || options.state == "withdrawn";
  const std::string path = path_of(options, filter, requests);
  if (!options.save.empty()) save_view(options.save, filter, file);
  Client client(std::move(config));
  const json::array rows = client.all(path, requests ? "requests" : "certificates");
  if (options.json) {
    print(json::serialize(rows) + "\n");
    return kDone;
  }
  if (rows.empty()) {
    print_note("Nothing is " + options.state + (filter.chooses() ? " and matches" : "") + ".\n");
    return kDone;
  }
  const Timestamp now = system_clock().now();
  const bool aligned = output_is_terminal();
  std::vector<Row> lines;
  for (const auto& row : rows) {
    lines.push_back(requests ? request_row(row, now, aligned) : certificate_row(row, now, aligned));
  }
  print(
      format_table({"NAME", "STATE", "AGE", requests ? "SOURCE" : "SERIAL", "KEY", "NAMES", "WHY"},
                   lines, aligned));
  return kDone;
}

}  // namespace

void add_list(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("list", "Show what waits, or what there is");
  verb->add_option("--state", options->state, "What to show")
      ->check(CLI::IsMember({"queued", "signed", "denied", "revoked", "expired", "withdrawn"}))
      ->capture_default_str();
  verb->add_flag("--requests", options->requests,
                 "Requests also where the state is one of certificates: signed, expired");
  add_queue_filter(*verb, options->filter, true);
  verb->add_option("--view", options->view, "What was saved under this name");
  verb->add_option("--save", options->save, "Keep these filters and this order as a view");
  verb->add_flag("--views", options->views, "Show the views that are kept");
  verb->add_option("--forget", options->forget, "Keep this view no more");
  verb->add_flag("--json", options->json, "JSON instead of columns");
  on_chosen(*verb, invocation, options, list);
}

}  // namespace countersign::cli
