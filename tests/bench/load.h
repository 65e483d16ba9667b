// Drives work over connections from one thread, as cheaply as it can: the generator shares the
// processors with the service that it measures.
#ifndef COUNTERSIGN_TESTS_BENCH_LOAD_H_
#define COUNTERSIGN_TESTS_BENCH_LOAD_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/dialler.h"
#include "tests/bench/work.h"

namespace countersign::bench {

enum class Connect {
  kept,      // a connection serves many jobs; all are open before the clock starts
  each_job,  // a TLS handshake a job
  each_request,
};

struct LoadOptions {
  std::size_t connections = 1;  // the most at a time
  Connect connect = Connect::kept;
  std::chrono::milliseconds time{5000};  // no job starts after it
  // When jobs arrive, from the start, rising. Empty: each connection begins its next job as soon
  // as its last one is done. Otherwise a job's latency counts from its arrival, whenever the
  // generator comes to it, and one that finds no connection free waits. If it may not wait it is
  // not offered at all, and the latency of the others counts from when they are.
  std::vector<std::chrono::microseconds> arrivals;
  bool wait_for_connection = true;
  std::chrono::milliseconds stalled{10000};  // a job that takes longer is a failure
};

enum class Outcome : std::uint8_t { done, refused, failed };

struct JobResult {
  float at = 0;  // its arrival, seconds from the start
  float ms = 0;  // from there to the last answer
  std::uint32_t job = 0;
  Outcome outcome = Outcome::failed;
  bool begun = false;  // the first of its requests was answered
};

struct LoadResult {
  std::vector<JobResult> jobs;
  std::size_t not_offered = 0;  // arrivals that found no connection free
  std::chrono::duration<double> took{};
  std::chrono::system_clock::time_point begin;
  std::vector<std::string> failures;  // the first few, in words
};

// Ends when the time is up and what runs is finished, or when every job was done or failed. A 503
// that says when to come again is `refused`, and the job has another turn after all others if time
// is left. Throws std::runtime_error if the service cannot be reached
// or is not who the chain file says.
LoadResult drive(Work& work, Dialler& dialler, const LoadOptions& options);

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_LOAD_H_
