// certificate_status/<name> and certificate_statuses: what `puppetserver ca` calls.
#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "api/puppet/puppet_call.h"
#include "api/puppet/status_object.h"
#include "base/log.h"

namespace countersign::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kText = "text/plain; charset=UTF-8";
constexpr const char* kCharset = ";charset=utf-8";  // as puppetserver has it behind a JSON type
// Of what is refused before a certificate is looked for.
constexpr const char* kRefusal = "text/plain; charset=utf-8";

constexpr std::array<std::string_view, 3> kTypes = {"application/json", "text/pson", "pson"};

// The type to answer with, without its charset; "" if the client takes none that we have.
std::string negotiated(const Request& request) {
  if (request.header("accept").empty()) return "application/json";
  return std::string(acceptable_type(request, kTypes).value_or(""));
}

// Is the body's type one of ours, or not said? Parameters and case do not matter.
bool takes(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return type.empty() || std::ranges::any_of(kTypes, [&](std::string_view known) {
           return same_letters(type, known);
         });
}

std::string shown(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

struct Wanted {
  std::string state;
  std::optional<std::chrono::seconds> ttl;
};

// The checks of the contract, section 1.3, rows 1 to 5; the error is Puppet's text.
Result<Wanted> read_wanted(const std::string& body, const std::string& name) {
  json::error_code error;
  const json::value value = json::parse(body, error);
  if (error || !value.is_object()) return fail(Code::malformed, "Request body is not JSON.");
  const json::object& object = value.get_object();
  const json::value* state = object.if_contains("desired_state");
  if (state == nullptr || !state->is_string()) {
    return fail(Code::malformed, "Missing required parameter \"desired_state\"");
  }
  Wanted wanted{.state = std::string(state->get_string()), .ttl = std::nullopt};
  if (wanted.state != "signed" && wanted.state != "revoked") {
    return fail(Code::malformed, "State " + wanted.state +
                                     " invalid; Must specify desired state of 'signed' or "
                                     "'revoked' for host " +
                                     name + ".");
  }
  const json::value* ttl = object.if_contains("cert_ttl");
  if (ttl == nullptr || ttl->is_null()) return wanted;
  if (!ttl->is_int64() && !ttl->is_uint64()) {
    return fail(Code::malformed, "cert_ttl specified for host " + name +
                                     " must be an integer, not \"" + shown(*ttl) + "\"");
  }
  // An integer of 64 bits is one, and far too large for any bound. A larger one JSON reads as a
  // floating-point number, and the answer above calls it none.
  wanted.ttl =
      ttl->is_int64() ? std::chrono::seconds(ttl->get_int64()) : std::chrono::seconds::max();
  return wanted;
}

Answer revoke(PuppetCall& call) {
  const std::vector<std::string> names = {call.subject};
  const auto may = co_await call.authority.permit(ca::Action::revoke, names, call.caller);
  if (may.has_error()) co_return puppet_error(may.error(), call.request, 403);
  const auto done = co_await call.authority.revoke_name(
      call.subject, x509::RevocationReason::key_compromise, call.caller);
  if (done.has_value()) co_return plain(204, "");
  if (done.error().code != Code::not_found) {
    co_return puppet_error(done.error(), call.request, 409);
  }
  const auto queued = co_await call.authority.queued_request(call.subject, call.caller);
  if (queued.has_value()) {
    co_return plain(
        409, "Cannot revoke certificate for host " + call.subject + " without a signed certificate",
        std::string(kText));
  }
  co_return plain(404, "Invalid certificate subject.", std::string(kText));
}

Answer sign(PuppetCall& call, std::optional<std::chrono::seconds> ttl) {
  // Before anything is said of the name.
  const std::vector<std::string> names = {call.subject};
  const auto may = co_await call.authority.permit(ca::Action::decide, names, call.caller);
  if (may.has_error()) co_return puppet_error(may.error(), call.request, 403);
  const auto done = co_await puppet_sign(call, call.subject, ttl);
  if (done.has_value()) co_return plain(204, "");
  if (done.error().code != Code::not_found) {
    co_return puppet_error(done.error(), call.request, 409);
  }
  const auto known = co_await call.authority.certificates_of(call.subject, call.caller);
  if (known.has_value() && !known->empty()) {
    co_return plain(
        409, "Cannot sign certificate for host " + call.subject + " without a certificate request",
        std::string(kText));
  }
  co_return plain(404, "Invalid certificate subject.", std::string(kText));
}

// One that cannot be read is left out and logged: one bad row must not hide all the others.
template <class Row>
void append(std::string& list, const Row& row) {
  const auto text = status_object(row);
  if (text.has_error()) {
    log::error("row_unreadable", {{"certname", row.certname}, {"error", text.error().detail}});
    return;
  }
  list += (list.size() > 1 ? "," : "") + *text;
}

}  // namespace

