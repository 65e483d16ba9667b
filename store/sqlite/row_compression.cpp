#include "store/sqlite/row_compression.h"

#include <zstd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "store/sqlite/connection.h"
#include "store/sqlite/row_fields.h"

namespace countersign::store {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic = {0x28, 0xb5, 0x2f, 0xfd};
constexpr int kLevel = 1;
constexpr std::size_t kMostDigested = 16;  // dictionaries that a reader keeps, some 40 KB each
// Of the bodies that a new dictionary is made of; the rest of it is the end of the one before.
constexpr std::size_t kRecentBytes = kLargestDictionary / 2;
// A store that changes without end must not fill itself with dictionaries.
constexpr std::int64_t kMostDictionaries = 4096;

[[noreturn]] void corrupt(const char* what) { throw SqliteError(SQLITE_CORRUPT, what); }

std::size_t checked(std::size_t code, const char* what) {
  if (::ZSTD_isError(code) != 0) throw SqliteError(SQLITE_INTERNAL, what);
  return code;
}

template <class T>
T* made(T* handle) {
  if (handle == nullptr) throw std::bad_alloc();
  return handle;
}

struct Free {
  void operator()(::ZSTD_CCtx* handle) const { ::ZSTD_freeCCtx(handle); }
  void operator()(::ZSTD_DCtx* handle) const { ::ZSTD_freeDCtx(handle); }
  void operator()(::ZSTD_CDict* handle) const { ::ZSTD_freeCDict(handle); }
  void operator()(::ZSTD_DDict* handle) const { ::ZSTD_freeDDict(handle); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// The frame without its magic number.
Bytes with_id(std::int64_t id, ByteView content) {
  FieldWriter out;
  out.integer(id);
  Bytes body = out.take();
  body.insert(body.end(), content.begin(), content.end());
  return body;
}

}  // namespace

struct RowReader::Context {
  Owned<::ZSTD_DCtx> zstd{made(::ZSTD_createDCtx())};
};

struct RowReader::Digested {
  std::int64_t id = 0;
  Owned<::ZSTD_DDict> zstd;
};

RowReader::RowReader() : context_(std::make_unique<Context>()) {}
RowReader::~RowReader() = default;

Bytes RowReader::unpack(ByteView body, const FindDictionary& find) {
  FieldReader in(body);
  const std::int64_t id = in.integer();
  const ByteView content = in.rest();
  if (id == 0) return to_bytes(content);
  Bytes frame(kMagic.begin(), kMagic.end());
  frame.insert(frame.end(), content.begin(), content.end());
  // Also the two values that say that there is no size are larger.
  const auto size = ::ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size > kLargestBody) corrupt("the size of a body is damaged");
  const Digested& known = dictionary(id, find);
  Bytes plain(static_cast<std::size_t>(size));
  const std::size_t got =
      ::ZSTD_decompress_usingDDict(context_->zstd.get(), plain.data(), plain.size(), frame.data(),
                                   frame.size(), known.zstd.get());
  if (::ZSTD_isError(got) != 0 || got != plain.size()) corrupt("the body of a row is damaged");
  return plain;
}

const RowReader::Digested& RowReader::dictionary(std::int64_t id, const FindDictionary& find) {
  const auto known =
      std::ranges::find_if(used_, [id](const Digested& one) { return one.id == id; });
  if (known != used_.end()) {
    used_.splice(used_.begin(), used_, known);
    return used_.front();
  }
  const auto bytes = find(id);
  if (!bytes) corrupt("the dictionary of a body is missing");
  Digested fresh{id, Owned<::ZSTD_DDict>(made(::ZSTD_createDDict(bytes->data(), bytes->size())))};
  used_.push_front(std::move(fresh));
  if (used_.size() > kMostDigested) used_.pop_back();
  return used_.front();
}

struct RowWriter::Context {
  Owned<::ZSTD_CCtx> zstd{made(::ZSTD_createCCtx())};
  Bytes room;  // for a frame

  // The frame is in `room`; its size. One of `digested` and `raw` is looked at.
  std::size_t compress(ByteView plain, const ::ZSTD_CDict* digested, ByteView raw) {
    auto* const context = zstd.get();
    checked(::ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters), "reset");
    checked(::ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kLevel), "level");
    checked(::ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1), "checksum");
    checked(::ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0), "id");
    if (digested != nullptr) {
      checked(::ZSTD_CCtx_refCDict(context, digested), "dictionary");
    } else {
      checked(::ZSTD_CCtx_refPrefix(context, raw.data(), raw.size()), "prefix");
    }
    room.resize(::ZSTD_compressBound(plain.size()));
    return checked(::ZSTD_compress2(context, room.data(), room.size(), plain.data(), plain.size()),
                   "compress");
  }
};

