#include "store/records.h"

namespace countersign::store {

std::string_view to_string(RequestState state) {
  switch (state) {
    case RequestState::queued:
      return "queued";
    case RequestState::signed_:
      return "signed";
    case RequestState::denied:
      return "denied";
    case RequestState::withdrawn:
      return "withdrawn";
    case RequestState::expired:
      return "expired";
  }
  return "queued";
}

std::optional<RequestState> parse_request_state(std::string_view text) {
  for (const auto state : {RequestState::queued, RequestState::signed_, RequestState::denied,
                           RequestState::withdrawn, RequestState::expired}) {
    if (to_string(state) == text) return state;
  }
  return std::nullopt;
}

}  // namespace countersign::store
