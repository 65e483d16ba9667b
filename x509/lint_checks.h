// One function a rule. Internal to the linter.
#ifndef COUNTERSIGN_X509_LINT_CHECKS_H_
#define COUNTERSIGN_X509_LINT_CHECKS_H_

#include <string>

#include "x509/lint_subject.h"

namespace countersign::x509::lints {

// Each returns what is wrong, or "".
std::string version(const Subject& subject);
std::string serial(const Subject& subject);
std::string signature_algorithms(const Subject& subject);
std::string issuer(const Subject& subject);
std::string common_name(const Subject& subject);
std::string validity_order(const Subject& subject);
std::string validity_encoding(const Subject& subject);
std::string encoding(const Subject& subject);

std::string duplicate_extensions(const Subject& subject);
std::string critical_extensions(const Subject& subject);
std::string subject_key_id(const Subject& subject);
std::string authority_key_id(const Subject& subject);
std::string basic_constraints(const Subject& subject);
std::string key_usage(const Subject& subject);
std::string extended_key_usage(const Subject& subject);
std::string subject_alt_name(const Subject& subject);
std::string privilege(const Subject& subject);

}  // namespace countersign::x509::lints

#endif  // COUNTERSIGN_X509_LINT_CHECKS_H_
