// The regular expressions of one key. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_PATTERNS_H_
#define COUNTERSIGN_POLICY_PATTERNS_H_

#include <re2/re2.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::policy {

// A text must match one of them as a whole. Immutable once filled, then thread-safe.
class Patterns {
 public:
  // RE2's message, or "" if it was added.
  std::string add(const std::string& regex);
  bool match(std::string_view text) const;
  bool empty() const { return compiled_.empty() && literals_.empty(); }
  const std::string& text() const { return text_; }

  // Expressions that stand for one text only ('web-1\.example\.com') are kept as that text: a
  // comparison costs a tenth of a match.
  const std::vector<std::string>& literals() const { return literals_; }
  const std::vector<std::unique_ptr<const RE2>>& compiled() const { return compiled_; }

 private:
  std::vector<std::string> literals_;
  std::vector<std::unique_ptr<const RE2>> compiled_;
  std::string text_;  // for traces: the expressions, joined, not too long
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_PATTERNS_H_
