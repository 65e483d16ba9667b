// How many machines a running service enrols a second, what that costs it, and how long each waits.
//   enrol_bench --port N --chain FILE --pid PID --prefix NAME
//               [--connections N] [--mode kept|new|renew] [--seconds N] [--machines N]
// With `renew`, a machine a connection is enrolled first, and what is counted are its renewals.
// Prints one line: mode, connections, enrolments, enrolments a second, the service's CPU ms an
// enrolment, the generator's own, p50, p99 and the longest ms, the service's RSS in MiB, failures.
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

#include "tests/bench/load.h"

namespace {

using namespace countersign::bench;

// A certificate in this many is verified against the chain, after the clock has stopped.
constexpr std::size_t kSample = 16;

std::map<std::string, std::string> read_options(int argc, char** argv) {
  std::map<std::string, std::string> options = {
      {"--connections", "1"}, {"--mode", "kept"}, {"--seconds", "5"}, {"--machines", "10000"},
      {"--port", ""},         {"--chain", ""},    {"--pid", ""},      {"--prefix", ""},
  };
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto known = options.find(argv[i]);
    if (known == options.end()) throw std::runtime_error(std::string("unknown flag ") + argv[i]);
    known->second = argv[i + 1];
  }
  for (const auto& [flag, value] : options) {
    if (value.empty()) throw std::runtime_error(flag + " is needed");
  }
  return options;
}

// User and system time of a process, in seconds (proc(5), stat fields 14 and 15).
double cpu_of(const std::string& pid) {
  std::ifstream stream("/proc/" + pid + "/stat");
  std::string line;
  std::getline(stream, line);
  // The name in parentheses may hold anything.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  double user = 0;
  double system = 0;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  fields >> user >> system;
  if (!fields) throw std::runtime_error("cannot read the CPU time of process " + pid);
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double rss_mib(const std::string& pid) {
  std::ifstream stream("/proc/" + pid + "/status");
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  }
  throw std::runtime_error("cannot read the memory of process " + pid);
}

double own_cpu() {
  ::rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const ::timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

float percentile(const std::vector<float>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

void verify_sample(const Verifier& verifier, const std::vector<Machine>& machines,
                   LoadResult& result) {
  std::size_t seen = 0;
  for (const Machine& machine : machines) {
    if (machine.certificate.empty() || seen++ % kSample != 0) continue;
    const std::string problem = verifier.check(machine);
    if (problem.empty()) continue;
    ++result.failed;
    result.failures.push_back(machine.name + ": " + problem);
  }
}

int run(int argc, char** argv) {
  const auto options = read_options(argc, argv);
  const std::string& pid = options.at("--pid");
  const std::string& mode = options.at("--mode");
  if (mode != "kept" && mode != "new" && mode != "renew") {
    throw std::runtime_error("--mode is kept, new or renew");
  }
  LoadOptions load{
      .port = static_cast<std::uint16_t>(std::stoul(options.at("--port"))),
      .chain_file = options.at("--chain"),
      .connections = std::stoul(options.at("--connections")),
      .kept = mode != "new",
      .time = std::chrono::seconds(std::stoul(options.at("--seconds"))),
  };
  const Verifier verifier(load.chain_file);
  const bool renew = mode == "renew";
  auto machines = make_machines(options.at("--prefix"),
                                renew ? load.connections : std::stoul(options.at("--machines")));
  if (renew) {
    const LoadResult first = enrol(machines, load);
    if (first.enrolled != machines.size()) throw std::runtime_error("not all were enrolled first");
    load.renew = true;
  }

  const double server_before = cpu_of(pid);
  const double own_before = own_cpu();
  LoadResult result = enrol(machines, load);
  const double own_ms = (own_cpu() - own_before) * 1000;
  const double server_ms = (cpu_of(pid) - server_before) * 1000;

  verify_sample(verifier, machines, result);
  for (const std::string& failure : result.failures) std::cerr << failure << "\n";
  const auto count = static_cast<double>(std::max<std::size_t>(result.enrolled, 1));
  const auto& waits = result.latencies_ms;
  std::printf("%s %zu %zu %.0f %.3f %.3f %.2f %.2f %.2f %.1f %zu\n", mode.c_str(), load.connections,
              result.enrolled, count / result.took.count(), server_ms / count, own_ms / count,
              static_cast<double>(percentile(waits, 0.5)),
              static_cast<double>(percentile(waits, 0.99)),
              static_cast<double>(percentile(waits, 1)), rss_mib(pid), result.failed);
  return result.failed == 0 && result.enrolled > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "enrol_bench: " << error.what() << "\n";
    return 2;
  }
}
