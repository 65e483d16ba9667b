#include "cli/puppet_settings.h"

#include <algorithm>
#include <array>

#include "base/clock.h"

namespace countersign::cli {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// Which of two sections wins for a server; 0: not the server's.
int rank(std::string_view section) {
  if (section == "server") return 3;
  if (section == "master") return 2;
  return section == "main" ? 1 : 0;
}

// The words and signs of HOCON, as far as plain values need them.
class HoconReader {
 public:
  explicit HoconReader(std::string_view text) : text_(text) {}

  SettingsFile read() {
    while (skip_blanks(), at_ < text_.size()) {
      if (text_[at_] == '}' || text_[at_] == ']') {
        close();
      } else if (text_[at_] == '{' || text_[at_] == '[') {
        open({});
      } else {
        read_field();
      }
    }
    if (!path_.empty()) complain("a brace is not closed; was the file cut off?");
    return std::move(found_);
  }

 private:
  static constexpr std::size_t kDeepest = 64;

  void complain(const char* text) { found_.damage.push_back({"", line_, text}); }

  void skip_blanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool comment = c == '#' || text_.substr(at_).starts_with("//");
      if (comment) {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (kBlanks.find(c) != std::string_view::npos || c == ',') {
        line_ += c == '\n' ? 1 : 0;
        ++at_;
      } else {
        return;
      }
    }
  }

  void open(std::string key) {
    if (path_.size() == kDeepest) {
      complain("it is nested too deeply.");
      at_ = text_.size();
      path_.clear();
      return;
    }
    ++at_;
    path_.push_back(std::move(key));
  }

  void close() {
    ++at_;
    if (path_.empty()) return complain("a brace is closed that was not opened.");
    path_.pop_back();
  }

  // Up to a sign that ends a key or a value, or what is in quotes.
  std::string read_word(std::string_view ends) {
    if (text_[at_] != '"') {
      const std::size_t start = at_;
      while (at_ < text_.size() && ends.find(text_[at_]) == std::string_view::npos &&
             !text_.substr(at_).starts_with("//")) {
        ++at_;
      }
      return std::string(trimmed(text_.substr(start, at_ - start)));
    }
    std::string word;
    for (++at_; at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
      word.push_back(text_[at_]);
    }
    if (at_ < text_.size() && text_[at_] == '"') {
      ++at_;
    } else {
      complain("a quote is not closed.");
    }
    return word;
  }

  void read_field() {
    const std::size_t start = at_;
    std::string key = read_word("{}[]:=,#\n");
    skip_blanks();
    if (at_ == start) ++at_;  // a sign that begins nothing
    const bool has_sign = at_ < text_.size() && (text_[at_] == ':' || text_[at_] == '=');
    if (has_sign) {
      ++at_;
      skip_blanks();
    }
    if (at_ >= text_.size()) return complain("the file ends in the middle of a setting.");
    if (text_[at_] == '{' || text_[at_] == '[') return open(std::move(key));
    // An element of a list stands alone.
    if (!has_sign || text_[at_] == '}' || text_[at_] == ']') return;
    keep(key, read_word("{}[],#\n"));
  }

  void keep(const std::string& key, std::string value) {
    static constexpr std::string_view kRoot = "certificate-authority.";
    std::string path;
    for (const std::string& part : path_) path += part.empty() ? "" : part + ".";
    path += key;
    if (!path.starts_with(kRoot)) return;
    path.erase(0, kRoot.size());
    if (path.find('.') == std::string::npos) found_.values[path] = std::move(value);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::vector<std::string> path_;
  SettingsFile found_;
};

}  // namespace

SettingsFile parse_puppet_conf(std::string_view text) {
  SettingsFile file;
  std::map<std::string, int> ranks;
  int section = rank("main");  // what stands before the first section is main's
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = trimmed(take_line(text));
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[') {
      const std::size_t end = line.find(']');
      if (end == std::string_view::npos) {
        file.damage.push_back({"", number, "the section's name is not closed."});
      } else {
        section = rank(trimmed(line.substr(1, end - 1)));
      }
      continue;
    }
    const std::size_t sign = line.find('=');
    const std::string key(trimmed(line.substr(0, sign)));
    if (sign == std::string_view::npos || key.empty() ||
        !std::all_of(key.begin(), key.end(), name_character)) {
      file.damage.push_back({"", number, "this is neither `[section]` nor `setting = value`."});
      continue;
    }
    std::string_view value = trimmed(line.substr(sign + 1));
    if (value.ends_with('}') && value.find('{') != std::string_view::npos &&
        value[value.find('{') - (value.find('{') > 0 ? 1 : 0)] != '$') {
      value = trimmed(value.substr(0, value.find('{')));
    }
    if (section == 0 || section < ranks[key]) continue;
    ranks[key] = section;
    file.values[key] = std::string(value);
  }
  return file;
}

SettingsFile parse_ca_conf(std::string_view text) { return HoconReader(text).read(); }

std::string expand_setting(std::string_view text,
                           const std::map<std::string, std::string>& values) {
  std::string out;
  while (!text.empty()) {
    const std::size_t sign = text.find('$');
    out += text.substr(0, sign);
    if (sign == std::string_view::npos) break;
    text.remove_prefix(sign);
    const bool braces = text.size() > 1 && text[1] == '{';
    std::size_t end = braces ? 2 : 1;
    while (end < text.size() && name_character(text[end])) ++end;
    const auto found =
        values.find(std::string(text.substr(braces ? 2 : 1, end - (braces ? 2 : 1))));
    const bool closed = !braces || (end < text.size() && text[end] == '}');
    if (braces && closed) ++end;
    out += found != values.end() && closed ? found->second : std::string(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

std::string convert_duration(std::string_view text) {
  std::string joined;
  std::ranges::copy_if(text, std::back_inserter(joined), [](char c) { return c != ' '; });
  const bool number = !joined.empty() && joined.find_first_not_of("0123456789") == joined.npos;
  if (number) joined += "s";
  const auto seconds = parse_duration(joined);
  return seconds && seconds->count() > 0 ? joined : std::string();
}

}  // namespace countersign::cli
