#include "base/config_reader.h"

#include <toml++/toml.h>

#include <algorithm>
#include <set>
#include "base/clock.h"

namespace countersign {

struct ConfigDocument::Content {
  std::string file;
  toml::table root;
  std::vector<std::string> complaints;
};

struct ConfigTable::Node {
  ConfigDocument::Content* document;
  const toml::table* table;
  std::set<std::string, std::less<>> known;
};

namespace {

std::string place(const std::string& file, const toml::source_region& region) {
  return file + ":" + std::to_string(region.begin.line) + ":" + std::to_string(region.begin.column);
}

// Keys and values are quoted in complaints, and TOML lets them hold anything. One complaint is one
// line all the same, and no control sequence reaches a terminal.
std::string one_line(const std::string& text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      line.push_back(c);
    } else {
      line += "\\x";
      line.push_back(kDigits[byte >> 4U]);
      line.push_back(kDigits[byte & 15U]);
    }
  }
  return line;
}

// How many letters must change to make one word the other (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t d = distance(word, candidate);
    if (d < least) {
      least = d;
      best = candidate;
    }
  }
  return best;
}

namespace {

// The reader of TOML goes one call deeper for each part of a dotted key, without a bound: such a
// text would end the process.
constexpr std::size_t kMostDots = 1000;

// The quote that opens a string at the beginning of `text`: """, ''', ", ' or nothing.
std::string_view quote_at(std::string_view text) {
  for (const std::string_view quote : {"\"\"\"", "'''", "\"", "'"}) {
    if (text.starts_with(quote)) return quote;
  }
  return {};
}

// The line, from 1, of the first with more dots outside of strings and comments than any key needs;
// 0 if there is none.
std::size_t line_of_dots(std::string_view text) {
  std::size_t line = 1;
  std::size_t dots = 0;
  std::string_view quote;  // of the string that `at` is in
  bool comment = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') {
      ++line;
      dots = 0;
      comment = false;
      if (quote.size() == 1) quote = {};  // an error, which the reader of TOML names
    } else if (comment) {
      continue;
    } else if (!quote.empty()) {
      if (c == '\\' && quote.front() == '"') {
        ++at;
      } else if (text.substr(at).starts_with(quote)) {
        at += quote.size() - 1;
        quote = {};
      }
    } else if (c == '#') {
      comment = true;
    } else if (c == '.' && ++dots > kMostDots) {
      return line;
    } else if (quote = quote_at(text.substr(at)); !quote.empty()) {
      at += quote.size() - 1;
    }
  }
  return 0;
}

}  // namespace

ConfigDocument::ConfigDocument(std::unique_ptr<Content> content) : content_(std::move(content)) {}
ConfigDocument::ConfigDocument(ConfigDocument&&) noexcept = default;
ConfigDocument& ConfigDocument::operator=(ConfigDocument&&) noexcept = default;
ConfigDocument::~ConfigDocument() = default;

Result<ConfigDocument> ConfigDocument::parse(std::string_view text, const std::string& file) {
  if (const std::size_t line = line_of_dots(text); line > 0) {
    return fail(Code::malformed,
                file + ":" + std::to_string(line) + ":1: a key has too many parts.");
  }
  try {
    auto content = std::make_unique<Content>();
    content->file = file;
    content->root = toml::parse(text, file);
    return ConfigDocument(std::move(content));
  } catch (const toml::parse_error& error) {
    return fail(Code::malformed, place(file, error.source()) + ": this is not TOML: " +
                                     one_line(std::string(error.description())) + ".");
  }
}

ConfigTable ConfigDocument::root() {
  return ConfigTable(
      std::make_shared<ConfigTable::Node>(ConfigTable::Node{content_.get(), &content_->root, {}}));
}

const std::vector<std::string>& ConfigDocument::complaints() const { return content_->complaints; }

Result<void> ConfigDocument::finish() const {
  if (content_->complaints.empty()) return {};
  std::string all;
  for (const std::string& line : content_->complaints) all += (all.empty() ? "" : "\n") + line;
  return fail(Code::malformed, all);
}

ConfigTable::ConfigTable(std::shared_ptr<Node> node) : node_(std::move(node)) {}

std::string ConfigTable::where(std::string_view key) const {
  const toml::node* value = node_->table->get(key);
  return place(node_->document->file, value != nullptr ? value->source() : node_->table->source());
}

void ConfigTable::complain(std::string_view key, const std::string& text) {
  node_->document->complaints.push_back(where(key) + ": " + one_line(text));
}

