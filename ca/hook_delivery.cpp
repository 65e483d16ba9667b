#include "ca/hook_delivery.h"

#include <algorithm>

#include "base/file_system.h"
#include "ca/endpoint.h"
#include "ca/external_program.h"
#include "ca/foreign_text.h"
#include "x509/hmac.h"

namespace countersign::ca {
namespace {

using Outcome = Delivery::Outcome;

constexpr std::size_t kLongestError = 300;
constexpr std::size_t kLargestAnswer = std::size_t{64} << 10U;  // it is not read, but may come

Delivery down(const std::string& why) { return {Outcome::down, one_line(why, kLongestError)}; }

std::string lower_hex(ByteView bytes) {
  std::string text = to_hex(bytes);
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
  }
  return text;
}

Result<std::string> signature(const std::filesystem::path& secret_file, const std::string& body,
                              Timestamp now) {
  constexpr std::size_t kLongestSecret = 8192;
  auto text = system_files().read(secret_file, kLongestSecret);
  if (text.has_error()) return fail(Code::unavailable, "its secret file cannot be read");
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  const Secret secret(std::move(*text));
  if (secret.empty()) return fail(Code::unavailable, "its secret file is empty");
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const std::string time = std::to_string(seconds);
  const Bytes code = x509::hmac_sha256(as_bytes(secret.view()), as_bytes(time + "." + body));
  return "t=" + time + ",v1=" + lower_hex(code);
}

Delivery post(const HookSettings& hook, const store::HookEventRecord& event,
              const HttpsClient& https, Timestamp now, const std::atomic<bool>& stop) {
  auto request = post_to(hook.endpoint, event.body);
  if (request.has_error()) return down(request.error().detail);
  request->headers.emplace_back("Countersign-Delivery", event.id);
  request->headers.emplace_back("Countersign-Event", event.event);
  if (!hook.secret_file.empty()) {
    auto made = signature(hook.secret_file, event.body, now);
    if (made.has_error()) return down(made.error().detail);
    request->headers.emplace_back("Countersign-Signature", std::move(*made));
  }
  request->deadline = hook.deadline;
  request->body_limit = kLargestAnswer;
  request->cancel = &stop;
  const auto response = https.send(*request);
  if (response.has_error()) return down(response.error().detail);
  const int status = response->status;
  if (status >= 200 && status < 300) return {Outcome::done, ""};
  Delivery failed = down("it answered with status " + std::to_string(status));
  const bool busy = status == 408 || status == 429;
  if (status >= 400 && status < 500 && !busy) failed.outcome = Outcome::refused;
  return failed;
}

Delivery run(const HookSettings& hook, const store::HookEventRecord& event) {
  const auto ran = run_program(hook.program, event.event, event.body, hook.deadline);
  if (ran.has_error()) return down(ran.error().detail);
  if (ran->exit_code == 0) return {Outcome::done, ""};
  Delivery failed = down("exit code " + std::to_string(ran->exit_code) + ", " + ran->error_output);
  failed.outcome = Outcome::refused;
  return failed;
}

}  // namespace

Delivery deliver(const HookSettings& hook, const store::HookEventRecord& event,
                 const HttpsClient& https, Timestamp now, const std::atomic<bool>& stop) {
  if (!hook.program.empty()) return run(hook, event);
  return post(hook, event, https, now, stop);
}

std::chrono::milliseconds backoff(std::int64_t failures, std::chrono::milliseconds most,
                                  const Random& random) {
  const std::int64_t doublings = std::clamp<std::int64_t>(failures - 1, 0, 30);
  const std::int64_t whole = std::min<std::int64_t>(most.count(), std::int64_t{1000} << doublings);
  const Bytes dice = random.bytes(2);
  const std::int64_t part = (dice[0] * 256 + dice[1]) * (whole / 2) / 65536;
  return std::chrono::milliseconds(whole - whole / 2 + part);
}

}  // namespace countersign::ca
