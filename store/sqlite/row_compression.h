// Bodies of rows, compressed with what the rows before them held. Internal to store/sqlite.
//
// Two certificates of a profile share all but their keys, names and signatures. A dictionary is a
// few kilobytes of rows that were stored before; it lies in the table `dictionaries` for ever, and
// each body names the one that it needs. A body of which no dictionary knows anything is stored
// plain.
//
// Form of a body: the id of the dictionary as a varint, 0 for plain; then the bytes, or a frame of
// Zstandard (RFC 8878) without its magic number, with its size and its checksum.
#ifndef COUNTERSIGN_STORE_SQLITE_ROW_COMPRESSION_H_
#define COUNTERSIGN_STORE_SQLITE_ROW_COMPRESSION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "base/bytes.h"

namespace countersign::store {

class Connection;

// Rows of a kind share a dictionary.
enum class RowKind : std::uint8_t { certificate = 1, request = 2, audit = 3 };
inline constexpr std::size_t kRowKinds = 3;

// No body is larger before it is compressed; a larger one is stored plain.
inline constexpr std::size_t kLargestBody = std::size_t{1} << 20;
// Of a dictionary, in bytes.
inline constexpr std::size_t kLargestDictionary = std::size_t{16} << 10;

// The bytes of a dictionary, or nullopt if there is none of this id.
using FindDictionary = std::function<std::optional<Bytes>(std::int64_t id)>;

// Reads bodies. Keeps the dictionaries that it used last. Used by one thread at a time.
class RowReader {
 public:
  RowReader();
  ~RowReader();
  RowReader(const RowReader&) = delete;
  RowReader& operator=(const RowReader&) = delete;

  // Whatever is not the body that was written throws SqliteError(SQLITE_CORRUPT).
  Bytes unpack(ByteView body, const FindDictionary& find);

 private:
  struct Digested;
  const Digested& dictionary(std::int64_t id, const FindDictionary& find);

  struct Context;
  std::unique_ptr<Context> context_;
  std::list<Digested> used_;  // the last used first
};

// Writes bodies, and learns from them. Used by one thread at a time.
class RowWriter {
 public:
  RowWriter();
  ~RowWriter();
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  // With the dictionary in force; plain if there is none or it does not help.
  Bytes pack(RowKind kind, ByteView plain);

  // The dictionary that the kind should have from now on, nullopt if the one in force fits: now and
  // then a body is compressed with those before it, too, and if that takes a tenth less, the rows
  // have changed.
  std::optional<Bytes> renewal(RowKind kind);
  // The kind's dictionary is this one from now on. It must be stored already.
  void use(RowKind kind, std::int64_t id, Bytes bytes);

 private:
  struct Context;
  struct Dictionary;
  struct Learning {
    std::unique_ptr<Dictionary> dictionary;  // null: none yet
    std::deque<Bytes> recent;                // bodies, the latest last
    std::size_t recent_bytes = 0;
    std::uint64_t rows = 0;  // since the dictionary is in force
    bool outgrown = false;
  };
  Learning& of(RowKind kind) { return kinds_.at(static_cast<std::size_t>(kind) - 1); }
  bool would_do_better(const Learning& kind, ByteView plain, std::size_t size);
  void remember(Learning& kind, ByteView plain);

  std::unique_ptr<Context> context_;
  std::array<Learning, kRowKinds> kinds_;
};

// What a connection does with bodies: the two above over the table `dictionaries`.
class RowBodies {
 public:
  // `db` must outlive it. The newest dictionaries are in force from the first pack() on.
  explicit RowBodies(Connection& db) : db_(db) {}

  Bytes pack(RowKind kind, ByteView plain);
  Bytes unpack(ByteView body);
  // Stores the dictionaries that are due. Not inside a batch that may be taken back: bodies that
  // are packed from now on need them.
  void renew();

 private:
  void load();

  Connection& db_;
  RowReader reader_;
  std::unique_ptr<RowWriter> writer_;  // null: nothing was packed yet
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_ROW_COMPRESSION_H_
