#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdio>
#include <memory>

#include "base/clock.h"

namespace countersign::log {
namespace {

struct State {
  Format format = Format::logfmt;
  std::shared_ptr<spdlog::logger> logger;
};

State& state() {
  static State instance = [] {
    State initial;
    initial.logger = std::make_shared<spdlog::logger>(
        "countersign", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    initial.logger->set_pattern("%v");
    initial.logger->flush_on(spdlog::level::warn);
    return initial;
  }();
  return instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view name_of(Level level) {
  static constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warn", "error"};
  return kNames.at(static_cast<std::size_t>(level));
}

// A JSON string body: quotes, backslashes and control characters escaped. Bytes over 0x7E are
// written as \u00XX, so that no input can break the encoding of the log.
void append_escaped(std::string& line, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line.push_back('\\');
      line.push_back(c);
    } else if (byte < 0x20 || byte > 0x7E) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      line += escape;
    } else {
      line.push_back(c);
    }
  }
}

void append_quoted(std::string& line, std::string_view text) {
  line.push_back('"');
  append_escaped(line, text);
  line.push_back('"');
}

bool plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7F) return false;
  }
  return true;
}

void append_logfmt(std::string& line, std::string_view key, std::string_view value) {
  if (!line.empty()) line.push_back(' ');
  line += key;
  line.push_back('=');
  if (plain(value)) {
    line += value;
  } else {
    append_quoted(line, value);
  }
}

void append_json(std::string& line, std::string_view key, std::string_view value, bool number) {
  line.push_back(line.empty() ? '{' : ',');
  append_quoted(line, key);
  line.push_back(':');
  if (number) {
    line += value;
  } else {
    append_quoted(line, value);
  }
}

}  // namespace

void configure(Format format, Level level) {
  state().format = format;
  state().logger->set_level(to_spdlog(level));
}

std::string format_line(Format format, std::string_view time, Level level, std::string_view event,
                        std::initializer_list<Field> fields) {
  std::string line;
  const auto append = [&](std::string_view key, std::string_view value, bool number) {
    if (format == Format::json) {
      append_json(line, key, value, number);
    } else {
      append_logfmt(line, key, value);
    }
  };
  append("time", time, false);
  append("level", name_of(level), false);
  append("event", event, false);
  for (const Field& field : fields) append(field.key, field.value, field.is_number);
  if (format == Format::json) line.push_back('}');
  return line;
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  State& current = state();
  const auto severity = to_spdlog(level);
  if (!current.logger->should_log(severity)) return;
  const std::string line =
      format_line(current.format, to_rfc3339(system_clock().now()), level, event, fields);
  current.logger->log(severity, "{}", line);
}

}  // namespace countersign::log
