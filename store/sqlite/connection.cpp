#include "store/sqlite/connection.h"

#include <sys/stat.h>

#include <thread>
#include <utility>

namespace countersign::store {
namespace {

// The destructor leaves text alone until the statement is reset or rebound; every caller binds
// values that outlive the step.
const auto kStatic = SQLITE_STATIC;

constexpr int kBusyMilliseconds = 10000;

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

std::optional<Timestamp> Statement::optional_time(int column) const {
  if (null(column)) return std::nullopt;
  return time(column);
}

bool Statement::is_text(int column) const {
  return ::sqlite3_column_type(handle_, column) == SQLITE_TEXT;
}

std::string Statement::text(int column) const {
  const auto* data = ::sqlite3_column_text(handle_, column);
  if (data == nullptr) return {};
  const auto size = static_cast<std::size_t>(::sqlite3_column_bytes(handle_, column));
  return {reinterpret_cast<const char*>(data), size};
}

Bytes Statement::blob(int column) const { return to_bytes(view(column)); }

ByteView Statement::view(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(::sqlite3_column_blob(handle_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(::sqlite3_column_bytes(handle_, column))};
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

void Statement::bind_one(int index, const std::optional<Timestamp>& value) {
  if (value) return bind_one(index, *value);
  check(::sqlite3_bind_null(handle_, index));
}

void Statement::bind_one(int index, const std::optional<std::string>& value) {
  if (value) return bind_one(index, *value);
  check(::sqlite3_bind_null(handle_, index));
}

Connection::Connection(const std::filesystem::path& file, Mode mode) {
  const int flags =
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
      (mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  ::sqlite3* handle = nullptr;
  const int code = ::sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) raise(handle, code, "open " + file.string());
  ::sqlite3_busy_timeout(handle, kBusyMilliseconds);
  execute("PRAGMA foreign_keys = ON");
  if (mode == Mode::read_write) {
    make_durable(file);
  } else {
    execute("PRAGMA query_only = ON");
  }
}

void Connection::make_durable(const std::filesystem::path& file) {
  // By its path: a descriptor of our own on this file would, when closed, drop SQLite's locks.
  if (::chmod(file.c_str(), S_IRUSR | S_IWUSR) != 0) {
    throw SqliteError(SQLITE_PERM, "cannot protect " + file.string());
  }
  execute("PRAGMA synchronous = FULL");
  // Two that turn the log on at the same moment are refused at once instead of made to wait.
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyMilliseconds);
  while (!log_ahead()) {
    if (std::chrono::steady_clock::now() > deadline) raise(handle_.get(), SQLITE_BUSY, "WAL");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

bool Connection::log_ahead() {
  try {
    auto mode = prepare("PRAGMA journal_mode = WAL");
    // Where it cannot be had (some network file systems) the answer is another mode, no error.
    if (mode.step() && mode.text(0) == "wal") return true;
  } catch (const SqliteError& error) {
    if (error.primary() == SQLITE_BUSY) return false;
    throw;
  }
  throw SqliteError(SQLITE_IOERR, "the file system cannot hold a write-ahead log");
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
  if (::sqlite3_stmt_busy(cached.get()) != 0) {
    throw SqliteError(SQLITE_MISUSE, "a statement is used twice at a time");
  }
  return Statement(cached.get());
}

bool Connection::truncate_wal(std::chrono::milliseconds patience) {
  ::sqlite3_busy_timeout(handle_.get(), static_cast<int>(patience.count()));
  const int code = ::sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                               nullptr, nullptr);
  ::sqlite3_busy_timeout(handle_.get(), kBusyMilliseconds);
  if (code == SQLITE_OK) return true;
  if ((code & 0xff) == SQLITE_BUSY) return false;
  raise(handle_.get(), code, "checkpoint");
}

}  // namespace countersign::store
