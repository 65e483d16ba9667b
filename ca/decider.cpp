#include "ca/decider.h"

#include "base/log.h"
#include "ca/endpoint.h"
#include "ca/external_program.h"
#include "ca/foreign_text.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kLargestAnswer = std::size_t{64} << 10U;
constexpr std::size_t kLongestNote = 200;

Error no_answer(const std::string& why, std::string cause = "") {
  return fail(Code::unavailable, why, std::move(cause));
}

// It answers, and will not have this question. A machine whose request it cannot digest must not be
// able to have it left alone.
bool refuses_question(int status) {
  const bool ours =
      status == 401 || status == 403 || status == 404 || status == 408 || status == 429;
  return status >= 400 && status < 500 && !ours;
}

Result<DeciderAnswer> read(const HttpsResponse& response) {
  if (refuses_question(response.status)) {
    return fail(Code::malformed,
                "it refused the question, with status " + std::to_string(response.status));
  }
  if (response.status != 200) {
    return no_answer("it answered with status " + std::to_string(response.status));
  }
  if (response.media_type() != "application/json") return no_answer("its answer is no JSON");
  auto answer = parse_decider_answer(response.body);
  if (answer.has_error()) {
    return no_answer("its answer cannot be read: " + answer.error().detail, answer.error().cause);
  }
  return answer;
}

}  // namespace

Decider::Decider(std::string name, DeciderSettings settings, const HttpsClient& https)
    : name_(std::move(name)),
      settings_(std::move(settings)),
      https_(https),
      breaker_(settings_.failures, settings_.pause),
      threads_(settings_.concurrency, settings_.concurrency + settings_.waiting) {}

DeciderStatus Decider::status() const {
  return {name_, asked_.load(), failed_.load(), breaker_.open()};
}

boost::asio::awaitable<Result<DeciderAnswer>> Decider::ask(const DeciderQuestion& question) {
  return threads_.run([this, &question] { return ask_once(question); });
}

Result<DeciderAnswer> Decider::ask_once(const DeciderQuestion& question) {
  // Only now: while this one waited, others may have found that it does not answer.
  if (!breaker_.admit(CircuitBreaker::Time::clock::now())) {
    return no_answer("it failed so often that it is left alone for a while");
  }
  asked_.fetch_add(1);
  Result<DeciderAnswer> answer = no_answer("there was no memory to ask it");
  try {
    answer = settings_.program.empty() ? ask_endpoint(question) : ask_program(question);
  } catch (const std::exception& error) {
    answer = no_answer("it could not be asked", error.what());
  }
  if (answer.has_value()) {
    breaker_.succeeded();
    return answer;
  }
  failed_.fetch_add(1);
  if (answer.error().code == Code::malformed) {
    breaker_.succeeded();
  } else {
    breaker_.failed(CircuitBreaker::Time::clock::now());
  }
  log::warn("decider_failed", {{"decider", name_},
                               {"certname", question.certname},
                               {"error", answer.error().detail},
                               {"cause", answer.error().cause}});
  return answer;
}

Result<DeciderAnswer> Decider::ask_endpoint(const DeciderQuestion& question) const {
  auto request = post_to(settings_.endpoint, question.json);
  if (request.has_error()) return request.error();
  request->deadline = settings_.deadline;
  request->body_limit = kLargestAnswer;
  request->cancel = &stopping_;
  const auto response = https_.send(*request);
  if (response.has_error()) return no_answer(response.error().detail, response.error().cause);
  return read(*response);
}

Result<DeciderAnswer> Decider::ask_program(const DeciderQuestion& question) const {
  const auto ran =
      run_program(settings_.program, question.certname, question.csr, settings_.deadline);
  if (ran.has_error()) {
    std::string why = one_line(ran.error().detail, kLongestNote);
    if (why.ends_with('.')) why.pop_back();
    return no_answer(why);
  }
  DeciderAnswer answer;
  answer.reason = one_line(ran->error_output, kLongestNote);
  if (ran->exit_code == 0) {
    answer.action = policy::Action::sign;
  } else {
    answer.reason = "exit code " + std::to_string(ran->exit_code) +
                    (answer.reason.empty() ? "" : ", " + answer.reason);
  }
  return answer;
}

}  // namespace countersign::ca
