#include "x509/crl.h"
#include "x509/der.h"
#include "x509/structure.h"

namespace countersign::x509 {
namespace {

Bytes encode_reason(RevocationReason reason) {
  der::Writer writer;
  writer.nest(der::kSequence, [&] {
    writer.nest(der::kSequence, [&] {
      writer.object_identifier(oid::kCrlReason);
      writer.nest(der::kOctetString, [&] {
        writer.unsigned_integer(static_cast<std::uint64_t>(reason), der::kEnumerated);
      });
    });
  });
  return writer.take();
}

// CRLReason within its extension: it never varies but in its last octet, and a list has many.
void write_reason(der::Writer& writer, RevocationReason reason) {
  static const Bytes form = encode_reason(RevocationReason::unspecified);
  const auto value = static_cast<std::uint8_t>(reason);
  writer.raw(ByteView(form).first(form.size() - 1));
  writer.raw(ByteView(&value, 1));
}

void write_entry(der::Writer& writer, const CrlEntry& entry) {
  writer.nest(der::kSequence, [&] {
    writer.unsigned_integer(entry.serial);
    writer.time(std::chrono::floor<std::chrono::seconds>(entry.revoked_at));
    // RFC 5280 5.3.1: unspecified should be left out.
    if (entry.reason != RevocationReason::unspecified) write_reason(writer, entry.reason);
  });
}

Extension crl_number(std::uint64_t number) {
  der::Writer writer;
  writer.unsigned_integer(number);
  return {.oid = std::string(oid::kCrlNumber), .critical = false, .value = writer.take()};
}

}  // namespace

void append_crl_entry(Bytes& list, const CrlEntry& entry) {
  constexpr std::size_t kMost = 64;  // that our own take
  der::Writer writer;
  writer.reserve(kMost);
  write_entry(writer, entry);  // may throw: the list is as it was then
  const Bytes der = writer.take();
  list.insert(list.end(), der.begin(), der.end());
}

Bytes encode_tbs_crl(const CrlContent& content, ByteView signature_algorithm) {
  constexpr std::uint64_t kVersion2 = 1;
  der::Writer writer;
  writer.reserve(256 + content.issuer.size() + content.encoded_entries.size() +
                 64 * content.entries.size());
  writer.nest(der::kSequence, [&] {
    writer.unsigned_integer(kVersion2);
    writer.raw(signature_algorithm);
    writer.raw(content.issuer);
    writer.time(content.this_update);
    writer.time(content.next_update);
    // RFC 5280 5.1.2.6: an empty list must be absent.
    if (!content.entries.empty() || !content.encoded_entries.empty()) {
      writer.nest(der::kSequence, [&] {
        writer.raw(content.encoded_entries);
        for (const CrlEntry& entry : content.entries) write_entry(writer, entry);
      });
    }
    writer.nest(der::context_constructed(0), [&] {
      write_extensions(
          writer, {authority_key_identifier(content.authority_key_id), crl_number(content.number)});
    });
  });
  return writer.take();
}

}  // namespace countersign::x509
