// Records as JSON: snake_case, RFC 3339 in UTC, serials in upper-case hex.
#ifndef COUNTERSIGN_API_REST_JSON_FORM_H_
#define COUNTERSIGN_API_REST_JSON_FORM_H_

#include <boost/json.hpp>
#include <optional>
#include <string>

#include "api/http/message.h"
#include "api/rest/json_body.h"
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

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_REST_JSON_FORM_H_
