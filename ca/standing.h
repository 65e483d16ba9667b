// The roles that the configuration gives to certnames.
#ifndef COUNTERSIGN_CA_STANDING_H_
#define COUNTERSIGN_CA_STANDING_H_

#include <map>
#include <memory>
#include <string>

#include "ca/caller.h"

namespace countersign::ca {

struct Standing {
  Role role = Role::agent;
  std::shared_ptr<const policy::Scope> scope = nullptr;  // null: narrowed to nothing
};

// By certname, exactly.
using Standings = std::map<std::string, Standing>;

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_STANDING_H_
