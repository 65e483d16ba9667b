#include "base/result.h"

#include <stdexcept>

namespace countersign {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::malformed:
      return "malformed";
    case Code::too_large:
      return "too-large";
    case Code::bad_csr:
      return "bad-csr";
    case Code::bad_proof:
      return "bad-proof";
    case Code::bad_key:
      return "bad-key";
    case Code::bad_name:
      return "bad-name";
    case Code::name_mismatch:
      return "name-mismatch";
    case Code::not_granted:
      return "not-granted";
    case Code::denied:
      return "denied";
    case Code::unauthenticated:
      return "unauthenticated";
    case Code::forbidden:
      return "forbidden";
    case Code::out_of_scope:
      return "out-of-scope";
    case Code::not_found:
      return "not-found";
    case Code::request_exists:
      return "request-exists";
    case Code::certificate_exists:
      return "certificate-exists";
    case Code::revoked_exists:
      return "revoked-exists";
    case Code::conflict:
      return "conflict";
    case Code::already_revoked:
      return "already-revoked";
    case Code::already_approved:
      return "already-approved";
    case Code::rate_limited:
      return "rate-limited";
    case Code::overloaded:
      return "overloaded";
    case Code::unavailable:
      return "unavailable";
    case Code::internal:
      return "internal";
  }
  return "internal";
}

void throw_exception_from_error(const Error& error, const boost::source_location& loc) {
  throw std::logic_error(std::string(loc.function_name()) + ": unchecked error " +
                         std::string(to_string(error.code)) + ": " + error.detail +
                         (error.cause.empty() ? "" : " (" + error.cause + ")"));
}

}  // namespace countersign
