#include "x509/structure.h"

#include "x509/certificate.h"

namespace countersign::x509 {

ByteView read_algorithm(der::Reader& reader, der::Fault& fault, std::string_view what) {
  const der::Element whole = reader.read(der::kSequence, what);
  der::Reader body(whole.content, fault);
  body.object_identifier(what);
  if (!body.at_end()) der::check_value(body.any(what), fault, what);
  body.finish(what);
  return whole.whole;
}

SignedParts read_signed(ByteView der, der::Fault& fault, std::string_view what) {
  SignedParts parts;
  der::Reader outer(der, fault);
  der::Reader inner = outer.enter(der::kSequence, what);
  outer.finish(what);
  parts.body = inner.read(der::kSequence, std::string(what) + "'s body");
  parts.algorithm = read_algorithm(inner, fault, "signature algorithm");
  parts.signature = inner.bit_string("signature");
  inner.finish(what);
  return parts;
}

Bytes assemble_signed(ByteView tbs, ByteView signature_algorithm, ByteView signature) {
  der::Writer writer;
  writer.reserve(tbs.size() + signature_algorithm.size() + signature.size() + 16);
  writer.nest(der::kSequence, [&] {
    writer.raw(tbs);
    writer.raw(signature_algorithm);
    writer.bit_string(signature);
  });
  return writer.take();
}

Bytes read_authority_key_id(ByteView der, der::Fault& fault) {
  constexpr std::string_view kWhat = "authorityKeyIdentifier";
  der::Reader outer(der, fault);
  der::Reader body = outer.enter(der::kSequence, kWhat);
  outer.finish(kWhat);
  if (!body.next_is(der::context(0))) return {};
  return to_bytes(body.any(kWhat).content);
}

}  // namespace countersign::x509
