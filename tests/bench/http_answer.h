// As much of HTTP as the generator needs: answers with a Content-Length, or with no body.
#ifndef COUNTERSIGN_TESTS_BENCH_HTTP_ANSWER_H_
#define COUNTERSIGN_TESTS_BENCH_HTTP_ANSWER_H_

#include <optional>
#include <string_view>

namespace countersign::bench {

struct Answer {
  int status = 0;
  bool retry_after = false;  // it says when to come again
  bool closes = false;       // it is the last of its connection
  std::string_view body;
};

// The answer at the front of `input`, once it is whole; it lives as long as `input`.
std::optional<Answer> whole_answer(std::string_view input);

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_HTTP_ANSWER_H_
