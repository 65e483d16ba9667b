#include "x509/der.h"

#include <algorithm>

namespace countersign::x509::der {
namespace {

struct Header {
  std::size_t header_size = 0;
  std::size_t content_size = 0;
  const char* problem = nullptr;
};

Header read_header(ByteView input) {
  if (input.size() < 2) return {.problem = "ends too early"};
  if ((input[0] & 0x1F) == 0x1F) return {.problem = "has a tag of more than one octet"};
  if (input[0] == 0x00) return {.problem = "has the tag 0, which marks nothing in DER"};
  const std::uint8_t first = input[1];
  if (first < 0x80) return {.header_size = 2, .content_size = first};
  if (first == 0x80) return {.problem = "has an indefinite length (BER, not DER)"};
  const std::size_t count = first & 0x7FU;
  if (count > 4) return {.problem = "has a length of more than four octets"};
  if (input.size() < 2 + count) return {.problem = "ends too early"};
  std::size_t size = 0;
  for (const std::uint8_t octet : input.subspan(2, count)) size = (size << 8) | octet;
  // X.690 10.1: the shortest form that holds it.
  if (size < 0x80 || (size >> (8 * (count - 1))) == 0) {
    return {.problem = "has a length that is not in its shortest form"};
  }
  return {.header_size = 2 + count, .content_size = size};
}

// X.690 8.3.2: the first nine bits are neither all zero nor all one.
const char* integer_problem(ByteView content) {
  if (content.empty()) return "is an INTEGER without octets";
  if (content.size() > 1 &&
      ((content[0] == 0x00 && content[1] < 0x80) || (content[0] == 0xFF && content[1] >= 0x80))) {
    return "is an INTEGER that is not in its shortest form";
  }
  return nullptr;
}

const char* bit_string_problem(ByteView content) {
  if (content.empty()) return "is a BIT STRING without its first octet";
  const unsigned unused = content[0];
  if (unused > 7 || (unused > 0 && content.size() == 1)) {
    return "is a BIT STRING with a wrong number of unused bits";
  }
  // X.690 11.2.1: unused bits are zero.
  if (unused > 0 && (content.back() & ((1U << unused) - 1)) != 0) {
    return "is a BIT STRING with unused bits that are not zero";
  }
  return nullptr;
}

const char* boolean_problem(ByteView content) {
  if (content.size() != 1) return "is a BOOLEAN that is not one octet";
  // X.690 11.1.
  if (content[0] != 0x00 && content[0] != 0xFF) return "is a BOOLEAN that is neither 00 nor FF";
  return nullptr;
}

const char* primitive_problem(std::uint8_t tag, ByteView content) {
  switch (tag) {
    case kBoolean:
      return boolean_problem(content);
    case kInteger:
    case kEnumerated:
      return integer_problem(content);
    case kBitString:
      return bit_string_problem(content);
    case kNull:
      return content.empty() ? nullptr : "is a NULL that is not empty";
    case kObjectIdentifier:
      return oid_text(content) ? nullptr : "is not an object identifier";
    case kBmpString:
      return content.size() % 2 == 0 ? nullptr : "is a BMPString of odd length";
    case kUniversalString:
      return content.size() % 4 == 0 ? nullptr : "is a UniversalString of a wrong length";
    default:
      return nullptr;
  }
}

std::string sentence(std::string_view what, std::string_view problem) {
  return "The " + std::string(what) + " " + std::string(problem) + ".";
}

// Deep enough for every structure of PKIX, shallow enough for any stack.
constexpr int kMaxDepth = 32;

void check_value(const Element& element, Fault& fault, std::string_view what, int depth) {
  if (fault.found()) return;
  const bool universal = (element.tag & 0xC0) == 0;
  if ((element.tag & kConstructed) == 0) {
    if (!universal) return;
    if (const char* problem = primitive_problem(element.tag, element.content)) {
      fault.note(sentence(what, problem));
    } else if (element.tag == (kSequence & 0x1F) || element.tag == (kSet & 0x1F)) {
      fault.note(sentence(what, "is a SEQUENCE or SET that is not constructed"));
    }
    return;
  }
  // X.690 10.2: strings are primitive. EXTERNAL and EMBEDDED PDV have no use here.
  if (universal && element.tag != kSequence && element.tag != kSet) {
    return fault.note(sentence(what, "has a string in pieces (BER, not DER)"));
  }
  if (depth == kMaxDepth) return fault.note(sentence(what, "is nested too deeply"));
  Reader reader(element.content, fault);
  while (!reader.at_end()) check_value(reader.any(what), fault, what, depth + 1);
}

}  // namespace

void Reader::finish(std::string_view what) {
  if (!at_end()) {
    fault_->note(sentence(what, "has " + std::to_string(rest_.size()) + " bytes after its end"));
  }
}

Element Reader::any(std::string_view what) {
  if (fault_->found()) return {};
  if (rest_.empty()) {
    fault_->note(sentence(what, "is missing"));
    return {};
  }
  Header header = read_header(rest_);
  if (header.problem == nullptr && header.content_size > rest_.size() - header.header_size) {
    header.problem = "ends too early";
  }
  if (header.problem != nullptr) {
    fault_->note(sentence(what, header.problem));
    return {};
  }
  const Element element{.tag = rest_[0],
                        .content = rest_.subspan(header.header_size, header.content_size),
                        .whole = rest_.first(header.header_size + header.content_size)};
  rest_ = rest_.subspan(element.whole.size());
  return element;
}

Element Reader::read(std::uint8_t tag, std::string_view what) {
  const Element element = any(what);
  if (fault_->found()) return {};
  if (element.tag != tag) {
    fault_->note(sentence(what, "has the ASN.1 tag " + to_hex(ByteView(&element.tag, 1)) +
                                    " where " + to_hex(ByteView(&tag, 1)) + " belongs"));
    return {};
  }
  if (const char* problem = primitive_problem(tag, element.content)) {
    fault_->note(sentence(what, problem));
    return {};
  }
  return element;
}

ByteView Reader::unsigned_integer(std::string_view what) {
  ByteView content = read(kInteger, what).content;
  if (content.empty()) return {};
  if (content[0] >= 0x80) {
    fault_->note(sentence(what, "is negative"));
    return {};
  }
  return content.size() > 1 && content[0] == 0 ? content.subspan(1) : content;
}

std::uint64_t Reader::small_integer(std::string_view what) {
  const ByteView content = unsigned_integer(what);
  if (content.size() > 8) {
    fault_->note(sentence(what, "is over 64 bits"));
    return 0;
  }
  std::uint64_t value = 0;
  for (const std::uint8_t octet : content) value = (value << 8) | octet;
  return value;
}

std::string Reader::object_identifier(std::string_view what) {
  const ByteView content = read(kObjectIdentifier, what).content;
  return fault_->found() ? std::string() : oid_text(content).value_or(std::string());
}

ByteView Reader::bit_string(std::string_view what) {
  const ByteView content = read(kBitString, what).content;
  if (content.empty()) return {};
  if (content[0] != 0) {
    fault_->note(sentence(what, "is not a whole number of octets"));
    return {};
  }
  return content.subspan(1);
}

bool Reader::default_false(std::string_view what) {
  if (!next_is(kBoolean)) return false;
  const ByteView content = read(kBoolean, what).content;
  if (content.empty()) return false;
  // X.690 11.5: a value equal to the default is left out.
  if (content[0] == 0) fault_->note(sentence(what, "is written though it is FALSE, the default"));
  return true;
}

void check_value(const Element& element, Fault& fault, std::string_view what) {
  check_value(element, fault, what, 0);
}

}  // namespace countersign::x509::der
