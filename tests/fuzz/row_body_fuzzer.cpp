// The body of a row: whatever lies in the file is a row or an error, and what was read of it is
// written and read as the same again.
#include <algorithm>
#include <optional>
#include <string_view>

#include "store/sqlite/connection.h"
#include "store/sqlite/row_body.h"
#include "store/sqlite/row_compression.h"
#include "tests/fuzz/require.h"

using namespace countersign;
using namespace countersign::store;
using namespace std::literals;

namespace {

constexpr std::string_view kDictionary =
    "\0\x04\x80\xb4\x8f\xe9\xdd\x67\x30\x82\x01\xf6\x30\x82\x01\x9d\xa0\x03\x02\x01\x02 agent "
    "web tier ec:P-256 DNS:web.example.com [{\"rule\":\"web tier\",\"matched\":true}] anonymous"sv;

std::optional<Bytes> find(std::int64_t id) {
  if (id != 1) return std::nullopt;
  return to_bytes(as_bytes(kDictionary));
}

// The one damage that is no error would be another row.
template <class Read>
bool readable(Read read) {
  try {
    read();
    return true;
  } catch (const SqliteError& error) {
    require(error.primary() == SQLITE_CORRUPT);
    return false;
  }
}

void check_rows(ByteView plain) {
  CertificateRecord certificate;
  std::optional<RequestRecord> request;
  if (readable([&] { request = read_certificate_body(plain, certificate); })) {
    const Bytes written = certificate_body(certificate, request ? &*request : nullptr);
    CertificateRecord again;
    require(read_certificate_body(written, again) == request && again == certificate);
  }
  RequestRecord waiting;
  if (readable([&] { read_request_body(plain, waiting); })) {
    RequestRecord again;
    read_request_body(request_body(waiting), again);
    require(again == waiting);
  }
  AuditRecord audit;
  if (readable([&] { read_audit_body(plain, audit); })) {
    AuditRecord again;
    read_audit_body(audit_body(audit, true), again);
    require(again == audit);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  RowReader reader;
  const ByteView in(data, size);
  Bytes plain;
  if (readable([&] { plain = reader.unpack(in, find); })) {
    require(plain.size() <= std::max(kLargestBody, size));
    check_rows(plain);
  }
  check_rows(in);

  // The other way round: any bytes are kept.
  RowWriter writer;
  writer.use(RowKind::certificate, 1, to_bytes(as_bytes(kDictionary)));
  const Bytes packed = writer.pack(RowKind::certificate, in);
  require(packed.size() <= size + 1);
  require(std::ranges::equal(reader.unpack(packed, find), in));
  return 0;
}
