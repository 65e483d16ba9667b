// What is wrong with, or worth saying about, files that are taken over.
#ifndef COUNTERSIGN_CLI_FINDINGS_H_
#define COUNTERSIGN_CLI_FINDINGS_H_

#include <string>
#include <string_view>
#include <vector>

#include "cli/puppet_inventory.h"

namespace countersign::cli {

enum class Severity {
  note,     // for the record: nothing is lost
  left,     // is not carried over, and need not be
  warning,  // works, but an operator should know
  damage,   // would be left out: only with --skip-damaged
  fatal,    // a revocation could be lost, or the CA would not work
};
std::string_view to_string(Severity severity);

class Findings {
 public:
  struct Entry {
    Severity severity;
    Finding at;
  };

  void add(Severity severity, std::string file, std::string text, std::size_t line = 0) {
    entries_.push_back({severity, {std::move(file), line, std::move(text)}});
  }
  void add(Entry entry) { entries_.push_back(std::move(entry)); }
  // As a parser found them in `file`.
  void add(Severity severity, const std::string& file, const std::vector<Finding>& found);
  const std::vector<Entry>& entries() const { return entries_; }
  std::size_t count(Severity severity) const;

 private:
  std::vector<Entry> entries_;
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_FINDINGS_H_
