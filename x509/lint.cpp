#include "x509/lint.h"

#include <array>

#include "x509/lint_checks.h"

namespace countersign::x509 {
namespace {

struct Check {
  std::string_view section;
  std::string (*run)(const lints::Subject&);
};

constexpr std::array kChecks = {
    Check{"RFC 5280 4.1.2.1", lints::version},
    Check{"RFC 5280 4.1.2.2", lints::serial},
    Check{"RFC 5280 4.1.1.2", lints::signature_algorithms},
    Check{"RFC 5280 4.1.2.4", lints::issuer},
    Check{"RFC 5280 4.1.2.5", lints::validity_order},
    Check{"RFC 5280 4.1.2.5", lints::validity_encoding},
    Check{"RFC 5280 4.1.2.6", lints::common_name},
    Check{"RFC 5280 4.2", lints::duplicate_extensions},
    Check{"RFC 5280 4.2", lints::critical_extensions},
    Check{"RFC 5280 4.2.1.1", lints::authority_key_id},
    Check{"RFC 5280 4.2.1.2", lints::subject_key_id},
    Check{"RFC 5280 4.2.1.3", lints::key_usage},
    Check{"RFC 5280 4.2.1.6", lints::subject_alt_name},
    Check{"RFC 5280 4.2.1.9", lints::basic_constraints},
    Check{"RFC 5280 4.2.1.12", lints::extended_key_usage},
    Check{"privileged extension", lints::privilege},
    Check{"RFC 5280 4.1", lints::encoding},
};

}  // namespace

std::vector<std::string> lint(ByteView certificate_der, const LintExpectation& expected) {
  const auto subject = lints::decode(certificate_der, expected);
  if (!subject) return {"RFC 5280 4.1: not one DER certificate: " + drain_errors()};
  std::vector<std::string> broken;
  for (const Check& check : kChecks) {
    const std::string problem = check.run(*subject);
    if (!problem.empty()) broken.push_back(std::string(check.section) + ": " + problem);
  }
  drain_errors();  // decoders of broken extensions leave theirs; the line says it already
  return broken;
}

}  // namespace countersign::x509
