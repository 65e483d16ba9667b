#include "store/sqlite/connection.h"

#include <utility>

namespace countersign::store {
namespace {

// The destructor leaves text alone until the statement is reset or rebound; every caller binds
// values that outlive the step.
const auto kStatic = SQLITE_STATIC;

[[noreturn]] void raise(::sqlite3* handle, int code, std::string_view doing) {
  throw SqliteError(handle != nullptr ? ::sqlite3_extended_errcode(handle) : code,
                    std::string(doing) + ": " +
                        (handle != nullptr ? ::sqlite3_errmsg(handle) : ::sqlite3_errstr(code)));
}

}  // namespace

Statement::~Statement() {
  if (handle_ == nullptr) return;
  ::sqlite3_reset(handle_);
  ::sqlite3_clear_bindings(handle_);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) raise(::sqlite3_db_handle(handle_), code, "bind");
}

bool Statement::step() {
  const int code = ::sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  raise(::sqlite3_db_handle(handle_), code, "step");
}

bool Statement::null(int column) const {
  return ::sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return ::sqlite3_column_int64(handle_, column);
}

std::string Statement::text(int column) const {
  const auto* data = ::sqlite3_column_text(handle_, column);
  if (data == nullptr) return {};
  const auto size = static_cast<std::size_t>(::sqlite3_column_bytes(handle_, column));
  return {reinterpret_cast<const char*>(data), size};
}

Bytes Statement::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(::sqlite3_column_blob(handle_, column));
  if (data == nullptr) return {};
  return {data, data + ::sqlite3_column_bytes(handle_, column)};
}

void Statement::bind_one(int index, std::int64_t value) {
  check(::sqlite3_bind_int64(handle_, index, value));
}

void Statement::bind_one(int index, const std::string& value) {
  check(::sqlite3_bind_text64(handle_, index, value.data(), value.size(), kStatic, SQLITE_UTF8));
}

void Statement::bind_one(int index, ByteView value) {
  // A null pointer would be NULL; an empty blob is not.
  static constexpr std::uint8_t kNothing = 0;
  const auto* data = value.empty() ? &kNothing : value.data();
  check(::sqlite3_bind_blob64(handle_, index, data, value.size(), kStatic));
}

void Statement::bind_one(int index, std::nullptr_t) { check(::sqlite3_bind_null(handle_, index)); }

Connection::Connection(const std::filesystem::path& file, Mode mode) {
  const int flags =
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
      (mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  ::sqlite3* handle = nullptr;
  const int code = ::sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) raise(handle, code, "open " + file.string());
  ::sqlite3_busy_timeout(handle, 10000);
  execute("PRAGMA foreign_keys = ON");
  if (mode == Mode::read_only) execute("PRAGMA query_only = ON");
}

void Connection::execute(const std::string& sql) {
  const int code = ::sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) raise(handle_.get(), code, sql.substr(0, 60));
}

Statement Connection::prepare(const char* sql) {
  auto& cached = statements_[sql];
  if (!cached) {
    ::sqlite3_stmt* statement = nullptr;
    const int code = ::sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT,
                                          &statement, nullptr);
    if (code != SQLITE_OK) raise(handle_.get(), code, "prepare");
    cached.reset(statement);
  }
  return Statement(cached.get());
}

}  // namespace countersign::store
