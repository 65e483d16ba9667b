#include "cli/queue_filter.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "base/config_reader.h"
#include "base/file_system.h"
#include "cli/client.h"
#include "cli/failure.h"

namespace countersign::cli {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLargestFile = std::size_t{64} << 10U;

struct Field {
  const char* key;  // of views.toml
  std::string QueueFilter::*value;
};
constexpr auto kFields = std::to_array<Field>({{"match", &QueueFilter::match},
                                               {"rule", &QueueFilter::rule},
                                               {"profile", &QueueFilter::profile},
                                               {"key", &QueueFilter::key},
                                               {"source", &QueueFilter::source},
                                               {"older_than", &QueueFilter::older_than},
                                               {"newer_than", &QueueFilter::newer_than},
                                               {"sort", &QueueFilter::sort}});

std::string time_ago(const std::string& age, const char* option, Timestamp now) {
  const auto parsed = parse_duration(age);
  if (!parsed) {
    throw Failure(kUsage, std::string(option) + " is a duration such as 30m, 2h or 7d.");
  }
  return to_rfc3339(now - *parsed);
}

std::string quoted(const std::string& text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += std::string("\\") + c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += std::string("\\u00") + kDigits[byte / 16] + kDigits[byte % 16];
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

}  // namespace

bool QueueFilter::chooses() const {
  return std::ranges::any_of(kFields, [this](const Field& field) {
    return field.value != &QueueFilter::sort && !(this->*field.value).empty();
  });
}

void add_queue_filter(CLI::App& verb, QueueFilter& filter, bool sorted) {
  verb.add_option("--match", filter.match,
                  "Only names in which this regular expression (RE2) is found");
  verb.add_option("--rule", filter.rule, "Only what this rule put into the queue");
  verb.add_option("--profile", filter.profile, "Only what would get this profile");
  verb.add_option("--key", filter.key, "Only keys of this kind, such as ec:P-256 or rsa:2048");
  verb.add_option("--source", filter.source, "Only what came from this address or range");
  verb.add_option("--older-than", filter.older_than, "Only what waits for longer, such as 2h");
  verb.add_option("--newer-than", filter.newer_than, "Only what came since, such as 30m");
  if (!sorted) return;
  verb.add_option("--sort", filter.sort,
                  "created (oldest first), -created, or certname (of the queue)")
      ->check(CLI::IsMember({"created", "-created", "certname"}));
}

std::string query_of(const QueueFilter& filter, Timestamp now) {
  std::string query;
  const auto add = [&query](const char* name, const std::string& value) {
    if (!value.empty()) query += "&" + std::string(name) + "=" + url_encoded(value);
  };
  add("match", filter.match);
  add("rule", filter.rule);
  add("profile", filter.profile);
  add("key", filter.key);
  add("source", filter.source);
  if (!filter.older_than.empty()) {
    add("created_before", time_ago(filter.older_than, "--older-than", now));
  }
  if (!filter.newer_than.empty()) {
    add("created_after", time_ago(filter.newer_than, "--newer-than", now));
  }
  add("sort", filter.sort);
  return query;
}

std::string describe(const QueueFilter& filter) {
  std::string text;
  for (const Field& field : kFields) {
    if ((filter.*field.value).empty()) continue;
    std::string option = field.key;
    std::ranges::replace(option, '_', '-');
    text += (text.empty() ? "--" : " --") + option + "=" + filter.*field.value;
  }
  return text;
}

Views load_views(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return {};
  const std::string text = required(system_files().read(file, kLargestFile), kUsage);
  auto document = required(ConfigDocument::parse(text, file.string()), kUsage);
  ConfigTable root = document.root();
  Views views;
  for (const std::string& name : root.keys()) {
    auto table = root.table(name);
    if (!table) continue;
    QueueFilter filter;
    for (const Field& field : kFields) filter.*field.value = table->text(field.key).value_or("");
    table->done();
    views.emplace_back(name, std::move(filter));
  }
  root.done();
  required(document.finish(), kUsage);
  return views;
}

void save_views(const fs::path& file, const Views& views) {
  std::string text;
  for (const auto& [name, filter] : views) {
    text += "[" + quoted(name) + "]\n";
    for (const Field& field : kFields) {
      const std::string& value = filter.*field.value;
      if (!value.empty()) text += std::string(field.key) + " = " + quoted(value) + "\n";
    }
    text += "\n";
  }
  const fs::path fresh = file.string() + ".new";
  std::ofstream(fresh, std::ios::binary) << text << std::flush;
  std::error_code error;
  if (fs::file_size(fresh, error) != text.size() || error) {
    throw Failure(kFailed, "cannot write " + fresh.string() + ".");
  }
  fs::rename(fresh, file, error);
  if (error) throw Failure(kFailed, "cannot write " + file.string() + ".");
}

QueueFilter with_view(const fs::path& file, const std::string& name, const QueueFilter& given) {
  if (name.empty()) return given;
  const Views views = load_views(file);
  const auto found =
      std::ranges::find_if(views, [&](const auto& view) { return view.first == name; });
  if (found == views.end()) {
    throw Failure(kUsage, "there is no view '" + name + "' in " + file.string() +
                              ". `countersign list --views` names those that are.");
  }
  QueueFilter filter = found->second;
  for (const Field& field : kFields) {
    if (!(given.*field.value).empty()) filter.*field.value = given.*field.value;
  }
  return filter;
}

}  // namespace countersign::cli
