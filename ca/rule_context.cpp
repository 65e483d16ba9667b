#include "ca/rule_context.h"

namespace countersign::ca {

policy::LoadContext rule_context(const AuthorityConfig& config) {
  policy::LoadContext context;
  for (const auto& [name, profile] : config.profiles) {
    if (name != "agent") context.profiles.push_back(name);
  }
  for (const auto& [name, decider] : config.deciders) context.deciders.push_back(name);
  return context;
}

}  // namespace countersign::ca
