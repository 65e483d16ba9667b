// The rules for certnames: Puppet's grammar, made strict.
#ifndef COUNTERSIGN_POLICY_CERTNAME_H_
#define COUNTERSIGN_POLICY_CERTNAME_H_

#include <string_view>

#include "base/result.h"

namespace countersign::policy {

// 253: what DNS can hold; names over 64 are allowed although X.520 would not.
inline constexpr std::size_t kLongestCertname = 253;

// Lower-case ASCII labels of [a-z0-9_-], separated by dots, first character of the name
// alphanumeric or '_', no label empty or ending in '-'; a trailing dot is allowed; not "ca". Fails
// with bad_name and the text that Puppet's own CA uses where it has one.
Result<void> check_certname(std::string_view name);

// Is `name` a syntactically valid DNS name to be certified (labels of letters, digits, '-', '_')?
// With `wildcard`, a first label of "*" is allowed too.
bool valid_dns_name(std::string_view name, bool wildcard);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_CERTNAME_H_
