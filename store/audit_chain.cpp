#include "store/audit_chain.h"

#include <string_view>

namespace countersign::store {
namespace {

// Tags keep bytes that were made for one purpose from being taken for another's.
constexpr std::string_view kRowTag = "countersign audit row 1\n";
constexpr std::string_view kCheckpointTag = "countersign audit checkpoint 1\n";
constexpr std::size_t kHashBytes = 32;

void put(Bytes& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(number >> shift));
  }
}
void put(Bytes& out, std::int64_t number) { put(out, static_cast<std::uint64_t>(number)); }
void put(Bytes& out, Timestamp time) { put(out, std::int64_t{time.time_since_epoch().count()}); }

void put_text(Bytes& out, ByteView text) {
  put(out, std::uint64_t{text.size()});
  out.insert(out.end(), text.begin(), text.end());
}

Bytes tagged(std::string_view tag) { return to_bytes(as_bytes(tag)); }

}  // namespace

Bytes chain_start() { return Bytes(kHashBytes, 0); }

Bytes chain_hash(Digest sha256, ByteView before, const AuditRecord& row) {
  Bytes content = tagged(kRowTag);
  content.reserve(512);
  put_text(content, before);
  put(content, row.sequence);
  put(content, row.at);
  for (const std::string* text : {&row.action, &row.actor, &row.source, &row.subject, &row.serial,
                                  &row.detail, &row.request_id}) {
    put_text(content, as_bytes(*text));
  }
  return sha256(content);
}

Bytes checkpoint_content(const AuditCheckpoint& checkpoint) {
  Bytes content = tagged(kCheckpointTag);
  put(content, checkpoint.sequence);
  put_text(content, checkpoint.hash);
  put(content, checkpoint.at);
  return content;
}

}  // namespace countersign::store
