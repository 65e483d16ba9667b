// Enrols machines over a number of connections from one thread, as cheaply as it can: the generator
// shares the processors with the service that it measures.
#ifndef COUNTERSIGN_TESTS_BENCH_LOAD_H_
#define COUNTERSIGN_TESTS_BENCH_LOAD_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/machines.h"

namespace countersign::bench {

struct LoadOptions {
  std::uint16_t port = 0;  // on 127.0.0.1
  std::string chain_file;
  std::size_t connections = 1;
  // True: a connection serves many enrolments. False: each request has a connection and a TLS
  // handshake of its own, so an enrolment has two.
  bool kept = true;
  // Instead of enrolling: each connection is that of one machine that is enrolled already, and
  // renews its certificate again and again.
  bool renew = false;
  std::chrono::milliseconds time{5000};  // no enrolment starts after it
};

struct LoadResult {
  std::size_t enrolled = 0;  // or renewed
  std::size_t failed = 0;
  std::chrono::duration<double> took{};
  std::vector<float> latencies_ms;    // from the PUT's start to the GET's end, or a POST; sorted
  std::vector<std::string> failures;  // the first few, in words
};

// Ends when the time is up and what runs is finished, or when every machine had its turn; what has
// made no progress for 10 s is a failure. Kept connections are open before the clock starts.
// Throws std::runtime_error if the service cannot be reached or is not who `chain_file` says.
LoadResult enrol(std::vector<Machine>& machines, const LoadOptions& options);

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_LOAD_H_
