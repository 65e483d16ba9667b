// As much of HTTP as the generator needs of the answers that it gets.
#ifndef COUNTERSIGN_TESTS_BENCH_HTTP_ANSWER_H_
#define COUNTERSIGN_TESTS_BENCH_HTTP_ANSWER_H_

#include <optional>
#include <string>
#include <string_view>

namespace countersign::bench {

struct Answer {
  int status = 0;
  bool retry_after = false;  // it says when to come again
  bool closes = false;       // it is the last of its connection
  std::string_view body;
};

// The answer that `input` holds, once it is whole. It points into `input`, which is changed only
// if the body came in chunks.
std::optional<Answer> whole_answer(std::string& input);

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_HTTP_ANSWER_H_
