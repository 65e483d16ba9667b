#include "ca/infra_inventory.h"

#include "base/file_system.h"
#include "policy/certname.h"

namespace countersign::ca {
namespace {

constexpr std::size_t kInventoryBytes = std::size_t{1} << 20U;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

}  // namespace

Result<CertNames> parse_infra_inventory(std::string_view text, const std::filesystem::path& file) {
  CertNames names;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.empty() || line.front() == '#') continue;
    if (policy::check_certname(line).has_error()) {
      return fail(Code::malformed, file.string() + ":" + std::to_string(number) +
                                       ": this line is no certname. Correct it, or put a '#' "
                                       "before it.");
    }
    names.emplace(line);
  }
  return names;
}

Result<CertNames> read_infra_inventory(const std::filesystem::path& file) {
  const auto text = system_files().read(file, kInventoryBytes);
  if (text.has_error()) return text.error();
  return parse_infra_inventory(*text, file);
}

}  // namespace countersign::ca
