// Names (RFC 5280 4.1.2.4).
#include <algorithm>
#include <array>

#include "x509/certificate.h"
#include "x509/structure.h"

namespace countersign::x509 {
namespace {

constexpr std::array<std::uint8_t, 3> kCommonName = {0x55, 0x04, 0x03};  // 2.5.4.3

// AttributeTypeAndValue.
void read_attribute(der::Reader& rdn, der::Fault& fault, std::string_view what,
                    std::vector<std::string>* common_names) {
  der::Reader attribute = rdn.enter(der::kSequence, what);
  const der::Element type = attribute.read(der::kObjectIdentifier, what);
  const der::Element value = attribute.any(what);
  attribute.finish(what);
  if (fault.found()) return;
  auto text = der::string_text(value);
  if (!text) {
    return fault.note("The " + std::string(what) + " holds a value of " +
                      der::oid_text(type.content).value_or("?") +
                      " that is not a string, holds NUL, or breaks its string type.");
  }
  if (common_names != nullptr && std::ranges::equal(type.content, kCommonName)) {
    common_names->push_back(std::move(*text));
  }
}

}  // namespace

ByteView read_name(der::Reader& reader, der::Fault& fault, std::string_view what,
                   std::vector<std::string>* common_names) {
  const der::Element name = reader.read(der::kSequence, what);
  der::Reader rdns(name.content, fault);
  while (!rdns.at_end()) {
    der::Reader rdn = rdns.enter(der::kSet, what);
    if (rdn.at_end() && !fault.found()) {
      fault.note("The " + std::string(what) + " holds an empty part.");
    }
    while (!rdn.at_end()) read_attribute(rdn, fault, what, common_names);
  }
  return name.whole;
}

Bytes common_name_only(std::string_view common_name) {
  der::Writer writer;
  writer.nest(der::kSequence, [&] {
    writer.nest(der::kSet, [&] {
      writer.nest(der::kSequence, [&] {
        writer.element(der::kObjectIdentifier, kCommonName);
        writer.element(der::kUtf8String, as_bytes(common_name));
      });
    });
  });
  return writer.take();
}

}  // namespace countersign::x509
