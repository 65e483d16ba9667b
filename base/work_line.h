// The line in front of a worker pool, and how long somebody who joins it would wait.
#ifndef COUNTERSIGN_BASE_WORK_LINE_H_
#define COUNTERSIGN_BASE_WORK_LINE_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <utility>

namespace countersign {

// What is begun costs the most, and is lost if it does not go on: so it has the right of way, and
// who is to be refused is refused before it begins.
enum class Lane { begins, goes_on };

// Not thread-safe. The times are the caller's, and do not fall.
template <class Piece>
class WorkLine {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // One of the lane `begins` has its turn after so many of the other at the latest.
  static constexpr std::size_t kInARow = 16;
  // Of the pace: one stall of the machine tells little of the next hundred turns.
  static constexpr int kSmooth = 64;

  struct Turn {
    Piece piece;
    std::chrono::nanoseconds waited;
  };

  bool empty() const { return begins_.empty() && goes_on_.empty(); }

  void push(Lane lane, Piece piece, Time now) {
    (lane == Lane::begins ? begins_ : goes_on_).push_back({std::move(piece), now});
  }

  // The next one, of a line that is not empty.
  Turn pop(Time now) {
    const bool first = goes_on_.empty() || (!begins_.empty() && in_a_row_ >= kInARow);
    auto& lane = first ? begins_ : goes_on_;
    Turn turn{std::move(lane.front().piece), now - lane.front().since};
    lane.pop_front();
    in_a_row_ = first ? 0 : in_a_row_ + 1;
    if (first) note_pace(now);
    return turn;
  }

  // Of who joins the lane `begins` now: by how fast it moved lately, whatever held it up, and not
  // less than its first one has waited already.
  std::chrono::nanoseconds expected_wait(Time now) const {
    if (begins_.empty()) return {};
    return std::max<std::chrono::nanoseconds>(pace_ * begins_.size(), now - begins_.front().since);
  }

 private:
  struct Waiting {
    Piece piece;
    Time since;
  };

  // From one turn to the next of a lane in which somebody waited all the while.
  void note_pace(Time now) {
    if (someone_waited_) pace_ += ((now - last_turn_) - pace_) / kSmooth;
    last_turn_ = now;
    someone_waited_ = !begins_.empty();
  }

  std::deque<Waiting> begins_;
  std::deque<Waiting> goes_on_;
  std::size_t in_a_row_ = 0;  // turns of `goes_on` since the last of `begins`
  std::chrono::nanoseconds pace_{0};
  Time last_turn_;
  bool someone_waited_ = false;
};

}  // namespace countersign

#endif  // COUNTERSIGN_BASE_WORK_LINE_H_
