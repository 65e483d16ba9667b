// Puppet's autosign.conf: a list of certnames and globs, with Puppet's own semantics.
#ifndef COUNTERSIGN_POLICY_PUPPET_AUTOSIGN_H_
#define COUNTERSIGN_POLICY_PUPPET_AUTOSIGN_H_

#include <string>
#include <string_view>
#include <vector>

namespace countersign::policy {

// Immutable after parse, thread-safe.
class AutosignList {
 public:
  // Line by line, verbatim: blank lines and lines that start with '#' are skipped; a line with a
  // space or '#' elsewhere is invalid and never matches (see invalid()).
  static AutosignList parse(std::string_view text);

  // '*' alone matches all; "*.example.com" matches example.com and everything below it, without
  // regard to case; anything else matches exactly.
  bool matches(std::string_view certname) const;
  const std::vector<std::string>& invalid() const { return invalid_; }

 private:
  bool everything_ = false;
  std::vector<std::string> exact_;  // sorted
  std::vector<std::string> globs_;  // lower case, without "*"
  std::vector<std::string> invalid_;
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_PUPPET_AUTOSIGN_H_
