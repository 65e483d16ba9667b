// GeneralName (RFC 5280 4.2.1.6).
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "x509/der.h"
#include "x509/extension.h"

namespace countersign::x509 {
namespace {

using Type = GeneralName::Type;

// The choices whose content is IA5String text.
struct TextChoice {
  std::uint8_t tag;
  Type type;
};
constexpr std::array kTextChoices = {
    TextChoice{der::context(1), Type::email},
    TextChoice{der::context(2), Type::dns},
    TextChoice{der::context(6), Type::uri},
};
constexpr std::uint8_t kAddress = der::context(7);

bool is_plain_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::string address_text(ByteView octets) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = octets.size() == 4 ? AF_INET : AF_INET6;
  // inet_ntop writes IPv6 as RFC 5952 wants it.
  if (::inet_ntop(family, octets.data(), text.data(), text.size()) == nullptr) return {};
  return text.data();
}

// What the other choices' tags are, with the structure of each checked as far as it is open.
Type type_of_structured(const der::Element& element, der::Fault& fault) {
  switch (element.tag) {
    case der::context_constructed(0):
    case der::context_constructed(3):
    case der::context_constructed(5):
      return Type::other;
    case der::context_constructed(4):
      return Type::directory;
    case der::context(8):
      if (!der::oid_text(element.content)) {
        fault.note("A registeredID among the alternative names is not an object identifier.");
      }
      return Type::registered_id;
    default:
      fault.note("An alternative name is of no known type.");
      return Type::other;
  }
}

GeneralName read_general_name(const der::Element& element, der::Fault& fault) {
  for (const TextChoice& choice : kTextChoices) {
    if (choice.tag != element.tag) continue;
    const std::string_view text = as_text(element.content);
    if (text.empty()) {
      fault.note("An alternative name is empty.");
    } else if (!is_plain_ascii(text)) {
      fault.note("An alternative name holds a byte that is not printable ASCII.");
    }
    return {choice.type, std::string(text)};
  }
  if (element.tag == kAddress) {
    if (element.content.size() != 4 && element.content.size() != 16) {
      fault.note("An IP address among the alternative names is not 4 or 16 bytes.");
      return {};
    }
    return {Type::ip, address_text(element.content)};
  }
  const Type type = type_of_structured(element, fault);
  if ((element.tag & der::kConstructed) != 0) der::check_value(element, fault, "alternative name");
  return {type, to_hex(element.whole)};
}

void write_general_name(der::Writer& writer, const GeneralName& name) {
  for (const TextChoice& choice : kTextChoices) {
    if (choice.type != name.type) continue;
    if (name.value.empty() || !is_plain_ascii(name.value)) {
      throw std::invalid_argument("a general name that is not ASCII");
    }
    return writer.element(choice.tag, as_bytes(name.value));
  }
  if (name.type == Type::ip) {
    std::array<std::uint8_t, 16> octets{};
    const bool v6 = name.value.find(':') != std::string::npos;
    if (::inet_pton(v6 ? AF_INET6 : AF_INET, name.value.c_str(), octets.data()) != 1) {
      throw std::invalid_argument("not an IP address: " + name.value);
    }
    return writer.element(kAddress, ByteView(octets).first(v6 ? 16 : 4));
  }
  const auto der = from_hex(name.value);
  if (!der) throw std::invalid_argument("a general name that is not hexadecimal");
  writer.raw(*der);
}

}  // namespace

std::string_view to_string(GeneralName::Type type) {
  switch (type) {
    case Type::dns:
      return "dns";
    case Type::ip:
      return "ip";
    case Type::email:
      return "email";
    case Type::uri:
      return "uri";
    case Type::directory:
      return "directory";
    case Type::registered_id:
      return "registered_id";
    case Type::other:
      return "other";
  }
  return "other";
}

std::string to_string(const GeneralName& name) {
  switch (name.type) {
    case Type::dns:
      return "DNS:" + name.value;
    case Type::ip:
      return "IP:" + name.value;
    case Type::email:
      return "email:" + name.value;
    case Type::uri:
      return "URI:" + name.value;
    case Type::directory:
      return "dirName:" + name.value;
    case Type::registered_id:
      return "RID:" + name.value;
    case Type::other:
      break;
  }
  return "otherName:" + name.value;
}

Result<std::vector<GeneralName>> parse_general_names(ByteView der) {
  der::Fault fault(Code::bad_csr);
  der::Reader outer(der, fault);
  der::Reader list = outer.enter(der::kSequence, "list of alternative names");
  outer.finish("list of alternative names");
  std::vector<GeneralName> names;
  while (!list.at_end()) {
    const der::Element element = list.any("alternative name");
    if (!fault.found()) names.push_back(read_general_name(element, fault));
  }
  if (names.empty()) fault.note("The list of alternative names is empty.");
  if (fault.found()) return fault.error();
  return names;
}

Extension subject_alt_name(const std::vector<GeneralName>& names) {
  der::Writer writer;
  writer.nest(der::kSequence, [&] {
    for (const GeneralName& name : names) write_general_name(writer, name);
  });
  return {.oid = std::string(oid::kSubjectAltName), .critical = false, .value = writer.take()};
}

}  // namespace countersign::x509
