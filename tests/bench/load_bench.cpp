// Puts a running service under load and prints one JSON object of what came of it. run.py calls it.
//   load_bench --port N --chain FILE --pid PID [flags of kDefaults]
// --mode: enrol, renew, token (with --tokens FILE), revoke (--serials FILE), get (--paths FILE):
//   a line of the file a job; silent. --connect: kept, new (a connection a job), new-each (a
//   request). --rate N or --arrivals N: an open loop, jobs at random times, N a second or N in all;
//   --then-rate N: at that rate for --then-seconds afterwards, which tells when all was normal
//   again. --jobs FILE: a line "serial or number, time of the answer" of each that went well.
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <stdexcept>
#include <string>

#include "tests/bench/load.h"
#include "tests/bench/process.h"
#include "tests/bench/silent.h"

namespace {

using namespace countersign::bench;
using Options = std::map<std::string, std::string>;

// A certificate in this many is verified against the chain, after the clock has stopped.
constexpr std::size_t kSample = 16;
// After an overload: what takes longer is not normal yet.
constexpr float kNormalMs = 250;

const Options kDefaults = {
    {"--port", ""},        {"--chain", ""},      {"--pid", ""},           {"--mode", "enrol"},
    {"--connect", "kept"}, {"--prefix", "m"},    {"--connections", "1"},  {"--seconds", "5"},
    {"--machines", "100"}, {"--sources", "1"},   {"--cert", "-"},         {"--key", "-"},
    {"--tokens", "-"},     {"--serials", "-"},   {"--paths", "-"},        {"--rate", "0"},
    {"--arrivals", "0"},   {"--then-rate", "0"}, {"--then-seconds", "0"}, {"--drop", "no"},
    {"--jobs", "-"},       {"--connects", "0"},  {"--only-tls", "no"},    {"--stalled", "10"},
};

Options read_options(int argc, char** argv) {
  Options options = kDefaults;
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto known = options.find(argv[i]);
    if (known == options.end()) throw std::runtime_error(std::string("unknown flag ") + argv[i]);
    known->second = argv[i + 1];
  }
  for (auto& [flag, value] : options) {
    if (value.empty()) throw std::runtime_error(flag + " is needed");
    if (value == "-") value.clear();
  }
  return options;
}

double number(const Options& options, const std::string& flag) {
  return std::stod(options.at(flag));
}
std::size_t count(const Options& options, const std::string& flag) {
  return std::stoul(options.at(flag));
}
std::chrono::milliseconds seconds(const Options& options, const std::string& flag) {
  return std::chrono::milliseconds(std::llround(number(options, flag) * 1000));
}

std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  if (lines.empty()) throw std::runtime_error("'" + file + "' holds no line");
  return lines;
}

Connect connect_of(const std::string& text) {
  if (text == "kept") return Connect::kept;
  if (text == "new") return Connect::each_job;
  if (text == "new-each") return Connect::each_request;
  throw std::runtime_error("--connect is kept, new or new-each");
}

void add_arrivals(std::size_t jobs, std::chrono::milliseconds from, std::chrono::milliseconds time,
                  std::vector<std::chrono::microseconds>& arrivals) {
  std::mt19937_64 random(jobs);  // the same ones in each run
  std::uniform_int_distribution<std::int64_t> any(0, time.count() * 1000);
  for (std::size_t i = 0; i < jobs; ++i) {
    arrivals.push_back(from + std::chrono::microseconds(any(random)));
  }
  std::ranges::sort(arrivals);
}

LoadOptions load_options(const Options& options) {
  LoadOptions load;
  load.connections = count(options, "--connections");
  load.connect = connect_of(options.at("--connect"));
  load.stalled = seconds(options, "--stalled");
  load.wait_for_connection = options.at("--drop") != "yes";
  const auto first = seconds(options, "--seconds");
  const auto then = seconds(options, "--then-seconds");
  auto jobs = count(options, "--arrivals");
  if (jobs == 0) {
    jobs = static_cast<std::size_t>(number(options, "--rate") * number(options, "--seconds"));
  }
  add_arrivals(jobs, {}, first, load.arrivals);
  add_arrivals(
      static_cast<std::size_t>(number(options, "--then-rate") * number(options, "--then-seconds")),
      first, then, load.arrivals);
  // What arrived in time has its turn, however late.
  load.time = load.arrivals.empty() ? first : std::chrono::hours(1);
  return load;
}

std::unique_ptr<Work> work_of(const Options& options, std::vector<Machine>& machines) {
  const std::string& mode = options.at("--mode");
  if (mode == "enrol") return enrolments(machines);
  if (mode == "renew") return renewals(machines);
  if (mode == "token") return token_enrolments(machines, lines_of(options.at("--tokens")));
  if (mode == "revoke") return revocations(lines_of(options.at("--serials")));
  if (mode == "get") return reads(lines_of(options.at("--paths")));
  throw std::runtime_error("there is no mode " + mode);
}

// How many of the certificates are wrong.
std::size_t verify_sample(const std::string& chain, const std::vector<Machine>& machines,
                          std::vector<std::string>& failures) {
  const Verifier verifier(chain);
  std::size_t seen = 0;
  std::size_t wrong = 0;
  for (const Machine& machine : machines) {
    if (machine.certificate.empty() || seen++ % kSample != 0) continue;
    const std::string problem = verifier.check(machine);
    if (problem.empty()) continue;
    ++wrong;
    failures.push_back(machine.name + ": " + problem);
  }
  return wrong;
}

