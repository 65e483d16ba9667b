#include <array>
#include <stdexcept>

#include "x509/der.h"

namespace countersign::x509::der {
namespace {

struct Length {
  std::array<std::uint8_t, 5> octets{};
  std::size_t size = 0;
};

Length encode_length(std::size_t length) {
  Length out;
  if (length < 0x80) {
    out.octets[0] = static_cast<std::uint8_t>(length);
    out.size = 1;
    return out;
  }
  if (length > 0xFFFFFFFFU) throw std::invalid_argument("an element over 4 GiB");
  unsigned count = 1;
  while ((length >> (8 * count)) != 0) ++count;
  out.octets[0] = static_cast<std::uint8_t>(0x80 | count);
  for (unsigned i = 0; i < count; ++i) {
    out.octets.at(1 + i) = static_cast<std::uint8_t>((length >> (8 * (count - 1 - i))) & 0xFF);
  }
  out.size = 1 + count;
  return out;
}

}  // namespace

void Writer::element(std::uint8_t tag, ByteView content) {
  const Length length = encode_length(content.size());
  out_.push_back(tag);
  out_.insert(out_.end(), length.octets.begin(), length.octets.begin() + length.size);
  raw(content);
}

// The length goes in afterwards: no size is computed twice, and the content moves by a few octets.
void Writer::close(std::size_t start) {
  const Length length = encode_length(out_.size() - start);
  out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(start), length.octets.begin(),
              length.octets.begin() + length.size);
}

void Writer::unsigned_integer(ByteView big_endian, std::uint8_t tag) {
  while (!big_endian.empty() && big_endian.front() == 0) big_endian = big_endian.subspan(1);
  nest(tag, [&] {
    // Zero needs one octet, and a set top bit would make the number negative.
    if (big_endian.empty() || big_endian.front() >= 0x80) out_.push_back(0);
    raw(big_endian);
  });
}

void Writer::unsigned_integer(std::uint64_t value, std::uint8_t tag) {
  std::array<std::uint8_t, 8> octets{};
  for (std::size_t i = octets.size(); i > 0; --i, value >>= 8) {
    octets.at(i - 1) = static_cast<std::uint8_t>(value & 0xFF);
  }
  unsigned_integer(ByteView(octets), tag);
}

void Writer::bit_string(ByteView whole_octets) {
  nest(kBitString, [&] {
    out_.push_back(0);
    raw(whole_octets);
  });
}

void Writer::boolean_true() { element(kBoolean, std::array<std::uint8_t, 1>{0xFF}); }

}  // namespace countersign::x509::der
