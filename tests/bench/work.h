// What the generator asks of the service, one kind a class: jobs of one or two requests each, and
// whether the answers are right.
#ifndef COUNTERSIGN_TESTS_BENCH_WORK_H_
#define COUNTERSIGN_TESTS_BENCH_WORK_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/http_answer.h"
#include "tests/bench/machines.h"

namespace countersign::bench {

class Work {
 public:
  virtual ~Work() = default;
  virtual std::size_t jobs() const = 0;
  virtual std::size_t steps() const { return 1; }
  // Does a connection do one job again and again, the one of its own number?
  virtual bool repeats() const { return false; }
  // Whose certificate the connection of the job presents; null: the client's of the options.
  virtual const Machine* holder(std::size_t) const { return nullptr; }
  // The whole request; `close`: the last of its connection.
  virtual std::string request(std::size_t job, std::size_t step, bool close) const = 0;
  // What is wrong with the answer; empty if nothing is.
  virtual std::string take(std::size_t job, std::size_t step, const Answer& answer) = 0;
};

// PUT of a request and GET of the certificate, as a Puppet agent does.
std::unique_ptr<Work> enrolments(std::vector<Machine>& machines);
// POST certificate_renewal, each on a connection of a machine that is enrolled.
std::unique_ptr<Work> renewals(std::vector<Machine>& machines);
// POST /v1/requests, each with the token of the same position.
std::unique_ptr<Work> token_enrolments(std::vector<Machine>& machines,
                                       std::vector<std::string> tokens);
// POST /v1/certificates/<serial>/revoke, by whose certificate the connection presents.
std::unique_ptr<Work> revocations(std::vector<std::string> serials);
// GET of each path, round and round.
std::unique_ptr<Work> reads(std::vector<std::string> paths);

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_WORK_H_
