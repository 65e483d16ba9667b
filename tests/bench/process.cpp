#include "tests/bench/process.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace countersign::bench {

// proc(5), stat fields 14 and 15.
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

}  // namespace countersign::bench
