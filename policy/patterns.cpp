#include "policy/patterns.h"

#include <algorithm>
#include <optional>

#include "policy/words.h"

namespace countersign::policy {
namespace {

constexpr std::size_t kLongestPatterns = 200;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The one text that the expression matches, if that is plain to see. ASCII only, and of escapes
// only those of punctuation: no escape that RE2 gives a meaning is one.
std::optional<std::string> literal_of(std::string_view regex) {
  static constexpr std::string_view kPlain = "-_ ,:;/@=~!'\"#%&<>`";
  std::string text;
  for (std::size_t i = 0; i < regex.size(); ++i) {
    if (regex[i] == '\\') {
      ++i;
      if (i == regex.size() || is_word(regex[i]) || regex[i] < '!' || regex[i] > '~') return {};
    } else if (!is_word(regex[i]) && kPlain.find(regex[i]) == std::string_view::npos) {
      return {};
    }
    text.push_back(regex[i]);
  }
  return text;
}

}  // namespace

std::string Patterns::add(const std::string& regex) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto compiled = std::make_unique<const RE2>(regex, options);
  if (!compiled->ok()) return compiled->error();
  text_ = clipped(text_ + (text_.empty() ? "'" : " | '") + regex + "'", kLongestPatterns);
  if (auto literal = literal_of(regex)) {
    literals_.push_back(std::move(*literal));
  } else {
    compiled_.push_back(std::move(compiled));
  }
  return {};
}

bool Patterns::match(std::string_view text) const {
  if (std::ranges::find(literals_, text) != literals_.end()) return true;
  const re2::StringPiece piece(text.data(), text.size());
  return std::ranges::any_of(compiled_,
                             [&](const auto& regex) { return RE2::FullMatch(piece, *regex); });
}

}  // namespace countersign::policy
