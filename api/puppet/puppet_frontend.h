// Puppet CA v1, as agents and `puppetserver ca` speak it: /puppet-ca/v1 and /status/v1.
#ifndef COUNTERSIGN_API_PUPPET_PUPPET_FRONTEND_H_
#define COUNTERSIGN_API_PUPPET_PUPPET_FRONTEND_H_

#include "api/http/message.h"
#include "ca/authority.h"

namespace countersign::api {

// The handler for the prefixes "/puppet-ca" and "/status". Thread-safe.
Handler puppet_frontend(ca::Authority& authority);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_PUPPET_PUPPET_FRONTEND_H_
