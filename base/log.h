// Structured log lines: an event and its fields, one line each, logfmt or JSON, on stderr.
#ifndef COUNTERSIGN_BASE_LOG_H_
#define COUNTERSIGN_BASE_LOG_H_

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace countersign::log {

enum class Level { debug, info, warn, error };
enum class Format { logfmt, json };

// Not thread-safe: called once at start, before threads.
void configure(Format format, Level level);

// One field. Values are escaped so that a line is always one line, whatever a client sent.
struct Field {
  Field(std::string_view field_key, std::string_view text) : key(field_key), value(text) {}
  Field(std::string_view field_key, const char* text) : key(field_key), value(text) {}
  Field(std::string_view field_key, const std::string& text) : key(field_key), value(text) {}
  template <std::integral T>
  Field(std::string_view field_key, T number)
      : key(field_key), value(std::to_string(number)), is_number(true) {}

  std::string_view key;
  std::string value;
  bool is_number = false;
};

// Thread-safe.
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});
inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}

// The line without its newline, as write would print it. `time` is RFC 3339.
std::string format_line(Format format, std::string_view time, Level level, std::string_view event,
                        std::initializer_list<Field> fields);

}  // namespace countersign::log

#endif  // COUNTERSIGN_BASE_LOG_H_
