#include "policy/words.h"

namespace countersign::policy {

std::string clipped(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return std::string(text);
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "…";
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  std::string text;
  text.reserve(size);
  for (const std::string_view part : parts) text += part;
  return text;
}

std::string quoted(std::string_view value) {
  constexpr std::size_t kLongestValue = 120;
  return "'" + clipped(value, kLongestValue) + "'";
}

}  // namespace countersign::policy
