// How long a page of a list goes on. Internal to the engines.
#ifndef COUNTERSIGN_STORE_PAGE_BOUNDS_H_
#define COUNTERSIGN_STORE_PAGE_BOUNDS_H_

#include <cstddef>

namespace countersign::store {

// A page ends when it is full, or when so much was looked at that somebody would wait.
class PageBounds {
 public:
  explicit PageBounds(std::size_t limit) : limit_(limit == 0 ? 1 : limit) {}

  // Is the page at its end before this row, which is `wanted` in it? Once for each row.
  bool over(bool wanted) {
    if (spent_ >= kMost || (wanted && taken_ == limit_)) return true;
    ++spent_;
    if (wanted) ++taken_;
    return false;
  }
  // More of a row was read than the columns it is chosen by.
  void read() { spent_ += kRead; }

  static constexpr std::size_t kMost = 8000;  // rows that are only looked at: some 8 ms

 private:
  static constexpr std::size_t kRead = 6;
  const std::size_t limit_;
  std::size_t taken_ = 0;
  std::size_t spent_ = 0;
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_PAGE_BOUNDS_H_
