// A folder that appears whole or not at all.
#ifndef COUNTERSIGN_CLI_NEW_FOLDER_H_
#define COUNTERSIGN_CLI_NEW_FOLDER_H_

#include <filesystem>
#include <string>

namespace countersign::cli {

// Written as DIR.part, which only its owner may enter; publish() lets others in and gives it
// the name DIR. Not thread-safe. All throw Failure with the path and what the system said.
class NewFolder {
 public:
  // Refuses a `dir` that exists and is not empty, and a DIR.part that was left. `verb` is what
  // writes it, for messages.
  NewFolder(const std::filesystem::path& dir, const std::string& verb);
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  // Removes what is not published: it may hold a key without encryption.
  ~NewFolder();

  // The same checks, before anything is written.
  static void check(const std::filesystem::path& dir, const std::string& verb);

  const std::filesystem::path& dir() const { return dir_; }    // absolute
  const std::filesystem::path& part() const { return part_; }  // write here

  // Syncs all of it once, however many files they are, then renames.
  void publish();

 private:
  std::filesystem::path dir_;
  std::filesystem::path part_;
  bool published_ = false;
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_NEW_FOLDER_H_
