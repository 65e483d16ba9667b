// The regular expressions with which people search names.
#ifndef COUNTERSIGN_CA_NAME_FILTER_H_
#define COUNTERSIGN_CA_NAME_FILTER_H_

#include <string_view>

#include "base/result.h"
#include "store/store.h"

namespace countersign::ca {

// RE2, found anywhere in the name, in linear time. malformed with RE2's message.
Result<store::NameFilter> name_filter(std::string_view regex);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_NAME_FILTER_H_
