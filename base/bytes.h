// Byte strings and their text forms.
#ifndef COUNTERSIGN_BASE_BYTES_H_
#define COUNTERSIGN_BASE_BYTES_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

// Upper-case hexadecimal, as serials are written everywhere.
std::string to_hex(ByteView bytes);
// Either case, an even number of digits; nothing else.
std::optional<Bytes> from_hex(std::string_view text);

// URL-safe base64 without padding (RFC 4648 section 5).
std::string to_base64url(ByteView bytes);
// The same form back: no padding, no blank, no bit left over.
std::optional<Bytes> from_base64url(std::string_view text);
// Base64 of RFC 4648 section 4 with its padding. Blanks and line ends count for nothing, as tools
// and YAML wrap long lines.
std::optional<Bytes> from_base64(std::string_view text);

// Takes the same time wherever the first difference is. The lengths are not secret.
bool constant_time_equal(ByteView a, ByteView b);

// Overwrites memory in a way that the compiler does not remove.
void wipe(void* data, std::size_t size);

// Text that is wiped when it goes. Not copyable, so that there is one place to wipe.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.clear(); }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { clear(); }

  std::string_view view() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  void clear();
  std::string text_;
};

}  // namespace countersign

#endif  // COUNTERSIGN_BASE_BYTES_H_
