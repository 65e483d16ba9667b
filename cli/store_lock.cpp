#include "cli/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "cli/failure.h"

namespace countersign::cli {
namespace {

std::string host() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "an unknown host";
  return name.data();
}

std::string holder(const std::string& pid, const std::string& on) {
  return "pid " + pid + " on " + on;
}

// One line, cut where it is no more what note_holder() wrote.
std::string noted_holder(int file) {
  std::array<char, 320> text{};
  const ::ssize_t size = ::pread(file, text.data(), text.size(), 0);
  std::istringstream words(std::string(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0));
  std::string pid, on;
  words >> pid >> on;
  if (on.empty() || pid.find_first_not_of("0123456789") != std::string::npos) return "";
  return holder(pid, on);
}

bool note_holder(int file) {
  const std::string text = std::to_string(::getpid()) + " " + host() + "\n";
  return ::ftruncate(file, 0) == 0 &&
         ::pwrite(file, text.data(), text.size(), 0) == static_cast<::ssize_t>(text.size());
}

// Who the system says holds the lock of this file: proc(5), /proc/locks. "" if it does not say.
std::string listed_holder(int file) {
  struct ::stat status {};
  if (::fstat(file, &status) != 0) return "";
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, rule, mode, pid, place;
    words >> number >> kind >> rule >> mode >> pid >> place;
    const auto colon = place.rfind(':');
    if (kind == "FLOCK" && colon != std::string::npos &&
        place.substr(colon + 1) == std::to_string(status.st_ino)) {
      return holder(pid, host());
    }
  }
  return "";
}

[[noreturn]] void refuse(const std::filesystem::path& store, const std::string& holder) {
  throw Failure(kFailed, store.string() + ": another countersign serves this store" +
                             (holder.empty() ? "" : " (" + holder + ")") +
                             ". Stop it first, or name another store.");
}

[[noreturn]] void cannot(const std::string& doing) {
  throw Failure(kFailed, "Cannot " + doing + ": " + std::strerror(errno) +
                             ". The service must be able to write to the folder of its store.");
}

}  // namespace

StoreLock::Descriptor::~Descriptor() {
  if (number >= 0) ::close(number);
}

StoreLock::StoreLock(const std::filesystem::path& store) {
  std::error_code error;
  auto file = std::filesystem::weakly_canonical(store, error);
  if (error) file = store;
  const std::string path = file.string() + ".lock";
  beside_.number = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (beside_.number < 0) cannot("make " + path);
  if (::flock(beside_.number, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) cannot("lock " + path);
    refuse(store, noted_holder(beside_.number));
  }
  // Without it there is no store yet, and so no other name of it.
  itself_.number = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (itself_.number >= 0 && ::flock(itself_.number, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) cannot("lock " + file.string());
    refuse(store, listed_holder(itself_.number));
  }
  // A disk that is full must not keep the service from reading.
  static_cast<void>(note_holder(beside_.number));
}

StoreLock::~StoreLock() = default;

}  // namespace countersign::cli
