// What is printed, and how: for eyes on a terminal, for programs in a pipe.
#ifndef COUNTERSIGN_CLI_TERMINAL_H_
#define COUNTERSIGN_CLI_TERMINAL_H_

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::cli {

// Text that came from a client or the server, made harmless: control characters, invalid UTF-8 and
// characters that change the direction of writing are shown as escapes. A certname or a reason
// could otherwise repaint the operator's screen.
std::string escaped(std::string_view text);

using Row = std::vector<std::string>;
// Escapes every cell. aligned: a header and columns of even width. Otherwise: one line a row, cells
// separated by tabs, no header, so that `cut` and `awk` need no care.
std::string format_table(const Row& header, const std::vector<Row>& rows, bool aligned);

// "3m", "5h", "12d": one unit is enough to see what is old.
std::string short_age(std::chrono::seconds age);

bool output_is_terminal();
bool input_is_terminal();
// Asks on stderr; anything but y or yes is no.
bool confirmed(const std::string& question);

void print(std::string_view text);       // stdout
void print_note(std::string_view text);  // stderr, for people

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_TERMINAL_H_
