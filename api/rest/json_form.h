// Records as JSON: snake_case, RFC 3339 in UTC, serials in upper-case hex.
#ifndef COUNTERSIGN_API_REST_JSON_FORM_H_
#define COUNTERSIGN_API_REST_JSON_FORM_H_

#include <boost/json.hpp>
#include <initializer_list>
#include <optional>
#include <string>

#include "api/http/message.h"
#include "ca/authority.h"
#include "policy/decision.h"
#include "store/store.h"

namespace countersign::api {

// `whole`: with trace and CSR.
boost::json::object to_json(const store::RequestRecord& request, bool whole);
// `whole`: with the PEM.
boost::json::object to_json(const store::CertificateRecord& certificate, Timestamp now, bool whole);
boost::json::object to_json(const ca::Grant& grant);
boost::json::object to_json(const store::TokenRecord& token);
boost::json::object to_json(const store::EnrolmentTokenRecord& token, Timestamp now);
boost::json::object to_json(const store::AuditRecord& row);
boost::json::object to_json(const ca::Explanation& explanation);

std::string certificate_pem(const store::CertificateRecord& certificate);

Response json_response(unsigned status, const boost::json::value& body);

// The body as an object with no key but those of `known`. malformed otherwise; an empty body is an
// empty object.
Result<boost::json::object> json_body(const Request& request,
                                      std::initializer_list<std::string_view> known);
// A member that must be a text; malformed if it is missing (unless `fallback`) or something else.
Result<std::string> json_text(const boost::json::object& object, std::string_view key,
                              std::optional<std::string> fallback = std::nullopt);

// A member that must be a whole number above 0, or absent: malformed otherwise.
Result<std::optional<std::int64_t>> json_count(const boost::json::object& object,
                                               std::string_view key);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_REST_JSON_FORM_H_
