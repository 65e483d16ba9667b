// How decisions are put into words. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_WORDS_H_
#define COUNTERSIGN_POLICY_WORDS_H_

#include <initializer_list>
#include <string>
#include <string_view>

namespace countersign::policy {

// Cut to `longest` bytes, and not within a UTF-8 character.
std::string clipped(std::string_view text, std::size_t longest);
// In one allocation.
std::string joined(std::initializer_list<std::string_view> parts);
// In single quotes, and clipped: traces are stored, and hold what clients sent.
std::string quoted(std::string_view value);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_WORDS_H_
