// What is read from PEM is written so that the same is read again.
#include <string>

#include "tests/fuzz/require.h"
#include "x509/pem.h"

using namespace countersign::x509;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto blocks = pem_decode_all(text);
  if (blocks.has_error()) {
    require(blocks.error().code == countersign::Code::malformed && !blocks.error().detail.empty());
    require(pem_decode(text, {kPemCertificate}).has_error());
    return 0;
  }
  std::string written;
  for (const PemBlock& block : *blocks) {
    require(block.der.size() <= size && block.label.find('\n') == std::string::npos);
    written += pem_encode(block.label, block.der);
  }
  const auto again = pem_decode_all(written);
  require(again.has_value() && again->size() == blocks->size());
  for (std::size_t i = 0; i < blocks->size(); ++i) {
    require((*again)[i].label == (*blocks)[i].label && (*again)[i].der == (*blocks)[i].der);
  }
  // Exactly one block of the label that is wanted, or none.
  const auto one = pem_decode(text, {kPemCsr, kPemNewCsr});
  const bool wanted = blocks->size() == 1 &&
                      (blocks->front().label == kPemCsr || blocks->front().label == kPemNewCsr);
  require(one.has_value() == wanted);
  if (wanted) require(*one == blocks->front().der);

  // And any bytes at all survive the way there and back.
  const countersign::ByteView bytes(data, size);
  const auto back = pem_decode(pem_encode(kPemCertificate, bytes), {kPemCertificate});
  require(back.has_value() && *back == countersign::to_bytes(bytes));
  return 0;
}
