// Text that somebody outside wrote, made fit for a log, a terminal and the audit.
#ifndef COUNTERSIGN_CA_FOREIGN_TEXT_H_
#define COUNTERSIGN_CA_FOREIGN_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace countersign::ca {

// One line of UTF-8 of at most `most` bytes: control characters, those that turn the direction of
// writing, and bytes that are no UTF-8 become spaces; several in a row, and spaces, become one.
std::string one_line(std::string_view text, std::size_t most);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_FOREIGN_TEXT_H_
