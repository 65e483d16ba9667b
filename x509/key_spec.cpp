#include <array>
#include <optional>

#include "x509/key.h"

namespace countersign::x509 {
namespace {

struct Named {
  std::string_view text;
  KeySpec spec;
};

constexpr std::array kNamed = {
    Named{"ec:P-256", {KeyAlgorithm::ec, 256}},   Named{"ec:P-384", {KeyAlgorithm::ec, 384}},
    Named{"ec:P-521", {KeyAlgorithm::ec, 521}},   Named{"ed25519", {KeyAlgorithm::ed25519, 256}},
    Named{"rsa:2048", {KeyAlgorithm::rsa, 2048}}, Named{"rsa:3072", {KeyAlgorithm::rsa, 3072}},
    Named{"rsa:4096", {KeyAlgorithm::rsa, 4096}}, Named{"rsa:8192", {KeyAlgorithm::rsa, 8192}},
};

// RSA sizes between the usual ones: a whole number of octets, and not so large that making one
// takes minutes.
std::optional<KeySpec> rsa_spec(std::string_view text) {
  constexpr std::string_view kPrefix = "rsa:";
  if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + 4) return std::nullopt;
  int bits = 0;
  for (const char digit : text.substr(kPrefix.size())) {
    if (digit < '0' || digit > '9') return std::nullopt;
    bits = bits * 10 + (digit - '0');
  }
  if (bits < 2048 || bits > 8192 || bits % 8 != 0) return std::nullopt;
  return KeySpec{KeyAlgorithm::rsa, bits};
}

}  // namespace

Result<KeySpec> parse_key_spec(std::string_view text) {
  for (const Named& named : kNamed) {
    if (named.text == text) return named.spec;
  }
  if (const auto spec = rsa_spec(text)) return *spec;
  return fail(Code::malformed, "'" + std::string(text) +
                                   "' is no key type. Write ec:P-256, ec:P-384, ec:P-521, ed25519, "
                                   "or rsa:BITS with 2048 to 8192 bits.");
}

std::string to_string(const KeySpec& spec) {
  switch (spec.algorithm) {
    case KeyAlgorithm::rsa:
      return "rsa:" + std::to_string(spec.bits);
    case KeyAlgorithm::ec:
      return "ec:P-" + std::to_string(spec.bits);
    case KeyAlgorithm::ed25519:
      return "ed25519";
    case KeyAlgorithm::other:
      return "other";
  }
  return "other";
}

}  // namespace countersign::x509
