// /v1/certificates, revocation, the chain and the CRL, history.
#include "api/rest/json_form.h"
#include "api/rest/problem.h"
#include "api/rest/route.h"
#include "x509/crl.h"
#include "x509/pem.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kPemFile = "application/x-pem-file";
constexpr std::string_view kCrlFile = "application/pkix-crl";

Response pem_response(std::string text) {
  Response response;
  response.content_type = kPemFile;
  response.body = std::move(text);
  return response;
}

Result<Bytes> path_serial(const Request& request) {
  std::string text = request.parameters.at("serial");
  if (text.size() % 2 != 0) text.insert(0, 1, '0');
  auto serial = from_hex(text);
  if (!serial || serial->empty() || serial->size() > 20) {
    return fail(Code::malformed, "A serial is written in hexadecimal.");
  }
  // Records hold no leading zero.
  while (serial->size() > 1 && serial->front() == 0) serial->erase(serial->begin());
  return std::move(*serial);
}

Result<x509::RevocationReason> body_reason(const json::object& body) {
  const auto text = json_text(body, "reason", "unspecified");
  if (text.has_error()) return text.error();
  const auto reason = x509::parse_revocation_reason(*text);
  if (!reason) {
    return fail(Code::malformed, "'" + *text +
                                     "' is no revocation reason. Use unspecified, keyCompromise, "
                                     "affiliationChanged, superseded, cessationOfOperation or "
                                     "privilegeWithdrawn.");
  }
  return *reason;
}

Result<store::CertificateQuery> certificate_query(const Request& request) {
  store::CertificateQuery query;
  query.certname = query_value(request.query, "certname");
  if (const auto state = query_value(request.query, "state")) {
    query.state = store::parse_certificate_state(*state);
    if (!query.state) {
      return fail(Code::malformed, "'" + *state + "' is no state. Use signed, revoked or expired.");
    }
  }
  if (const auto before = query_value(request.query, "expires_before")) {
    query.expires_before = parse_rfc3339(*before);
    if (!query.expires_before) {
      return fail(Code::malformed, "'expires_before' must be a time like 2027-01-31T00:00:00Z.");
    }
  }
  const auto cursor = query_row_cursor(request);
  if (cursor.has_error()) return cursor.error();
  query.after = *cursor;
  auto match = query_match(request);
  if (match.has_error()) return match.error();
  const auto limit = query_limit(request);
  if (limit.has_error()) return limit.error();
  query.match = std::move(*match);
  query.limit = *limit;
  return query;
}

}  // namespace

Answer list_certificates(Call call) {
  auto query = certificate_query(call.request);
  if (query.has_error()) co_return problem(query.error(), call.request);
  const auto page = co_await call.authority.certificates(std::move(*query), call.caller);
  if (page.has_error()) co_return problem(page.error(), call.request);
  json::array rows;
  const Timestamp now = call.authority.clock().now();
  for (const auto& row : page->rows) rows.push_back(to_json(row, now, false));
  json::object body{{"certificates", std::move(rows)}, {"next_cursor", nullptr}};
  if (page->next != 0) body["next_cursor"] = std::to_string(page->next);
  co_return json_response(200, body);
}

Answer get_certificate(Call call) {
  auto serial = path_serial(call.request);
  if (serial.has_error()) co_return problem(serial.error(), call.request);
  const auto row = co_await call.authority.certificate(std::move(*serial), call.caller);
  if (row.has_error()) co_return problem(row.error(), call.request);
  const std::string_view json_type = "application/json";
  if (preferred_type(call.request, {json_type, kPemFile, "text/plain"}) != json_type) {
    if (row->der.empty()) {
      const auto absent =
          fail(Code::not_found,
               "The certificate itself is not here: the CA from which this one was taken over had "
               "not kept it. As application/json there is what is known of it.");
      co_return problem(absent, call.request);
    }
    co_return pem_response(certificate_pem(*row));
  }
  json::object body = to_json(*row, call.authority.clock().now(), true);
  if (!ca::allowed(call.caller, ca::Action::read_all)) {
    // How a certificate came about is no concern of strangers.
    body.erase("rule");
    body.erase("profile");
  }
  co_return json_response(200, body);
}

