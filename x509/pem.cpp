#include "x509/pem.h"

#include <algorithm>
#include <array>

namespace countersign::x509 {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";
constexpr std::size_t kMaxHeaders = 64;

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values.at(static_cast<std::uint8_t>(kAlphabet[i])) = static_cast<std::int8_t>(i);
  }
  return values;
}
constexpr std::array<std::int8_t, 256> kValues = make_values();

// Base64 that arrives line by line. Strict: padding is right, no bit is left over (RFC 4648 3.5).
class Base64Decoder {
 public:
  bool add(std::string_view line) {
    for (const char c : line) {
      if (c == ' ' || c == '\t') continue;
      if (c == '=') {
        ++padding_;
        continue;
      }
      const std::int8_t value = kValues.at(static_cast<std::uint8_t>(c));
      if (value < 0 || padding_ > 0) return false;
      buffer_ = (buffer_ << 6) | static_cast<std::uint32_t>(value);
      if ((bits_ += 6) >= 8) {
        bits_ -= 8;
        out_.push_back(static_cast<std::uint8_t>((buffer_ >> bits_) & 0xFF));
      }
    }
    return true;
  }
  bool finish() const {
    const int wanted = bits_ / 2;  // 0, 4 or 2 bits are left: 0, 2 or 1 '='
    if ((buffer_ & ((1U << bits_) - 1)) != 0 || bits_ == 6) return false;
    return padding_ == wanted;
  }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
  std::uint32_t buffer_ = 0;
  int bits_ = 0;
  int padding_ = 0;
};

// Takes the next line off the text, without its end and trailing blanks.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  const std::size_t last = line.find_last_not_of(" \t\r");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

// The label, if the line is a boundary of this kind.
bool boundary(std::string_view line, std::string_view start, std::string_view& label) {
  if (!line.starts_with(start) || !line.ends_with(kDashes)) return false;
  if (line.size() < start.size() + kDashes.size()) return false;
  label = line.substr(start.size(), line.size() - start.size() - kDashes.size());
  return true;
}

// RFC 1421 headers ("Proc-Type: ..."), which old tools write before the data. They end with an
// empty line.
Result<void> skip_headers(std::string_view& text) {
  std::string_view rest = text;
  if (take_line(rest).find(':') == std::string_view::npos) return {};
  for (std::size_t count = 0; count < kMaxHeaders; ++count) {
    if (text.empty() || take_line(text).empty()) return {};
  }
  return fail(Code::malformed, "A PEM block has too many header lines.");
}

Result<PemBlock> read_block(std::string_view label, std::string_view& text) {
  if (const auto skipped = skip_headers(text); !skipped) return skipped.error();
  const std::string name(label);
  Base64Decoder decoder;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    std::string_view end_label;
    if (boundary(line, kEnd, end_label)) {
      if (end_label != label) {
        return fail(Code::malformed, "The PEM block '" + name + "' ends with another label.");
      }
      if (!decoder.finish()) break;
      return PemBlock{.label = name, .der = decoder.take()};
    }
    if (!decoder.add(line)) {
      return fail(Code::malformed, "The PEM block '" + name + "' holds what is not base64.");
    }
  }
  if (!text.empty() || !decoder.finish()) {
    return fail(Code::malformed, "The base64 of the PEM block '" + name + "' is not complete.");
  }
  return fail(Code::malformed, "The PEM block '" + name + "' has no END line.");
}

}  // namespace

Result<std::vector<PemBlock>> pem_decode_all(std::string_view text) {
  std::vector<PemBlock> blocks;
  while (!text.empty()) {
    std::string_view label;
    if (!boundary(take_line(text), kBegin, label)) continue;
    auto block = read_block(label, text);
    if (!block) return block.error();
    blocks.push_back(std::move(*block));
  }
  return blocks;
}

Result<Bytes> pem_decode(std::string_view text, const std::vector<std::string_view>& labels) {
  auto blocks = pem_decode_all(text);
  if (!blocks) return blocks.error();
  const std::string wanted = "'" + std::string(labels.front()) + "'";
  if (blocks->empty()) return fail(Code::malformed, "The text holds no PEM block " + wanted + ".");
  if (blocks->size() > 1) {
    return fail(Code::malformed, "The text holds " + std::to_string(blocks->size()) +
                                     " PEM blocks; exactly one " + wanted + " belongs there.");
  }
  PemBlock& block = blocks->front();
  if (std::ranges::find(labels, block.label) == labels.end()) {
    return fail(Code::malformed,
                "The PEM block is '" + block.label + "'; " + wanted + " belongs there.");
  }
  return std::move(block.der);
}

std::string pem_encode(std::string_view label, ByteView der) {
  constexpr std::size_t kLine = 48;  // octets that make 64 columns
  const std::size_t body = (der.size() + 2) / 3 * 4 + (der.size() + kLine - 1) / kLine;
  std::string text;
  text.reserve(body + 2 * label.size() + 48);
  text.append(kBegin).append(label).append(kDashes).push_back('\n');
  std::size_t to = text.size();
  // Not a character at a time: a CRL can be of tens of megabytes.
  text.resize(to + body);
  std::size_t at = 0;
  for (; at + 3 <= der.size(); at += 3) {
    const std::uint32_t bits = (std::uint32_t{der[at]} << 16) | (std::uint32_t{der[at + 1]} << 8) |
                               std::uint32_t{der[at + 2]};
    text[to++] = kAlphabet[bits >> 18];
    text[to++] = kAlphabet[(bits >> 12) & 63];
    text[to++] = kAlphabet[(bits >> 6) & 63];
    text[to++] = kAlphabet[bits & 63];
    if ((at + 3) % kLine == 0) text[to++] = '\n';
  }
  if (const std::size_t left = der.size() - at; left > 0) {
    const std::uint32_t bits =
        (std::uint32_t{der[at]} << 16) | (left > 1 ? std::uint32_t{der[at + 1]} << 8 : 0U);
    text[to++] = kAlphabet[bits >> 18];
    text[to++] = kAlphabet[(bits >> 12) & 63];
    text[to++] = left > 1 ? kAlphabet[(bits >> 6) & 63] : '=';
    text[to++] = '=';
  }
  if (der.size() % kLine != 0) text[to] = '\n';
  text.append(kEnd).append(label).append(kDashes).push_back('\n');
  return text;
}

}  // namespace countersign::x509
