#include "ca/audit_line.h"

#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"

namespace countersign::ca {
namespace {

namespace json = boost::json;

// "2026-11-24T15:04:05.123Z"
std::string exact_time(Timestamp time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  char text[8];
  std::snprintf(text, sizeof text, ".%03dZ", static_cast<int>((time - second).count()));
  std::string whole = to_rfc3339(second);
  whole.pop_back();
  return whole + static_cast<const char*>(text);
}

// Nothing but that form.
std::optional<Timestamp> parse_exact_time(std::string_view text) {
  constexpr std::size_t kWhole = 19;  // up to the point
  if (text.size() != kWhole + 5) return std::nullopt;
  const auto second = parse_rfc3339(std::string(text.substr(0, kWhole)) + "Z");
  int thousandths = 0;
  std::from_chars(text.data() + kWhole + 1, text.data() + kWhole + 4, thousandths);
  if (!second) return std::nullopt;
  const Timestamp time = *second + std::chrono::milliseconds(thousandths);
  return exact_time(time) == text ? std::optional(time) : std::nullopt;
}

// Takes members out of an object, each of one type; what was never there, or is left, is malformed.
class Members {
 public:
  explicit Members(const json::object& object) : object_(object) {}

  std::string text(std::string_view key) {
    const json::value* value = take(key);
    if (value == nullptr || !value->is_string()) return wrong(std::string());
    return std::string(value->get_string());
  }
  std::int64_t number(std::string_view key) {
    const json::value* value = take(key);
    if (value == nullptr || !value->is_int64()) return wrong(std::int64_t{0});
    return value->get_int64();
  }
  Timestamp time(std::string_view key) {
    const auto time = parse_exact_time(text(key));
    return time ? *time : wrong(Timestamp());
  }
  Bytes bytes(std::string_view key) {
    const std::string written = text(key);
    auto bytes = from_hex(written);
    if (!bytes || to_hex(*bytes) != written) return wrong(Bytes());
    return std::move(*bytes);
  }
  bool exact() const { return good_ && taken_ == object_.size(); }

 private:
  const json::value* take(std::string_view key) {
    ++taken_;
    return object_.if_contains({key.data(), key.size()});
  }
  template <class T>
  T wrong(T value) {
    good_ = false;
    return value;
  }

  const json::object& object_;
  std::size_t taken_ = 0;
  bool good_ = true;
};

Error no_line() {
  return fail(Code::malformed,
              "This is neither a row nor a checkpoint as `countersign audit export` writes them.");
}

Result<AuditLine> parse_row(const json::object& object) {
  Members members(object);
  store::AuditRecord row;
  row.sequence = members.number("sequence");
  row.at = members.time("at");
  row.action = members.text("action");
  row.actor = members.text("actor");
  row.source = members.text("source");
  row.subject = members.text("subject");
  row.serial = members.text("serial");
  row.detail = members.text("detail");
  row.request_id = members.text("request_id");
  row.hash = members.bytes("hash");
  if (!members.exact() || row.sequence < 1) return no_line();
  return AuditLine(std::move(row));
}

Result<AuditLine> parse_checkpoint(const json::object& object) {
  Members members(object);
  store::AuditCheckpoint checkpoint;
  checkpoint.sequence = members.number("sequence");
  checkpoint.hash = members.bytes("hash");
  checkpoint.at = members.time("at");
  checkpoint.key = members.text("key");
  checkpoint.signature = members.bytes("signature");
  if (!members.exact() || checkpoint.sequence < 1) return no_line();
  return AuditLine(std::move(checkpoint));
}

}  // namespace

json::object audit_object(const store::AuditRecord& row) {
  return {{"sequence", row.sequence}, {"at", exact_time(row.at)}, {"action", row.action},
          {"actor", row.actor},       {"source", row.source},     {"subject", row.subject},
          {"serial", row.serial},     {"detail", row.detail},     {"request_id", row.request_id},
          {"hash", to_hex(row.hash)}};
}

json::object audit_object(const store::AuditCheckpoint& checkpoint) {
  return {{"checkpoint", json::object{{"sequence", checkpoint.sequence},
                                      {"hash", to_hex(checkpoint.hash)},
                                      {"at", exact_time(checkpoint.at)},
                                      {"key", checkpoint.key},
                                      {"signature", to_hex(checkpoint.signature)}}}};
}

Result<AuditLine> parse_audit_line(std::string_view line) {
  if (line.size() > kAuditLineBytes) return fail(Code::too_large, "The line is too long.");
  json::parse_options options;
  options.max_depth = 3;
  json::error_code error;
  const json::value value = json::parse({line.data(), line.size()}, error, {}, options);
  if (error || !value.is_object()) return no_line();
  const json::object& object = value.get_object();
  const json::value* checkpoint = object.if_contains("checkpoint");
  if (checkpoint == nullptr) return parse_row(object);
  if (object.size() != 1 || !checkpoint->is_object()) return no_line();
  return parse_checkpoint(checkpoint->get_object());
}

}  // namespace countersign::ca
