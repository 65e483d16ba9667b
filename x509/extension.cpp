#include "x509/extension.h"

#include <algorithm>

#include "x509/der.h"
#include "x509/structure.h"

namespace countersign::x509 {
namespace {

Extension read_extension(der::Reader& list) {
  Extension extension;
  der::Reader body = list.enter(der::kSequence, "extension");
  extension.oid = body.object_identifier("extension's OID");
  const std::string what = "extension " + extension.oid;
  extension.critical = body.default_false(what + "'s critical mark");
  extension.value = to_bytes(body.read(der::kOctetString, what + "'s value").content);
  body.finish(what);
  return extension;
}

}  // namespace

std::optional<std::string> text_of(const Extension& extension) {
  der::Fault fault(Code::malformed);
  der::Reader reader(extension.value, fault);
  const der::Element element = reader.any("value");
  reader.finish("value");
  const bool is_text = element.tag == der::kUtf8String || element.tag == der::kPrintableString ||
                       element.tag == der::kIa5String;
  if (fault.found() || !is_text) return std::nullopt;
  return der::string_text(element);
}

std::vector<Extension> read_extensions(ByteView der, der::Fault& fault, std::size_t limit) {
  std::vector<Extension> extensions;
  der::Reader outer(der, fault);
  der::Reader list = outer.enter(der::kSequence, "list of extensions");
  outer.finish("list of extensions");
  while (!list.at_end()) {
    if (extensions.size() == limit) {
      fault.note("It has more than " + std::to_string(limit) + " extensions.");
      break;
    }
    Extension extension = read_extension(list);
    if (fault.found()) break;
    // RFC 5280 4.2. Two of a kind are an attack: one reader takes the first, another the last.
    if (std::ranges::find(extensions, extension.oid, &Extension::oid) != extensions.end()) {
      fault.note("The extension " + extension.oid + " is given twice.");
      break;
    }
    extensions.push_back(std::move(extension));
  }
  return extensions;
}

std::vector<Extension> read_tagged_extensions(der::Reader& reader, der::Fault& fault,
                                              unsigned number) {
  constexpr std::size_t kLimit = 1000;
  if (!reader.next_is(der::context_constructed(number))) return {};
  return read_extensions(reader.any("extensions").content, fault, kLimit);
}

void write_extensions(der::Writer& writer, const std::vector<Extension>& extensions) {
  writer.nest(der::kSequence, [&] {
    for (const Extension& extension : extensions) {
      writer.nest(der::kSequence, [&] {
        writer.object_identifier(extension.oid);
        if (extension.critical) writer.boolean_true();
        writer.element(der::kOctetString, extension.value);
      });
    }
  });
}

}  // namespace countersign::x509
