// What each verb asks of the server, for the table of ca/permissions.h. docs/roles.md shows it.
#ifndef COUNTERSIGN_CLI_VERB_ACTIONS_H_
#define COUNTERSIGN_CLI_VERB_ACTIONS_H_

#include <array>
#include <optional>
#include <string_view>

#include "ca/caller.h"

namespace countersign::cli {

struct VerbAction {
  std::string_view verb;             // with what tells it from another use of the same verb
  std::optional<ca::Action> action;  // nullopt: the server is not asked
};

inline constexpr std::array<VerbAction, 30> kVerbActions = {{
    {"init", std::nullopt},
    {"import puppet", std::nullopt},
    {"export puppet", std::nullopt},
    {"serve", std::nullopt},
    {"list", ca::Action::read_all},
    {"show", ca::Action::read_all},
    {"watch", ca::Action::read_all},
    {"sign", ca::Action::decide},
    {"deny", ca::Action::decide},
    {"revoke", ca::Action::revoke},
    {"clean", ca::Action::revoke},
    {"token create", ca::Action::mint},
    {"token create --role", ca::Action::administer_tokens},
    {"token list", ca::Action::administer_tokens},
    {"token list --enrolment", ca::Action::read_all},
    {"token revoke (of a machine)", ca::Action::mint},
    {"token revoke", ca::Action::administer_tokens},
    {"audit list", ca::Action::read_all},
    {"audit export", ca::Action::read_all},
    {"audit verify", std::nullopt},
    {"audit key", std::nullopt},
    {"hook list", ca::Action::read_all},
    {"policy check", std::nullopt},
    {"policy explain", ca::Action::explain},
    {"policy explain --policy", std::nullopt},
    {"policy test", std::nullopt},
    {"policy diff", std::nullopt},
    {"policy replay", ca::Action::replay},
    {"policy reload", ca::Action::reload_policy},
    {"version", std::nullopt},
}};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_VERB_ACTIONS_H_
