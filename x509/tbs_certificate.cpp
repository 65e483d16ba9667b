#include "x509/certificate.h"
#include "x509/der.h"
#include "x509/structure.h"

namespace countersign::x509 {

Bytes encode_tbs(const CertificateContent& content, ByteView signature_algorithm) {
  constexpr std::uint64_t kVersion3 = 2;
  der::Writer writer;
  writer.reserve(1024);
  writer.nest(der::kSequence, [&] {
    writer.nest(der::context_constructed(0), [&] { writer.unsigned_integer(kVersion3); });
    writer.unsigned_integer(content.serial);
    writer.raw(signature_algorithm);
    writer.raw(content.issuer);
    writer.nest(der::kSequence, [&] {
      writer.time(content.not_before);
      writer.time(content.not_after);
    });
    writer.raw(content.subject);
    writer.raw(content.spki);
    // RFC 5280 4.1: Extensions has at least one.
    if (!content.extensions.empty()) {
      writer.nest(der::context_constructed(3),
                  [&] { write_extensions(writer, content.extensions); });
    }
  });
  return writer.take();
}

}  // namespace countersign::x509
