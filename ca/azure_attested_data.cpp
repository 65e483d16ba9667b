#include "ca/azure_attested_data.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ca/strict_json.h"

namespace countersign::ca {
namespace {

std::optional<Timestamp> time_in(const boost::json::object& document, std::string_view member) {
  const auto* times = document.if_contains("timeStamp");
  if (times == nullptr || !times->is_object()) return std::nullopt;
  const auto text = text_member(times->get_object(), member);
  return text ? parse_azure_time(*text) : std::nullopt;
}

}  // namespace

std::optional<Timestamp> parse_azure_time(std::string_view text) {
  constexpr std::string_view kForm = "dd/dd/dd dd:dd:dd -0000";
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return std::nullopt;
  }
  // Month, day, year.
  const std::string rfc3339 =
      "20" + std::string(text.substr(6, 2)) + "-" + std::string(text.substr(0, 2)) + "-" +
      std::string(text.substr(3, 2)) + "T" + std::string(text.substr(9, 8)) + "Z";
  return parse_rfc3339(rfc3339);
}

Result<Identity> verify_azure_attested_data(std::string_view base64,
                                            const x509::SignedDataVerifier& roots,
                                            const std::string& host, Timestamp now) {
  const auto ber = from_base64(base64);
  if (!ber) return fail(Code::malformed, "It is no base64.");
  const auto content = roots.content_by_chain(*ber, host, now);
  if (content.has_error()) return content.error();
  return read_azure_document(as_text(*content), now);
}

Result<Identity> read_azure_document(std::string_view json, Timestamp now) {
  const auto document = parse_json_object(json);
  if (document.has_error()) return document.error();
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kMembers = {{
      {"subscriptionId", "azure.subscription"},
      {"vmId", "azure.vm_id"},
      {"sku", "azure.sku"},
  }};
  Identity identity;
  identity.kind = "azure";
  for (const auto& [member, name] : kMembers) {
    const auto added = add_claim(*document, member, name, identity.claims);
    if (added.has_error()) return added.error();
  }
  const auto complete = require_claims(identity.claims, {"azure.subscription", "azure.vm_id"});
  if (complete.has_error()) return complete.error();
  const auto created = time_in(*document, "createdOn");
  const auto expires = time_in(*document, "expiresOn");
  if (!created || !expires) return fail(Code::bad_proof, "It does not say when it was made.");
  if (now >= *expires) return fail(Code::bad_proof, "It expired at " + to_rfc3339(*expires) + ".");
  identity.issued_at = *created;
  identity.subject = identity.claims["azure.subscription"] + "/" + identity.claims["azure.vm_id"];
  return identity;
}

}  // namespace countersign::ca
