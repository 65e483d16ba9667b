// A short list of checks of a leaf certificate against RFC 5280, read by OpenSSL's own decoder and
// not by ours, so that one defect does not check itself.
#ifndef COUNTERSIGN_X509_LINT_H_
#define COUNTERSIGN_X509_LINT_H_

#include <string>
#include <vector>

#include "base/bytes.h"

namespace countersign::x509 {

// Facts that the certificate must agree with.
struct LintExpectation {
  Bytes issuer;            // DER Name of the issuer
  Bytes authority_key_id;  // the issuer's SKI
  std::string common_name;
  bool privileged = false;  // may it carry pp_cli_auth?
};

// One line for each broken rule, with the section it breaks; empty if all hold.
std::vector<std::string> lint(ByteView certificate_der, const LintExpectation& expected);

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_LINT_H_
