#include "cli/table.h"

#include <unistd.h>

#include <algorithm>

#include "base/bytes.h"

namespace countersign::cli {

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += "\\x" + to_hex(std::span(&byte, 1));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string format_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows, bool terminal) {
  std::string out;
  if (!terminal) {
    for (const auto& row : rows) {
      for (std::size_t i = 0; i < row.size(); ++i) out += (i > 0 ? "\t" : "") + printable(row[i]);
      out += "\n";
    }
    return out;
  }
  std::vector<std::vector<std::string>> lines = {header};
  for (const auto& row : rows) {
    auto& line = lines.emplace_back();
    for (const std::string& cell : row) line.push_back(printable(cell));
  }
  std::vector<std::size_t> widths(header.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      // The last column is as long as it is: padding it would only wrap the line.
      if (i + 1 < line.size()) text.append(widths[i] - line[i].size() + 2, ' ');
    }
    out += text + "\n";
  }
  return out;
}

std::string age(Timestamp then, Timestamp now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - then).count();
  if (seconds < 0) return "0s";
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 7200) return std::to_string(seconds / 60) + "m";
  if (seconds < 172800) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

std::string member(const boost::json::value& row, const char* key) {
  const auto* value = row.is_object() ? row.get_object().if_contains(key) : nullptr;
  if (value == nullptr || value->is_null()) return "";
  if (value->is_string()) return std::string(value->get_string());
  if (!value->is_array()) return boost::json::serialize(*value);
  std::string text;
  for (const auto& item : value->get_array()) {
    text += (text.empty() ? "" : ",") +
            (item.is_string() ? std::string(item.get_string()) : boost::json::serialize(item));
  }
  return text;
}

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

}  // namespace countersign::cli
