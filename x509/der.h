// Strict DER (X.690 10, 11): a reader that accepts one encoding of each value, and a writer.
// Internal.
#ifndef COUNTERSIGN_X509_DER_H_
#define COUNTERSIGN_X509_DER_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace countersign::x509::der {

inline constexpr std::uint8_t kBoolean = 0x01;
inline constexpr std::uint8_t kInteger = 0x02;
inline constexpr std::uint8_t kBitString = 0x03;
inline constexpr std::uint8_t kOctetString = 0x04;
inline constexpr std::uint8_t kNull = 0x05;
inline constexpr std::uint8_t kObjectIdentifier = 0x06;
inline constexpr std::uint8_t kEnumerated = 0x0A;
inline constexpr std::uint8_t kUtf8String = 0x0C;
inline constexpr std::uint8_t kNumericString = 0x12;
inline constexpr std::uint8_t kPrintableString = 0x13;
inline constexpr std::uint8_t kT61String = 0x14;
inline constexpr std::uint8_t kIa5String = 0x16;
inline constexpr std::uint8_t kUtcTime = 0x17;
inline constexpr std::uint8_t kGeneralizedTime = 0x18;
inline constexpr std::uint8_t kUniversalString = 0x1C;
inline constexpr std::uint8_t kBmpString = 0x1E;
inline constexpr std::uint8_t kSequence = 0x30;
inline constexpr std::uint8_t kSet = 0x31;

inline constexpr std::uint8_t kConstructed = 0x20;
constexpr std::uint8_t context(unsigned number) { return static_cast<std::uint8_t>(0x80 | number); }
constexpr std::uint8_t context_constructed(unsigned number) {
  return static_cast<std::uint8_t>(0xA0 | number);
}

// The first thing found wrong with an input. Readers that share a Fault stop together, so that a
// parser reads straight on and asks once, at the end.
class Fault {
 public:
  explicit Fault(Code code) : code_(code) {}
  // The code of what is found from now on.
  void set_code(Code code) { code_ = code; }
  void note(std::string detail) { note(fail(code_, std::move(detail))); }
  void note(Error error) {
    if (!error_) error_ = std::move(error);
  }
  bool found() const { return error_.has_value(); }
  const Error& error() const { return *error_; }

 private:
  Code code_;
  std::optional<Error> error_;
};

struct Element {
  std::uint8_t tag = 0;
  ByteView content;
  ByteView whole;  // with tag and length
};

// Reads elements one after the other. After a fault every read returns an empty value and at_end()
// is true. `what` names the element in the fault's text. Views are into the input.
class Reader {
 public:
  Reader(ByteView input, Fault& fault) : rest_(input), fault_(&fault) {}

  bool at_end() const { return rest_.empty() || fault_->found(); }
  bool next_is(std::uint8_t tag) const { return !at_end() && rest_.front() == tag; }
  // Notes a fault if anything is left.
  void finish(std::string_view what);

  Element any(std::string_view what);
  Element read(std::uint8_t tag, std::string_view what);
  Reader enter(std::uint8_t tag, std::string_view what) {
    return {read(tag, what).content, *fault_};
  }

  // Big-endian without a leading zero octet (zero itself is one). A negative number is a fault.
  ByteView unsigned_integer(std::string_view what);
  std::uint64_t small_integer(std::string_view what);  // a fault over 64 bits
  std::string object_identifier(std::string_view what);
  ByteView bit_string(std::string_view what);  // whole octets only
  // BOOLEAN DEFAULT FALSE: absent, or TRUE.
  bool default_false(std::string_view what);
  // UTCTime or GeneralizedTime in the one form that RFC 5280 4.1.2.5 allows: seconds, and 'Z'.
  Timestamp time(std::string_view what);

 private:
  ByteView rest_;
  Fault* fault_;
};

// The dotted form; nothing if the content is no OID or an arc exceeds 64 bits.
std::optional<std::string> oid_text(ByteView content);

// Checks an element whose type is open (ANY), down to its leaves, as far as its tags tell its
// types.
void check_value(const Element& element, Fault& fault, std::string_view what);

// The string types of X.509 as UTF-8: nothing for another tag, for what the type does not allow,
// and for text that holds NUL, which is never meant and has fooled readers of C strings. T61String
// is read as ASCII only: implementations disagree on the rest of it.
std::optional<std::string> string_text(std::uint8_t tag, ByteView content);
inline std::optional<std::string> string_text(const Element& element) {
  return string_text(element.tag, element.content);
}

// Appends elements. Throws std::invalid_argument on what has no encoding.
class Writer {
 public:
  void raw(ByteView der) { out_.insert(out_.end(), der.begin(), der.end()); }
  void element(std::uint8_t tag, ByteView content);
  void unsigned_integer(ByteView big_endian, std::uint8_t tag = kInteger);
  void unsigned_integer(std::uint64_t value, std::uint8_t tag = kInteger);
  void object_identifier(std::string_view dotted, std::uint8_t tag = kObjectIdentifier);
  void bit_string(ByteView whole_octets);
  void boolean_true();
  // UTCTime to the end of 2049, GeneralizedTime from 2050 (RFC 5280 4.1.2.5).
  void time(std::chrono::sys_seconds time);

  // One constructed element (or a string that holds DER) around what `body` writes.
  template <class Body>
  void nest(std::uint8_t tag, Body body) {
    out_.push_back(tag);
    const std::size_t start = out_.size();
    body();
    close(start);
  }

  Bytes take() { return std::move(out_); }
  void reserve(std::size_t size) { out_.reserve(size); }

 private:
  void close(std::size_t start);
  Bytes out_;
};

}  // namespace countersign::x509::der

#endif  // COUNTERSIGN_X509_DER_H_
