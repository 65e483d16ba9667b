#include "policy/certname.h"

#include <algorithm>
#include <string>

namespace countersign::policy {
namespace {

bool alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}
bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool label_char(char c) { return alnum(c) || c == '-' || c == '_'; }

bool good_label(std::string_view label) {
  return !label.empty() && label.back() != '-' && std::ranges::all_of(label, label_char);
}

// Calls `good` for each dot-separated label until one is not.
template <class Check>
bool all_labels(std::string_view name, Check good) {
  for (;;) {
    const std::size_t dot = name.find('.');
    if (!good(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

}  // namespace

Result<void> check_certname(std::string_view name) {
  if (name.size() > kLongestCertname) {
    return fail(Code::bad_name, "The name has " + std::to_string(name.size()) + " characters; " +
                                    std::to_string(kLongestCertname) + " is the most.");
  }
  if (std::ranges::any_of(name, upper)) {
    return fail(Code::bad_name, "Certificate names must be lower case.");
  }
  if (name.find('*') != std::string_view::npos) {
    return fail(Code::bad_name,
                "Subject contains a wildcard, which is not allowed: " + std::string(name));
  }
  const bool first = !name.empty() && (alnum(name.front()) || name.front() == '_');
  std::string_view labels = name;
  if (first && labels.back() == '.') labels.remove_suffix(1);
  if (!first || !all_labels(labels, good_label)) {
    return fail(Code::bad_name, "Subject hostname format is invalid");
  }
  if (name == "ca") return fail(Code::bad_name, "The name 'ca' is reserved.");
  return {};
}

bool valid_dns_name(std::string_view name, bool wildcard) {
  if (wildcard && name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > kLongestCertname) return false;
  return all_labels(name, [](std::string_view label) {
    return good_label(label) && label.size() <= 63 && label.front() != '-';
  });
}

}  // namespace countersign::policy
