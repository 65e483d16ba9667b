// What the claims of a verified token say of a machine.
#ifndef COUNTERSIGN_CA_TOKEN_IDENTITY_H_
#define COUNTERSIGN_CA_TOKEN_IDENTITY_H_

#include <string>

#include "ca/identity.h"
#include "ca/json_web_token.h"

namespace countersign::ca {

// Google's instance identity tokens with format=full. Source: Google Cloud, "Verify VM identity".
Result<Identity> read_gcp_claims(const JsonWebToken& token);

// Tokens of Kubernetes service accounts, as the TokenRequest API and projected volumes give them.
// Bound to a pod, the pod is the instance; else the service account. Source: Kubernetes, "Managing
// Service Accounts".
Result<Identity> read_kubernetes_claims(const JsonWebToken& token);

// Any other issuer: each claim that is a text, a whole number or a boolean is "oidc.NAME.CLAIM";
// `sub` is the instance.
Result<Identity> read_oidc_claims(const JsonWebToken& token, const std::string& name);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_TOKEN_IDENTITY_H_
