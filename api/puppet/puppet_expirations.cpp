// expirations: until when the CA certificates and the CRLs that agents get are good.
#include <boost/json.hpp>

#include "api/puppet/puppet_call.h"
#include "api/puppet/status_object.h"

namespace countersign::api {
namespace {

boost::json::object dates(const std::map<std::string, Timestamp>& times) {
  boost::json::object object;
  for (const auto& [name, time] : times) object[name] = puppet_time(time);
  return object;
}

}  // namespace

Answer get_expirations(PuppetCall call) {
  const auto found = co_await call.authority.expirations(call.caller);
  if (found.has_error()) co_return puppet_error(found.error(), call.request, 500);
  const boost::json::object object{{"ca-certs", dates(found->certificates)},
                                   {"crls", dates(found->crls)}};
  co_return plain(200, boost::json::serialize(object), "application/json");
}

}  // namespace countersign::api
