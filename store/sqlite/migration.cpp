#include "store/sqlite/migration.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/log.h"
#include "store/sqlite/schema.h"

namespace countersign::store {
namespace {

std::size_t version_of(Connection& connection) {
  auto exists = connection.prepare(
      "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'");
  if (!exists.step()) return 0;
  auto version = connection.prepare("SELECT version FROM schema_version");
  return version.step() ? static_cast<std::size_t>(version.integer(0)) : 0;
}

bool empty(Connection& connection) {
  return !connection.prepare("SELECT 1 FROM sqlite_schema").step();
}

void sync_file(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const std::string why = std::generic_category().message(errno);
  if (file >= 0) ::close(file);
  if (!synced) throw SqliteError(SQLITE_IOERR, "cannot sync " + path.string() + ": " + why);
}

// SQLite neither protects nor syncs what VACUUM INTO writes. Written beside and renamed, so that
// what has the name of a backup is one.
void back_up(Connection& connection, const std::filesystem::path& backup) {
  const std::string partial = backup.string() + ".partial";
  ::unlink(partial.c_str());
  const int made = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made >= 0) ::close(made);
  connection.prepare("VACUUM INTO ?").bind(partial).run();
  sync_file(partial);
  std::error_code error;
  std::filesystem::rename(partial, backup, error);
  if (error) throw SqliteError(SQLITE_IOERR, "cannot write " + backup.string());
  sync_file(backup.has_parent_path() ? backup.parent_path() : ".");
  log::info("store_backup", {{"file", backup.string()}});
}

}  // namespace

Result<void> check_version(Connection& connection, const std::filesystem::path& file) {
  const std::size_t found = version_of(connection);
  if (found == migrations().size()) return {};
  return fail(
      Code::unavailable,
      "The store " + file.string() + " has schema version " + std::to_string(found) +
          ", and this program reads " + std::to_string(migrations().size()) +
          (found > migrations().size() ? ". Use the newer program."
                                       : ". Start the service once: it migrates the store."));
}

Result<void> migrate(Connection& connection, const std::filesystem::path& file,
                     std::span<const char* const> steps) {
  // In this order: another process may be making the tables right now.
  const bool fresh = empty(connection);
  const std::size_t found = version_of(connection);
  if (found == 0 && !fresh) {
    return fail(Code::unavailable, "The file " + file.string() +
                                       " holds the tables of another program. Name another file.");
  }
  if (found > steps.size()) {
    return fail(Code::unavailable,
                "The store " + file.string() + " has schema version " + std::to_string(found) +
                    ", and this program knows only " + std::to_string(steps.size()) +
                    ". Start the newer program, or restore the backup that it made.");
  }
  if (found > 0 && found < steps.size()) {
    back_up(connection, file.string() + ".v" + std::to_string(found) + ".backup");
  }
  for (bool done = false; !done;) {
    connection.execute("BEGIN IMMEDIATE");
    // Asked again under the lock: another process may have been faster.
    const std::size_t step = version_of(connection);
    if (step < steps.size()) {
      connection.execute(steps[step]);
      connection.prepare("UPDATE schema_version SET version = ?")
          .bind(static_cast<std::int64_t>(step + 1))
          .run();
      log::info("store_migrated", {{"version", step + 1}});
    }
    connection.execute("COMMIT");
    done = step + 1 >= steps.size();
  }
  return {};
}

}  // namespace countersign::store
