// [hook.NAME] of the service's configuration, and what hooks can be told of.
#ifndef COUNTERSIGN_CA_HOOK_SETTINGS_H_
#define COUNTERSIGN_CA_HOOK_SETTINGS_H_

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "ca/decider_settings.h"

namespace countersign::ca {

enum class HookEvent {
  queued,    // a new request waits for a person
  issued,    // policy signed a request at once
  approved,  // a person had a request signed
  denied,    // by policy or a person
  expired,   // a request waited for too long
  expiring,  // a certificate is near its end
};
std::string_view to_string(HookEvent event);
std::optional<HookEvent> parse_hook_event(std::string_view text);

struct HookSettings {
  std::set<HookEvent> on;
  Endpoint endpoint;
  std::filesystem::path program;      // instead of an endpoint
  std::filesystem::path secret_file;  // for the signature of what is sent; "": none
  std::string match;                  // RE2, found anywhere in the certname; "": all
  std::set<std::string> rules;        // by name; empty: all
  std::chrono::milliseconds deadline{10'000};
  std::chrono::seconds expiring_before = std::chrono::days(14);
  std::chrono::seconds give_up_after = std::chrono::days(3);
  std::int64_t most_waiting = 10'000;  // then the oldest goes
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_HOOK_SETTINGS_H_
