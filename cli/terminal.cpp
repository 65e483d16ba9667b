#include "cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <span>

namespace countersign::cli {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t size = 0;  // 0: not UTF-8
};

// One character of UTF-8 (RFC 3629), or size 0.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t size = 0;
  std::uint32_t least = 0;
  if (lead >= 0xC2 && lead < 0xE0) {
    size = 2;
    least = 0x80;
  } else if (lead >= 0xE0 && lead < 0xF0) {
    size = 3;
    least = 0x800;
  } else if (lead >= 0xF0 && lead < 0xF5) {
    size = 4;
    least = 0x10000;
  }
  if (size == 0 || text.size() < size) return {};
  std::uint32_t code = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = (code << 6) | (byte(i) & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  if (code < least || code > 0x10FFFF || surrogate) return {};
  return {code, size};
}

bool harmful(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) ||  // controls
         code == 0x061C || code == 0x200E || code == 0x200F || code == 0x2028 || code == 0x2029 ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);  // direction
}

// "\\x1b", "\\u202e".
std::string escape_of(std::uint32_t code) {
  char text[16];
  if (code < 0x80) {
    std::snprintf(text, sizeof text, "\\x%02x", code);
  } else {
    std::snprintf(text, sizeof text, "\\u%04x", code);
  }
  return text;
}

std::string escape_of_byte(char c) {
  char text[8];
  std::snprintf(text, sizeof text, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  return text;
}

// Columns on the screen, near enough: one a character.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character c = first_character(text);
    if (c.size == 0) {
      out += escape_of_byte(text.front());
    } else if (c.code == '\n') {
      out += "\\n";
    } else if (c.code == '\t') {
      out += "\\t";
    } else if (harmful(c.code)) {
      out += escape_of(c.code);
    } else {
      out += text.substr(0, c.size);
    }
    text.remove_prefix(std::max<std::size_t>(c.size, 1));
  }
  return out;
}

std::string format_table(const Row& header, const std::vector<Row>& rows, bool aligned) {
  std::vector<Row> lines;
  if (aligned) lines.push_back(header);
  for (const Row& row : rows) {
    Row& line = lines.emplace_back();
    for (const std::string& cell : row) line.push_back(escaped(cell));
  }
  std::vector<std::size_t> widths(header.size(), 0);
  if (aligned) {
    for (const Row& line : lines) {
      for (std::size_t i = 0; i < line.size() && i < widths.size(); ++i) {
        widths[i] = std::max(widths[i], width(line[i]));
      }
    }
  }
  std::string out;
  for (const Row& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      out += line[i];
      if (i + 1 == line.size()) break;
      if (!aligned) {
        out += '\t';
      } else {
        out.append(widths[i] - width(line[i]) + 2, ' ');
      }
    }
    while (aligned && !out.empty() && out.back() == ' ') out.pop_back();
    out += '\n';
  }
  return out;
}

std::string short_age(std::chrono::seconds age) {
  const long long seconds = std::max<long long>(age.count(), 0);
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m";
  constexpr long long kDay = 86400;
  if (seconds < 2 * kDay) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / kDay) + "d";
}

bool output_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool input_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

bool confirmed(const std::string& question) {
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

void print(std::string_view text) { std::cout << text << std::flush; }
void print_note(std::string_view text) { std::cerr << text << std::flush; }

}  // namespace countersign::cli
