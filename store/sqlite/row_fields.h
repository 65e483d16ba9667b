// The fields of a row as one string of bytes. Internal to store/sqlite.
//
// Integers are zigzag varints (seven bits a byte, the lowest first), texts and blobs have their
// length in front.
#ifndef COUNTERSIGN_STORE_SQLITE_ROW_FIELDS_H_
#define COUNTERSIGN_STORE_SQLITE_ROW_FIELDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"

namespace countersign::store {

class FieldWriter {
 public:
  void integer(std::int64_t value);
  void time(Timestamp value) { integer(value.time_since_epoch().count()); }
  // The distance: times of one row lie close together, and what repeats costs nothing.
  void time_from(Timestamp base, Timestamp value);
  void optional_time_from(Timestamp base, const std::optional<Timestamp>& value);
  void bytes(ByteView value);
  void text(std::string_view value) { bytes(as_bytes(value)); }
  // A text, in half of the room if it is hexadecimal.
  void hexadecimal(std::string_view value);
  // The id of a request: 26 characters of Crockford's base 32 go into 16 bytes.
  void id(std::string_view value);

  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

// Reads the same in the same order. Whatever does not fit throws SqliteError(SQLITE_CORRUPT).
class FieldReader {
 public:
  explicit FieldReader(ByteView in) : in_(in) {}

  std::int64_t integer();
  Timestamp time();
  Timestamp time_from(Timestamp base);
  std::optional<Timestamp> optional_time_from(Timestamp base);
  ByteView bytes();
  Bytes blob() { return to_bytes(bytes()); }
  std::string text() { return std::string(as_text(bytes())); }
  std::string hexadecimal();
  std::string id();
  ByteView rest() const { return in_; }
  void end() const;  // that was all

 private:
  std::uint8_t byte();
  ByteView take(std::uint64_t size);

  ByteView in_;
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_SQLITE_ROW_FIELDS_H_
