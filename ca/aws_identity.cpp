#include "ca/aws_identity.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ca/strict_json.h"

namespace countersign::ca {

Result<Identity> verify_aws_identity(std::string_view base64,
                                     const x509::SignedDataVerifier& certificates) {
  const auto ber = from_base64(base64);
  if (!ber) return fail(Code::malformed, "It is no base64.");
  const auto content = certificates.content_by_signer(*ber);
  if (content.has_error()) return content.error();
  return read_aws_document(as_text(*content));
}

Result<Identity> read_aws_document(std::string_view json) {
  const auto document = parse_json_object(json);
  if (document.has_error()) return document.error();
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kMembers = {{
      {"accountId", "aws.account"},
      {"region", "aws.region"},
      {"instanceId", "aws.instance_id"},
      {"imageId", "aws.image"},
      {"instanceType", "aws.instance_type"},
      {"availabilityZone", "aws.availability_zone"},
      {"privateIp", "aws.private_ip"},
      {"architecture", "aws.architecture"},
  }};
  Identity identity;
  identity.kind = "aws";
  for (const auto& [member, name] : kMembers) {
    const auto added = add_claim(*document, member, name, identity.claims);
    if (added.has_error()) return added.error();
  }
  const auto complete =
      require_claims(identity.claims, {"aws.account", "aws.region", "aws.instance_id"});
  if (complete.has_error()) return complete.error();
  const std::string& account = identity.claims["aws.account"];
  if (account.size() != 12 || account.find_first_not_of("0123456789") != std::string::npos) {
    return fail(Code::bad_proof, "Its account is not twelve digits.");
  }
  const auto launched = text_member(*document, "pendingTime");
  const auto at = launched ? parse_rfc3339(*launched) : std::nullopt;
  if (!at) return fail(Code::bad_proof, "It does not say when the instance was launched.");
  identity.issued_at = *at;
  identity.subject =
      account + "/" + identity.claims["aws.region"] + "/" + identity.claims["aws.instance_id"];
  return identity;
}

}  // namespace countersign::ca
