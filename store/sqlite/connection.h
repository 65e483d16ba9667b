// RAII of SQLite's handles. Internal to store/sqlite.
#ifndef COUNTERSIGN_STORE_SQLITE_CONNECTION_H_
#define COUNTERSIGN_STORE_SQLITE_CONNECTION_H_

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "store/sqlite/row_compression.h"

namespace countersign::store {

// Thrown inside the engine and turned into a Result at its border.
class SqliteError : public std::runtime_error {
 public:
  SqliteError(int code, const std::string& text) : std::runtime_error(text), code_(code) {}
  int code() const { return code_; }            // the extended code
  int primary() const { return code_ & 0xff; }  // without the extension

 private:
  int code_;
};

// One prepared statement, reset when it goes out of use. Columns and parameters count from 0 and 1
// as in SQLite. Throws SqliteError.
class Statement {
 public:
  explicit Statement(::sqlite3_stmt* handle) : handle_(handle) {}
  Statement(Statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Binds the parameters in order. Texts and blobs are not copied: they must outlive the last step,
  // so no temporaries unless the statement ends in the same expression.
  template <class... Values>
  Statement& bind(const Values&... values) {
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }
  bool step();  // is there a row?
  void run() {
    while (step()) {
    }
  }

  bool null(int column) const;
  bool is_text(int column) const;  // is it stored as one?
  std::int64_t integer(int column) const;
  Timestamp time(int column) const { return Timestamp(std::chrono::milliseconds(integer(column))); }
  std::optional<Timestamp> optional_time(int column) const;  // NULL: nullopt
  std::string text(int column) const;
  // Of the row that the statement is at; gone with its next step.
  ByteView view(int column) const;
  Bytes blob(int column) const;

 private:
  void bind_one(int index, std::int64_t value);
  void bind_one(int index, bool value) { bind_one(index, std::int64_t{value}); }
  void bind_one(int index, Timestamp value) { bind_one(index, value.time_since_epoch().count()); }
  void bind_one(int index, const std::optional<Timestamp>& value);  // nullopt: NULL
  void bind_one(int index, const std::string& value);
  void bind_one(int index, const std::optional<std::string>& value);  // nullopt: NULL
  void bind_one(int index, ByteView value);
  void bind_one(int index, const Bytes& value) { bind_one(index, ByteView(value)); }
  void bind_one(int index, const char* value) = delete;  // would be taken for a bool
  void check(int code) const;

  ::sqlite3_stmt* handle_;
};

// One connection with a cache of its prepared statements. Used by one thread at a time.
class Connection {
 public:
  enum class Mode { read_only, read_write };
  // read_write makes the file if there is none, readable by its owner alone, and puts WAL and
  // synchronous=FULL in force. Waits up to 10 s where another process has the lock. Throws
  // SqliteError.
  Connection(const std::filesystem::path& file, Mode mode);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void execute(const std::string& sql);
  // `sql` must be a literal, as its address is the key of the cache, and its statement must not be
  // in the middle of its rows, as two users would share them.
  Statement prepare(const char* sql);
  // The compressed bodies of rows.
  RowBodies& bodies() { return bodies_; }
  std::int64_t inserted() const { return ::sqlite3_last_insert_rowid(handle_.get()); }
  std::int64_t changes() const { return ::sqlite3_changes64(handle_.get()); }
  // Rows written since it was opened, those of triggers too.
  std::int64_t total_changes() const { return ::sqlite3_total_changes64(handle_.get()); }
  // Moves the WAL into the database and empties it. False if readers were still in the way after
  // `patience`; the next try goes on from there. Not inside a transaction.
  bool truncate_wal(std::chrono::milliseconds patience);

 private:
  void make_durable(const std::filesystem::path& file);
  bool log_ahead();  // false: another connection is in the way

  struct Close {
    void operator()(::sqlite3* handle) const { ::sqlite3_close_v2(handle); }
  };
  struct Finalize {
    void operator()(::sqlite3_stmt* handle) const { ::sqlite3_finalize(handle); }
  };
  // In this order: statements end before their connection.
  std::unique_ptr<::sqlite3, Close> handle_;
  std::unordered_map<const char*, std::unique_ptr<::sqlite3_stmt, Finalize>> statements_;
  RowBodies bodies_{*this};
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_CONNECTION_H_