void write_jobs(const Options& options, const LoadResult& result) {
  if (options.at("--jobs").empty()) return;
  std::vector<std::string> names;
  if (!options.at("--serials").empty()) names = lines_of(options.at("--serials"));
  const auto begin = std::chrono::duration<double>(result.begin.time_since_epoch()).count();
  std::ofstream out(options.at("--jobs"));
  out.precision(3);
  for (const JobResult& job : result.jobs) {
    if (job.outcome != Outcome::done) continue;
    out << (names.empty() ? std::to_string(job.job) : names.at(job.job)) << " " << std::fixed
        << begin + static_cast<double>(job.at) + static_cast<double>(job.ms) / 1000 << "\n";
  }
}

float percentile(const std::vector<float>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

struct Summary {
  std::size_t done = 0, refused = 0, failed = 0;
  std::size_t first_done = 0;   // of what arrived in the first part
  std::size_t half = 0;         // of the refused: after a first request that was answered
  std::vector<float> waits;     // of those that were done, sorted
  std::vector<float> refusals;  // from the arrival, sorted
  float settled_s = 0;          // after the first part, until all was normal
};

Summary summarize(const LoadResult& result, float first_part) {
  Summary sum;
  for (const JobResult& job : result.jobs) {
    if (job.outcome == Outcome::done) {
      ++sum.done;
      sum.first_done += job.at <= first_part ? 1 : 0;
      sum.waits.push_back(job.ms);
    } else if (job.outcome == Outcome::refused) {
      ++sum.refused;
      sum.half += job.begun ? 1 : 0;
      sum.refusals.push_back(job.ms);
    } else {
      ++sum.failed;
    }
    const bool normal = job.outcome == Outcome::done && job.ms <= kNormalMs;
    if (!normal && job.at > first_part) {
      sum.settled_s = std::max(sum.settled_s, job.at - first_part);
    }
  }
  std::ranges::sort(sum.waits);
  std::ranges::sort(sum.refusals);
  return sum;
}

int load(const Options& options, Dialler& dialler) {
  const std::string& pid = options.at("--pid");
  const std::string& mode = options.at("--mode");
  std::vector<Machine> machines;
  if (mode == "enrol" || mode == "token" || mode == "renew") {
    machines = make_machines(options.at("--prefix"), count(options, "--machines"));
  }
  const LoadOptions load = load_options(options);
  if (mode == "renew") {
    if (machines.size() < load.connections) throw std::runtime_error("too few machines");
    const LoadResult first = drive(*enrolments(machines), dialler, {.connections = 1});
    if (first.jobs.size() != machines.size()) throw std::runtime_error("not all were enrolled");
  }
  const auto work = work_of(options, machines);

  const double server_before = cpu_of(pid);
  const double own_before = own_cpu();
  LoadResult result = drive(*work, dialler, load);
  const double own_s = own_cpu() - own_before;
  const double server_s = cpu_of(pid) - server_before;

  const Summary sum = summarize(result, static_cast<float>(number(options, "--seconds")));
  const std::size_t wrong = verify_sample(options.at("--chain"), machines, result.failures);
  write_jobs(options, result);
  for (const std::string& failure : result.failures) std::cerr << failure << "\n";
  const double took = result.took.count();
  std::printf("{\"done\": %zu, \"refused\": %zu, \"failed\": %zu, \"wrong\": %zu, ", sum.done,
              sum.refused, sum.failed, wrong);
  std::printf("\"not_offered\": %zu, \"seconds\": %.3f, \"rate\": %.1f, ", result.not_offered, took,
              static_cast<double>(sum.done) / took);
  const double each = 1000 / static_cast<double>(std::max<std::size_t>(sum.done, 1));
  std::printf("\"server_cpu_ms\": %.4f, \"generator_cpu_ms\": %.4f, ", server_s * each,
              own_s * each);
  for (const auto& [name, part] : {std::pair("p50", 0.5), {"p99", 0.99}, {"max", 1.0}}) {
    std::printf("\"%s_ms\": %.3f, ", name, static_cast<double>(percentile(sum.waits, part)));
  }
  std::printf("\"first_done\": %zu, \"half\": %zu, ", sum.first_done, sum.half);
  std::printf("\"median_refusal_ms\": %.1f, \"longest_refusal_ms\": %.1f, ",
              static_cast<double>(percentile(sum.refusals, 0.5)),
              static_cast<double>(percentile(sum.refusals, 1)));
  std::printf("\"settled_s\": %.2f, \"rss_mib\": %.1f}\n", static_cast<double>(sum.settled_s),
              rss_mib(pid));
  return sum.failed + wrong == 0 && sum.done > 0 ? 0 : 1;
}

int silent(const Options& options, Dialler& dialler) {
  const SilentResult result = be_silent(dialler, {.connections = count(options, "--connections"),
                                                  .only_tls = options.at("--only-tls") == "yes",
                                                  .connects = count(options, "--connects"),
                                                  .time = seconds(options, "--seconds")});
  std::printf("{\"opened\": %zu, \"closed_by_service\": %zu, \"connects\": %zu, \"held\": %zu}\n",
              result.opened, result.closed_by_service, result.connects, result.held_at_end);
  return 0;
}

int run(int argc, char** argv) {
  const auto options = read_options(argc, argv);
  ::rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  Dialler dialler({.port = static_cast<std::uint16_t>(count(options, "--port")),
                   .chain_file = options.at("--chain"),
                   .sources = static_cast<unsigned>(count(options, "--sources")),
                   .certificate_file = options.at("--cert"),
                   .key_file = options.at("--key")});
  dialler.check_server();
  return options.at("--mode") == "silent" ? silent(options, dialler) : load(options, dialler);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "load_bench: " << error.what() << "\n";
    return 2;
  }
}