bool ConfigTable::has(std::string_view key) {
  node_->known.emplace(key);
  return node_->table->contains(key);
}

bool ConfigTable::is_boolean(std::string_view key) {
  return has(key) && node_->table->get(key)->is_boolean();
}

std::optional<std::string> ConfigTable::text(std::string_view key) {
  if (!has(key)) return std::nullopt;
  auto value = node_->table->get(key)->value_exact<std::string>();
  if (!value) complain(key, "'" + std::string(key) + "' must be a text in quotes.");
  return value;
}

std::optional<bool> ConfigTable::boolean(std::string_view key) {
  if (!has(key)) return std::nullopt;
  auto value = node_->table->get(key)->value_exact<bool>();
  if (!value) complain(key, "'" + std::string(key) + "' must be true or false.");
  return value;
}

std::optional<std::int64_t> ConfigTable::integer(std::string_view key, std::int64_t low,
                                                 std::int64_t high) {
  if (!has(key)) return std::nullopt;
  auto value = node_->table->get(key)->value_exact<std::int64_t>();
  if (!value || *value < low || *value > high) {
    complain(key, "'" + std::string(key) + "' must be a whole number from " + std::to_string(low) +
                      " to " + std::to_string(high) + ".");
    return std::nullopt;
  }
  return value;
}

std::optional<std::chrono::seconds> ConfigTable::duration(std::string_view key) {
  if (!has(key)) return std::nullopt;
  const auto value = node_->table->get(key)->value_exact<std::string>();
  const auto parsed = value ? parse_duration(*value) : std::nullopt;
  if (!parsed) {
    complain(key,
             "'" + std::string(key) + "' must be a duration such as \"90d\", \"12h\" or \"30s\".");
  }
  return parsed;
}

std::optional<std::vector<std::string>> ConfigTable::texts(std::string_view key) {
  if (!has(key)) return std::nullopt;
  const toml::node* node = node_->table->get(key);
  std::vector<std::string> list;
  if (const auto one = node->value_exact<std::string>()) {
    list.push_back(*one);
    return list;
  }
  const toml::array* array = node->as_array();
  bool good = array != nullptr;
  if (good) {
    for (const toml::node& item : *array) {
      if (auto text = item.value_exact<std::string>()) {
        list.push_back(std::move(*text));
      } else {
        good = false;
      }
    }
  }
  if (!good) {
    complain(key, "'" + std::string(key) + "' must be a text or a list of texts.");
    return std::nullopt;
  }
  return list;
}

std::optional<ConfigTable> ConfigTable::table(std::string_view key) {
  if (!has(key)) return std::nullopt;
  const toml::table* table = node_->table->get(key)->as_table();
  if (table == nullptr) {
    complain(key, "'" + std::string(key) + "' must be a table.");
    return std::nullopt;
  }
  return ConfigTable(std::make_shared<Node>(Node{node_->document, table, {}}));
}

std::vector<ConfigTable> ConfigTable::tables(std::string_view key) {
  std::vector<ConfigTable> list;
  if (!has(key)) return list;
  const toml::array* array = node_->table->get(key)->as_array();
  if (array == nullptr || !array->is_homogeneous<toml::table>()) {
    complain(key, "'" + std::string(key) + "' must be written as [[" + std::string(key) + "]].");
    return list;
  }
  for (const toml::node& item : *array) {
    list.push_back(ConfigTable(std::make_shared<Node>(Node{node_->document, item.as_table(), {}})));
  }
  return list;
}

std::vector<std::string> ConfigTable::keys() {
  std::vector<std::pair<toml::source_position, std::string>> found;
  for (const auto& [key, value] : *node_->table) {
    node_->known.emplace(key.str());
    found.emplace_back(key.source().begin, key.str());
  }
  std::ranges::sort(found, [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> list;
  list.reserve(found.size());
  for (auto& [position, key] : found) list.push_back(std::move(key));
  return list;
}

void ConfigTable::done() {
  const std::vector<std::string> known(node_->known.begin(), node_->known.end());
  for (const auto& [key, value] : *node_->table) {
    if (node_->known.contains(key.str())) continue;
    const std::string near = nearest(key.str(), known);
    std::string hint = near.empty() ? "Known are:" : "Did you mean '" + near + "'?";
    if (near.empty()) {
      for (const std::string& name : known) hint += " " + name;
      hint += ".";
    }
    node_->document->complaints.push_back(
        place(node_->document->file, key.source()) + ": " +
        one_line("unknown key '" + std::string(key.str()) + "'. " + hint));
  }
}

}  // namespace countersign
