// What a certificate of a kind holds beside its name: [profile.NAME] of the configuration.
#ifndef COUNTERSIGN_CA_PROFILE_H_
#define COUNTERSIGN_CA_PROFILE_H_

#include <chrono>
#include <string>
#include <vector>

#include "x509/extension.h"

namespace countersign::ca {

// Checked by whoever made it (cli/service_config): validity > 0, backdate >= 0, EKU not empty.
struct Profile {
  std::string name = "agent";
  std::chrono::seconds validity = std::chrono::days(5 * 365);
  std::chrono::seconds backdate = std::chrono::hours(24);
  unsigned key_usage = x509::kDigitalSignature | x509::kKeyEncipherment;
  std::vector<std::string> extended_key_usage = {std::string(x509::oid::kServerAuth),
                                                 std::string(x509::oid::kClientAuth)};
  std::vector<std::string> crl_distribution_points;  // URLs
  std::vector<std::string> ocsp;                     // URLs for AIA
  std::vector<std::string> ca_issuers;               // URLs for AIA
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_PROFILE_H_