Answer revoke_certificate(Call call) {
  auto serial = path_serial(call.request);
  if (serial.has_error()) co_return problem(serial.error(), call.request);
  const auto body = json_body(call.request, {"reason"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  const auto reason = body_reason(*body);
  if (reason.has_error()) co_return problem(reason.error(), call.request);
  auto row = co_await call.authority.revoke(*serial, *reason, call.caller);
  if (row.has_error() && row.error().code == Code::already_revoked) {
    // The same call again gets the same answer.
    row = co_await call.authority.certificate(*serial, call.caller);
  }
  if (row.has_error()) co_return problem(row.error(), call.request);
  co_return json_response(200, to_json(*row, call.authority.clock().now(), false));
}

Answer revoke_name(Call call) {
  const auto body = json_body(call.request, {"certname", "reason"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  const auto certname = json_text(*body, "certname");
  if (certname.has_error()) co_return problem(certname.error(), call.request);
  const auto reason = body_reason(*body);
  if (reason.has_error()) co_return problem(reason.error(), call.request);
  const auto count = co_await call.authority.revoke_name(*certname, *reason, call.caller);
  if (count.has_error()) co_return problem(count.error(), call.request);
  const json::object answer{{"revoked", *count}};
  co_return json_response(200, answer);
}

Answer clean_names(Call call) {
  const auto body = json_body(call.request, {"certnames"});
  if (body.has_error()) co_return problem(body.error(), call.request);
  const json::value* names = body->if_contains("certnames");
  if (names == nullptr || !names->is_array()) {
    co_return problem(fail(Code::malformed, "'certnames' must be a list of texts."), call.request);
  }
  std::vector<std::string> wanted;
  for (const json::value& name : names->get_array()) {
    if (!name.is_string()) {
      co_return problem(fail(Code::malformed, "'certnames' must be a list of texts."),
                        call.request);
    }
    wanted.emplace_back(name.get_string());
  }
  const auto permitted = co_await call.authority.permit(ca::Action::revoke, wanted, call.caller);
  if (permitted.has_error()) co_return problem(permitted.error(), call.request);
  json::array cleaned;
  json::array not_found;
  for (const std::string& name : wanted) {
    const auto done = co_await call.authority.clean(name, {}, call.caller);
    if (done.has_value()) {
      cleaned.emplace_back(name);
    } else if (done.error().code == Code::not_found) {
      not_found.emplace_back(name);
    } else {
      co_return problem(done.error(), call.request);
    }
  }
  const json::object answer{{"cleaned", std::move(cleaned)}, {"not_found", std::move(not_found)}};
  co_return json_response(200, answer);
}

Answer get_chain(Call call) { co_return pem_response(call.authority.chain_pem()); }

Answer get_crl(Call call) {
  if (preferred_type(call.request, {kPemFile, kCrlFile}) != kCrlFile) {
    Response response = pem_response("");
    response.shared_body = call.authority.crl_pem();
    co_return response;
  }
  Response response;
  response.content_type = kCrlFile;
  response.shared_body = call.authority.crl_der();
  co_return response;
}

Answer get_history(Call call) {
  const auto limit = query_limit(call.request);
  if (limit.has_error()) co_return problem(limit.error(), call.request);
  const auto rows = co_await call.authority.history(
      query_value(call.request.query, "subject").value_or(""), *limit, call.caller);
  if (rows.has_error()) co_return problem(rows.error(), call.request);
  json::array list;
  for (const auto& row : *rows) list.push_back(to_json(row));
  const json::object answer{{"history", std::move(list)}};
  co_return json_response(200, answer);
}

}  // namespace countersign::api
