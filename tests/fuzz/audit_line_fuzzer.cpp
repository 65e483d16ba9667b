// Exports of the audit: a line that is read says all that it showed, and is written the same; and
// whatever the lines are, none of them passes as signed by a key that never signed.
#include <boost/json.hpp>
#include <string_view>

#include "ca/audit_line.h"
#include "ca/audit_verifier.h"
#include "tests/fuzz/require.h"

using namespace countersign;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto key = x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}).value();
  std::string_view text(reinterpret_cast<const char*>(data), size);
  ca::AuditVerifier verifier(key.public_key(), ca::AuditVerifier::Extent::part);
  bool any = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const auto line = ca::parse_audit_line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line) continue;
    any = true;
    const auto object = std::visit([](const auto& one) { return ca::audit_object(one); }, *line);
    const auto again = ca::parse_audit_line(boost::json::serialize(object));
    require(again.has_value() && *again == *line);
    if (const auto* row = std::get_if<store::AuditRecord>(&*line)) {
      verifier.row(*row);
    } else {
      verifier.checkpoint(std::get<store::AuditCheckpoint>(*line));
    }
  }
  const auto report = verifier.finish();
  require(report.good() == !any);
  require(report.checkpoints == 0 && report.signed_to == 0);
  return 0;
}
