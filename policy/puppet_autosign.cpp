#include "policy/puppet_autosign.h"

#include <algorithm>

namespace countersign::policy {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Puppet splits names on dots and drops empty labels at the end.
std::string_view without_last_dots(std::string_view text) {
  return text.substr(0, text.find_last_not_of('.') + 1);
}

}  // namespace

AutosignList AutosignList::parse(std::string_view text) {
  AutosignList list;
  while (!text.empty()) {
    // A line ends as Java's readLine has it: "\n", "\r" or both; an empty line more is skipped.
    const std::size_t end = text.find_first_of("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with('#') || line.find_first_not_of(" \t\v\f") == std::string_view::npos)
      continue;
    if (line.find_first_of(" #") != std::string_view::npos) {
      list.invalid_.emplace_back(line);
    } else if (line == "*") {
      list.everything_ = true;
    } else if (line.starts_with('*')) {
      // The first label goes, whatever it is; a glob of one label matches nothing.
      const std::string_view glob = without_last_dots(line);
      const std::size_t dot = glob.find('.');
      if (dot != std::string_view::npos) list.globs_.push_back(lower(glob.substr(dot + 1)));
    } else {
      list.exact_.emplace_back(line);
    }
  }
  std::ranges::sort(list.exact_);
  return list;
}

bool AutosignList::matches(std::string_view certname) const {
  if (everything_) return true;
  if (std::ranges::binary_search(exact_, certname)) return true;
  const std::string name = lower(without_last_dots(certname));
  return std::ranges::any_of(globs_, [&](const std::string& tail) {
    return name == tail || (name.size() > tail.size() && name.ends_with(tail) &&
                            name[name.size() - tail.size() - 1] == '.');
  });
}

}  // namespace countersign::policy
