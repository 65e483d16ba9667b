#include "cli/puppet_export_rows.h"

#include <algorithm>
#include <cctype>

namespace countersign::cli {
namespace {

constexpr std::uint64_t kLimit = 0x80000000;

// The number, or kLimit if it is not below that.
std::uint64_t number_of(ByteView serial) {
  std::uint64_t number = 0;
  for (const std::uint8_t octet : serial) {
    number = number << 8U | octet;
    if (number >= kLimit) return kLimit;
  }
  return number;
}

Bytes serial_of(std::uint64_t number) {
  Bytes serial;
  for (; number != 0; number >>= 8U) serial.insert(serial.begin(), std::uint8_t(number & 0xFFU));
  return serial;
}

// An import keeps a subject that is more than a CN, or no CN, as it was: "O=Example,CN=a". A
// certname has no '='.
std::string subject_of(const std::string& certname) {
  const std::size_t sign = certname.find('=');
  const bool whole = sign != std::string::npos && sign > 0 &&
                     std::all_of(certname.begin(), certname.begin() + std::ptrdiff_t(sign),
                                 [](unsigned char c) { return std::isalnum(c) != 0; });
  return whole ? certname : "CN=" + certname;
}

}  // namespace

InventoryRow inventory_row(const store::CertificateRecord& certificate) {
  return {.serial = certificate.serial,
          .not_before = certificate.not_before,
          .not_after = certificate.not_after,
          .subject = subject_of(certificate.certname)};
}

bool names_a_file(std::string_view certname) {
  constexpr std::size_t kLongest = 255 - 4;  // of a file name, less ".pem"
  return !certname.empty() && certname.size() <= kLongest && certname.front() != '.' &&
         std::all_of(certname.begin(), certname.end(),
                     [](char c) { return c > ' ' && c < 0x7F && c != '/'; });
}

void NextSerial::saw(ByteView serial) {
  const std::uint64_t number = number_of(serial);
  if (number < kLimit) highest_ = std::max(highest_, number);
}

Result<Bytes> NextSerial::next(ByteView counter) const {
  const std::uint64_t next = std::max(number_of(counter), highest_ + 1);
  if (next >= kLimit) {
    return fail(Code::conflict,
                "No serial below 80000000 is left, and puppetserver counts no further.");
  }
  return serial_of(next);
}

}  // namespace countersign::cli
