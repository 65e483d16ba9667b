#include "ca/name_filter.h"

#include <re2/re2.h>

#include <memory>
#include <string>

namespace countersign::ca {

Result<store::NameFilter> name_filter(std::string_view regex) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  const auto compiled =
      std::make_shared<const RE2>(re2::StringPiece(regex.data(), regex.size()), options);
  if (!compiled->ok()) {
    return fail(Code::malformed,
                "The search pattern is not a regular expression: " + compiled->error() + ".");
  }
  return store::NameFilter([compiled](std::string_view name) {
    return RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *compiled);
  });
}

}  // namespace countersign::ca
