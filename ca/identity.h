// What a cloud says of a machine, once it is proven.
#ifndef COUNTERSIGN_CA_IDENTITY_H_
#define COUNTERSIGN_CA_IDENTITY_H_

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace countersign::ca {

// By the name that rules use: "aws.account".
using Claims = std::map<std::string, std::string, std::less<>>;

struct Identity {
  std::string kind;     // "aws", "azure", "gcp", "kubernetes", "oidc"
  std::string subject;  // the one instance, among all of its kind
  // When the cloud said so, as far as the document tells: of AWS, when the instance was launched.
  Timestamp issued_at;
  Claims claims;
};

// A document in a form that cannot be understood, or that does not prove what it says. bad_proof
// and malformed name the reason for a person; no more of the document than a claim is ever in it.

// Puts a value under `name` if it is one line of at most 256 bytes; else bad_proof. An absent or
// null member is left out.
Result<void> add_claim(const boost::json::object& object, std::string_view member,
                       std::string_view name, Claims& claims);

// bad_proof, if one of the claims is not there.
Result<void> require_claims(const Claims& claims, std::initializer_list<std::string_view> names);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_IDENTITY_H_