struct RowWriter::Dictionary {
  std::int64_t id = 0;
  Bytes bytes;
  Owned<::ZSTD_CDict> zstd;
};

RowWriter::RowWriter() : context_(std::make_unique<Context>()) {}
RowWriter::~RowWriter() = default;

Bytes RowWriter::pack(RowKind kind, ByteView plain) {
  if (plain.size() > kLargestBody) return with_id(0, plain);
  Learning& learning = of(kind);
  Bytes body = with_id(0, plain);
  if (const Dictionary* known = learning.dictionary.get()) {
    const std::size_t size = context_->compress(plain, known->zstd.get(), {});
    const ByteView frame = ByteView(context_->room).first(size).subspan(kMagic.size());
    Bytes packed = with_id(known->id, frame);
    if (packed.size() < body.size()) body = std::move(packed);
  }
  // Often at first, rarely later.
  ++learning.rows;
  const bool asked = (learning.rows & (learning.rows - 1)) == 0 || learning.rows % 64 == 0;
  if (asked && would_do_better(learning, plain, body.size())) learning.outgrown = true;
  remember(learning, plain);
  return body;
}

bool RowWriter::would_do_better(const Learning& kind, ByteView plain, std::size_t size) {
  if (kind.recent.empty() || kind.outgrown) return false;
  if (kind.dictionary && kind.dictionary->id >= kMostDictionaries) return false;
  Bytes raw;
  for (const Bytes& one : kind.recent) raw.insert(raw.end(), one.begin(), one.end());
  return context_->compress(plain, nullptr, raw) < size - size / 10;
}

void RowWriter::remember(Learning& kind, ByteView plain) {
  if (plain.size() > kRecentBytes) return;
  kind.recent.push_back(to_bytes(plain));
  kind.recent_bytes += plain.size();
  while (kind.recent_bytes > kRecentBytes) {
    kind.recent_bytes -= kind.recent.front().size();
    kind.recent.pop_front();
  }
}

std::optional<Bytes> RowWriter::renewal(RowKind kind) {
  const Learning& learning = of(kind);
  if (!learning.outgrown) return std::nullopt;
  // In front, so that no bytes of a row are taken for the magic number of a trained dictionary.
  Bytes bytes = {0};
  if (learning.dictionary) {
    const Bytes& old = learning.dictionary->bytes;
    const std::size_t room = kLargestDictionary - bytes.size() - learning.recent_bytes;
    bytes.insert(bytes.end(), old.end() - static_cast<std::ptrdiff_t>(std::min(old.size(), room)),
                 old.end());
  }
  // The latest last: what is near costs least to name.
  for (const Bytes& one : learning.recent) bytes.insert(bytes.end(), one.begin(), one.end());
  return bytes;
}

void RowWriter::use(RowKind kind, std::int64_t id, Bytes bytes) {
  Learning& learning = of(kind);
  auto fresh = std::make_unique<Dictionary>();
  fresh->id = id;
  fresh->zstd.reset(made(::ZSTD_createCDict(bytes.data(), bytes.size(), kLevel)));
  fresh->bytes = std::move(bytes);
  learning.dictionary = std::move(fresh);
  learning.rows = 0;
  learning.outgrown = false;
}

Bytes RowBodies::pack(RowKind kind, ByteView plain) {
  if (!writer_) load();
  return writer_->pack(kind, plain);
}

void RowBodies::load() {
  auto writer = std::make_unique<RowWriter>();
  auto row = db_.prepare(
      "SELECT kind, id, bytes FROM dictionaries WHERE id IN "
      "(SELECT MAX(id) FROM dictionaries GROUP BY kind)");
  while (row.step()) {
    const std::int64_t kind = row.integer(0);
    if (kind < 1 || kind > static_cast<std::int64_t>(kRowKinds)) continue;
    writer->use(static_cast<RowKind>(kind), row.integer(1), row.blob(2));
  }
  writer_ = std::move(writer);
}

Bytes RowBodies::unpack(ByteView body) {
  return reader_.unpack(body, [this](std::int64_t id) -> std::optional<Bytes> {
    auto row = db_.prepare("SELECT bytes FROM dictionaries WHERE id = ?");
    if (!row.bind(id).step()) return std::nullopt;
    return row.blob(0);
  });
}

void RowBodies::renew() {
  if (!writer_) return;
  for (const RowKind kind : {RowKind::certificate, RowKind::request, RowKind::audit}) {
    auto bytes = writer_->renewal(kind);
    if (!bytes) continue;
    std::int64_t id = 0;
    {
      auto row = db_.prepare("INSERT INTO dictionaries (kind, bytes) VALUES (?, ?) RETURNING id");
      if (row.bind(static_cast<std::int64_t>(kind), *bytes).step()) id = row.integer(0);
      row.run();
    }
    writer_->use(kind, id, std::move(*bytes));
  }
}

}  // namespace countersign::store
