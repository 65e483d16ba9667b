// Reads TOML strictly: every key must be known, every value of the right type, and every complaint
// names file:line:column and what to do.
#ifndef COUNTERSIGN_BASE_CONFIG_READER_H_
#define COUNTERSIGN_BASE_CONFIG_READER_H_

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace countersign {

class ConfigTable;

// One document. Keeps what was complained of, so that a reader reports all errors of a file at
// once. Not thread-safe. Tables refer to the document and must not outlive it.
class ConfigDocument {
 public:
  // malformed with file:line:column if the text is not TOML. `file` is used in messages only.
  static Result<ConfigDocument> parse(std::string_view text, const std::string& file);
  ConfigDocument(ConfigDocument&&) noexcept;
  ConfigDocument& operator=(ConfigDocument&&) noexcept;
  ~ConfigDocument();

  ConfigTable root();

  // "file:line:column: text", one line each, in the order found.
  const std::vector<std::string>& complaints() const;
  // All complaints as one malformed error, or nothing.
  Result<void> finish() const;

 private:
  friend class ConfigTable;
  struct Content;
  explicit ConfigDocument(std::unique_ptr<Content> content);
  std::unique_ptr<Content> content_;
};

// One table of the document. Getters note the key as known; a value of the wrong type is complained
// of and treated as absent. After the last getter, done() complains of every key that nobody asked
// for and names the nearest known one.
class ConfigTable {
 public:
  bool has(std::string_view key);
  std::optional<std::string> text(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t low, std::int64_t high);
  std::optional<std::chrono::seconds> duration(std::string_view key);  // see parse_duration
  // A string, or an array of strings.
  std::optional<std::vector<std::string>> texts(std::string_view key);
  // Is the value a boolean (true), or something else (false)?
  bool is_boolean(std::string_view key);
  std::optional<ConfigTable> table(std::string_view key);
  // [[key]]: an array of tables. Absent: empty.
  std::vector<ConfigTable> tables(std::string_view key);
  // The keys of this table, in file order, all noted as known.
  std::vector<std::string> keys();

  // Complains at the value of `key` (or at the table itself if there is none).
  void complain(std::string_view key, const std::string& text);
  void done();
  // "file:line:column" of the value of `key`, or of the table.
  std::string where(std::string_view key) const;

 private:
  friend class ConfigDocument;
  struct Node;
  explicit ConfigTable(std::shared_ptr<Node> node);
  std::shared_ptr<Node> node_;
};

// The known word nearest to `word` by edit distance, or "" if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace countersign

#endif  // COUNTERSIGN_BASE_CONFIG_READER_H_
