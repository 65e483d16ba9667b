// Certnames and globs, looked up in constant time. Internal to policy/.
#ifndef COUNTERSIGN_POLICY_ALLOWLIST_H_
#define COUNTERSIGN_POLICY_ALLOWLIST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::policy {

// A set of texts of at most 255 bytes: one arena and a table of offsets, for a million names in
// little memory. Throws std::length_error over 4 GiB.
class NameSet {
 public:
  void insert(std::string_view name);
  bool contains(std::string_view name) const;
  std::size_t size() const { return count_; }
  // Returns what room was kept for more names.
  void shrink();
  std::size_t bytes() const { return arena_.capacity() + table_.capacity() * sizeof(table_[0]); }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const std::uint32_t entry : table_) {
      if (entry != 0) visit(at(entry - 1));
    }
  }

 private:
  std::string_view at(std::uint32_t offset) const;
  void grow();

  std::string arena_;                 // each name behind its length byte
  std::vector<std::uint32_t> table_;  // offset + 1, 0: free; open addressing
  std::size_t count_ = 0;
};

// Immutable once filled, then thread-safe.
class Allowlist {
 public:
  // A name, or "*.tail": one or more whole leading labels before the tail. False if it is neither.
  bool add(std::string_view entry);
  bool matches(std::string_view certname) const;
  std::size_t size() const { return names_.size() + tails_.size(); }
  // After the last add().
  void shrink();
  std::size_t bytes() const { return names_.bytes() + tails_.bytes(); }
  const NameSet& names() const { return names_; }
  const NameSet& tails() const { return tails_; }  // of the globs, without "*."

 private:
  NameSet names_;
  NameSet tails_;
};

}  // namespace countersign::policy

#endif  // COUNTERSIGN_POLICY_ALLOWLIST_H_
