// What read_crls accepts, it reads again from its own text, each once; the newest of a set hold
// their place, are of the same CA and not older, and are the newest again.
#include <set>

#include "ca/parent_crls.h"
#include "tests/fuzz/require.h"

using countersign::Bytes;
using namespace countersign::ca;  // NOLINT(google-build-using-namespace)

namespace {

bool not_older(const countersign::x509::Crl& a, const countersign::x509::Crl& b) {
  const Bytes& left = a.number_octets();
  const Bytes& right = b.number_octets();
  return left.size() != right.size() ? left.size() > right.size() : left >= right;
}

void hold_against(const Crls& before, const Crls& after) {
  require(before.size() == after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    require(not_older(*after[i], *before[i]));
    require(before[i]->authority_key_id().empty()
                ? after[i]->issuer() == before[i]->issuer()
                : after[i]->authority_key_id() == before[i]->authority_key_id());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto list = read_crls({reinterpret_cast<const char*>(data), size});
  if (list.has_error()) {
    require(list.error().detail == "No valid CRLs submitted." && !list.error().cause.empty());
    return 0;
  }
  require(!list->empty());
  std::set<std::string> texts;
  for (const auto& crl : *list) require(texts.insert(crl->pem()).second);
  require(to_pem(read_crls(to_pem(*list)).value()) == to_pem(*list));

  hold_against(*list, later_crls(*list, *list));
  const auto newest = newest_crls(*list, *list);
  if (newest.has_error()) {
    require(!newest.error().detail.empty());
    return 0;
  }
  hold_against(*list, *newest);
  require(newest_crls(*newest, *list).value() == *newest);
  return 0;
}
