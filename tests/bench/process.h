// What processes use of the machine.
#ifndef COUNTERSIGN_TESTS_BENCH_PROCESS_H_
#define COUNTERSIGN_TESTS_BENCH_PROCESS_H_

#include <string>

namespace countersign::bench {

// User and system time, in seconds. Throws std::runtime_error if there is no such process.
double cpu_of(const std::string& pid);
double rss_mib(const std::string& pid);
double own_cpu();

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_PROCESS_H_
