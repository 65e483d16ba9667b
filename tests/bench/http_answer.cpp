#include "tests/bench/http_answer.h"

#include <charconv>

namespace countersign::bench {
namespace {

std::size_t number(std::string_view text, int base) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

// What follows the field's name and colon; empty if it is not there.
std::string_view field(std::string_view head, std::string_view name) {
  const std::size_t at = head.find(name);
  return at == std::string_view::npos ? std::string_view() : head.substr(at + name.size());
}

// Takes the chunks' own lines out of what begins at `body`. nullopt: the last chunk is not there.
std::optional<std::string> without_chunks(std::string_view body) {
  std::string whole;
  for (;;) {
    const std::size_t line = body.find("\r\n");
    if (line == std::string_view::npos) return std::nullopt;
    const std::size_t size = number(body.substr(0, line), 16);
    if (body.size() < line + 2 + size + 2) return std::nullopt;
    if (size == 0) return whole;
    whole += body.substr(line + 2, size);
    body.remove_prefix(line + 2 + size + 2);
  }
}

}  // namespace

std::optional<Answer> whole_answer(std::string& input) {
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  const std::string_view head(input.data(), end);
  Answer answer;
  if (head.starts_with("HTTP/1.1 "))
    answer.status = static_cast<int>(number(head.substr(9, 3), 10));
  answer.retry_after = !field(head, "\r\nRetry-After: ").empty();
  answer.closes = field(head, "\r\nConnection: ").starts_with("close");
  if (field(head, "\r\nTransfer-Encoding: ").starts_with("chunked")) {
    auto body = without_chunks(std::string_view(input).substr(end + 4));
    if (!body) return std::nullopt;
    input = std::move(*body);
    answer.body = input;
    return answer;
  }
  const std::size_t length = number(field(head, "\r\nContent-Length: "), 10);
  if (input.size() < end + 4 + length) return std::nullopt;
  answer.body = std::string_view(input).substr(end + 4, length);
  return answer;
}

}  // namespace countersign::bench
