#include "ca/hook_event.h"

#include <boost/json.hpp>

namespace countersign::ca {
namespace {

namespace json = boost::json;

constexpr std::pair<HookEvent, std::string_view> kEvents[] = {
    {HookEvent::queued, "queued"},     {HookEvent::issued, "issued"},
    {HookEvent::approved, "approved"}, {HookEvent::denied, "denied"},
    {HookEvent::expired, "expired"},   {HookEvent::expiring, "expiring"}};

json::object request_object(const store::RequestRecord& row) {
  return {{"id", row.id},         {"rule", row.rule},     {"reason", row.reason},
          {"names", row.names},   {"key", row.key},       {"profile", row.profile},
          {"source", row.source}, {"caller", row.caller}, {"decided_by", row.decided_by}};
}

json::object certificate_object(const store::CertificateRecord& row) {
  return {{"serial", to_hex(row.serial)},
          {"not_before", to_rfc3339(row.not_before)},
          {"not_after", to_rfc3339(row.not_after)},
          {"names", row.names},
          {"profile", row.profile},
          {"rule", row.rule}};
}

}  // namespace

std::string_view to_string(HookEvent event) {
  for (const auto& [known, text] : kEvents) {
    if (known == event) return text;
  }
  return "unknown";
}

std::optional<HookEvent> parse_hook_event(std::string_view text) {
  for (const auto& [known, name] : kEvents) {
    if (name == text) return known;
  }
  return std::nullopt;
}

const std::string& HookSubject::certname() const {
  return request != nullptr ? request->certname : certificate->certname;
}
const std::string& HookSubject::rule() const {
  return request != nullptr ? request->rule : certificate->rule;
}

std::string hook_body(const std::string& id, HookEvent event, Timestamp at,
                      const HookSubject& subject) {
  json::object object;
  object["version"] = 1;
  object["id"] = id;
  object["event"] = to_string(event);
  object["at"] = to_rfc3339(at);
  object["certname"] = subject.certname();
  if (subject.request != nullptr) object["request"] = request_object(*subject.request);
  if (subject.certificate != nullptr) {
    object["certificate"] = certificate_object(*subject.certificate);
  }
  return json::serialize(object);
}

}  // namespace countersign::ca