ca::Approval puppet_approval(const PuppetCall& call, std::optional<std::chrono::seconds> ttl) {
  const auto& settings = call.authority.config().puppet;
  return {.subject_alt_names = settings.allow_subject_alt_names,
          .authorization_extensions = settings.allow_authorization_extensions,
          .puppet = true,
          .validity = ttl};
}

boost::asio::awaitable<Result<void>> puppet_sign(PuppetCall& call, std::string certname,
                                                 std::optional<std::chrono::seconds> ttl) {
  const auto row = co_await call.authority.queued_request(certname, call.caller);
  if (row.has_error()) co_return row.error();
  const auto done =
      co_await call.authority.approve(row->id, puppet_approval(call, ttl), call.caller);
  if (done.has_error()) co_return done.error();
  if (done->approvals_missing > 0) {
    // Puppet knows nothing between signed and not: its CLI must not say that this one is.
    co_return fail(Code::conflict, "Your approval of " + certname + " is kept, and " +
                                       std::to_string(done->approvals_missing) +
                                       " more of other people must follow before it is signed");
  }
  co_return Result<void>();
}

boost::asio::awaitable<Result<std::vector<store::RequestRecord>>> all_queued(PuppetCall& call) {
  std::vector<store::RequestRecord> all;
  store::RequestQuery query{.state = store::RequestState::queued, .limit = 1000};
  do {
    auto page = co_await call.authority.requests(query, call.caller);
    if (page.has_error()) co_return page.error();
    for (auto& row : page->rows) all.push_back(std::move(row));
    query.after = page->next;
  } while (!query.after.empty());
  co_return all;
}

Answer get_certificate_status(PuppetCall call) {
  const std::string type = negotiated(call.request);
  if (type.empty()) {
    co_return plain(406, "No acceptable resource available.", kRefusal);
  }
  const auto certificate = co_await call.authority.current_certificate(call.subject, call.caller);
  if (certificate.has_value()) {
    const auto text = status_object(*certificate);
    if (text.has_error()) co_return puppet_error(text.error(), call.request, 500);
    co_return plain(200, *text, type + kCharset);
  }
  if (certificate.error().code != Code::not_found) {
    co_return puppet_error(certificate.error(), call.request, 500);
  }
  const auto request = co_await call.authority.queued_request(call.subject, call.caller);
  if (request.has_error() && request.error().code == Code::not_found) {
    co_return plain(404, "Resource not found.");
  }
  if (request.has_error()) co_return puppet_error(request.error(), call.request, 500);
  const auto text = status_object(*request);
  if (text.has_error()) co_return puppet_error(text.error(), call.request, 500);
  co_return plain(200, *text, type + kCharset);
}

Answer put_certificate_status(PuppetCall call) {
  const auto wanted = read_wanted(call.request.body, call.subject);
  if (wanted.has_error()) co_return plain(400, wanted.error().detail, kRefusal);
  if (!takes(call.request.header("content-type"))) {
    co_return plain(415, "Unsupported media type.", kRefusal);
  }
  if (negotiated(call.request).empty()) {
    co_return plain(406, "No acceptable resource available.", kRefusal);
  }
  if (wanted->state == "revoked") co_return co_await revoke(call);
  co_return co_await sign(call, wanted->ttl);
}

Answer delete_certificate_status(PuppetCall call) {
  const auto done =
      co_await call.authority.clean(call.subject, {.revoke = false, .requests = true}, call.caller);
  if (done.has_value()) co_return plain(204, "");
  if (done.error().code == Code::not_found) {
    co_return plain(404, "Resource not found.");
  }
  co_return puppet_error(done.error(), call.request, 500);
}

Answer get_certificate_statuses(PuppetCall call) {
  const std::string type = negotiated(call.request);
  if (type.empty()) {
    co_return plain(406, "No acceptable resource available.", kRefusal);
  }
  const std::string state = query_value(call.request.query, "state").value_or("");
  const bool filtered = state == "requested" || state == "signed" || state == "revoked";
  std::string list = "[";
  if (!filtered || state == "requested") {
    const auto rows = co_await all_queued(call);
    if (rows.has_error()) co_return puppet_error(rows.error(), call.request, 500);
    for (const auto& row : *rows) append(list, row);
  }
  if (!filtered || state != "requested") {
    store::CertificateQuery query{.current = true, .limit = 1000};
    do {
      const auto page = co_await call.authority.certificates(query, call.caller);
      if (page.has_error()) co_return puppet_error(page.error(), call.request, 500);
      for (const auto& row : page->rows) {
        if (!filtered || (state == "revoked") == row.revocation.has_value()) append(list, row);
      }
      query.after = page->next;
    } while (query.after != 0);
  }
  co_return plain(200, list + "]", type + kCharset);
}

}  // namespace countersign::api
