#include "tests/bench/http_answer.h"

#include <charconv>

namespace countersign::bench {

std::optional<Answer> whole_answer(std::string_view input) {
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view head = input.substr(0, end);
  static constexpr std::string_view kLength = "Content-Length: ";
  std::size_t length = 0;
  if (const auto field = head.find(kLength); field != std::string_view::npos) {
    std::from_chars(head.data() + field + kLength.size(), head.data() + end, length);
  }
  if (input.size() < end + 4 + length) return std::nullopt;
  Answer answer;
  if (head.starts_with("HTTP/1.1 ")) {
    std::from_chars(head.data() + 9, head.data() + 12, answer.status);
  }
  answer.retry_after = head.find("Retry-After: ") != std::string_view::npos;
  answer.closes = head.find("Connection: close") != std::string_view::npos;
  answer.body = input.substr(end + 4, length);
  return answer;
}

}  // namespace countersign::bench
