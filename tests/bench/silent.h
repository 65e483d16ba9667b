// Clients that mean no good: they hold connections and say nothing, or say it slowly.
#ifndef COUNTERSIGN_TESTS_BENCH_SILENT_H_
#define COUNTERSIGN_TESTS_BENCH_SILENT_H_

#include <chrono>

#include "tests/bench/dialler.h"

namespace countersign::bench {

struct SilentOptions {
  // Held at a time, opened again where the service closes them: a third says nothing after TCP, a
  // third nothing after TLS, and a third sends a header of which each byte takes a second.
  std::size_t connections = 1;
  bool only_tls = false;     // all of the second kind, for the memory that one takes
  std::size_t connects = 0;  // besides, evenly over the time, each closed at once
  std::chrono::milliseconds time{5000};
};
struct SilentResult {
  std::size_t opened = 0, closed_by_service = 0, connects = 0, held_at_end = 0;
};

// Prints "ready" once all connections were opened, and holds them for the time from then on.
SilentResult be_silent(Dialler& dialler, const SilentOptions& options);

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_SILENT_H_
