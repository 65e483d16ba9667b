#include "policy/allowlist.h"

#include <functional>
#include <limits>
#include <stdexcept>

#include "policy/certname.h"

namespace countersign::policy {

static_assert(kLongestCertname <= std::numeric_limits<unsigned char>::max(),
              "a length of NameSet is one byte");

std::string_view NameSet::at(std::uint32_t offset) const {
  const auto length = static_cast<unsigned char>(arena_[offset]);
  return {arena_.data() + offset + 1, length};
}

void NameSet::grow() {
  std::vector<std::uint32_t> old = std::move(table_);
  table_.assign(old.empty() ? 16 : old.size() * 2, 0);
  const std::size_t mask = table_.size() - 1;
  for (const std::uint32_t entry : old) {
    if (entry == 0) continue;
    std::size_t slot = std::hash<std::string_view>{}(at(entry - 1)) & mask;
    while (table_[slot] != 0) slot = (slot + 1) & mask;
    table_[slot] = entry;
  }
}

void NameSet::insert(std::string_view name) {
  if (contains(name)) return;
  // The offset plus one has to fit too.
  if (arena_.size() >= std::numeric_limits<std::uint32_t>::max()) {
    throw std::length_error("a NameSet over 4 GiB");
  }
  if ((count_ + 1) * 10 > table_.size() * 7) grow();
  const auto offset = static_cast<std::uint32_t>(arena_.size());
  arena_.push_back(static_cast<char>(static_cast<unsigned char>(name.size())));
  arena_ += name;
  const std::size_t mask = table_.size() - 1;
  std::size_t slot = std::hash<std::string_view>{}(name)&mask;
  while (table_[slot] != 0) slot = (slot + 1) & mask;
  table_[slot] = offset + 1;
  ++count_;
}

void NameSet::shrink() { arena_.shrink_to_fit(); }

bool NameSet::contains(std::string_view name) const {
  if (table_.empty()) return false;
  const std::size_t mask = table_.size() - 1;
  std::size_t slot = std::hash<std::string_view>{}(name)&mask;
  for (; table_[slot] != 0; slot = (slot + 1) & mask) {
    if (at(table_[slot] - 1) == name) return true;
  }
  return false;
}

bool Allowlist::add(std::string_view entry) {
  const bool glob = entry.starts_with("*.");
  if (glob) entry.remove_prefix(2);
  if (check_certname(entry).has_error()) return false;
  (glob ? tails_ : names_).insert(entry);
  return true;
}

void Allowlist::shrink() {
  names_.shrink();
  tails_.shrink();
}

bool Allowlist::matches(std::string_view certname) const {
  if (names_.contains(certname)) return true;
  // Each tail behind a dot: as many look-ups as the name has labels.
  for (std::size_t dot = certname.find('.'); dot != std::string_view::npos;
       dot = certname.find('.', dot + 1)) {
    if (tails_.contains(certname.substr(dot + 1))) return true;
  }
  return false;
}

}  // namespace countersign::policy
