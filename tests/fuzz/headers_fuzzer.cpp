// Headers of a request: the first of a name counts, whatever the case of its letters; a type is
// chosen from those on offer, by Accept alone; and no other header makes a request a browser's.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "api/http/message.h"
#include "tests/fuzz/require.h"

using countersign::api::acceptable_type;
using countersign::api::from_another_site;
using countersign::api::preferred_type;
using countersign::api::Request;
using countersign::api::same_letters;

namespace {

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

}  // namespace

// Lines "name:value".
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr std::array<std::string_view, 3> kTypes = {"application/json", "text/plain",
                                                             "application/pkix-crl"};
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Request request;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t colon = std::min(line.find(':'), line.size());
    request.headers.emplace_back(line.substr(0, colon),
                                 line.substr(std::min(line.size(), colon + 1)));
  }
  for (const auto& one : request.headers) {
    const std::string& name = one.first;
    require(same_letters(name, upper(name)));
    const auto first = std::ranges::find_if(
        request.headers, [&](const auto& header) { return same_letters(header.first, name); });
    require(request.header(upper(name)) == first->second);
  }
  const auto accepted = acceptable_type(request, kTypes);
  const auto preferred = preferred_type(request, {kTypes[0], kTypes[1], kTypes[2]});
  require(std::ranges::find(kTypes, preferred) != kTypes.end());
  require(preferred == accepted.value_or(kTypes[0]));

  Request alone;
  alone.headers = {{"ACCEPT", std::string(request.header("accept"))}};
  require(acceptable_type(alone, kTypes) == accepted);
  require(!from_another_site(alone));
  // What is named exactly, and first, is taken whatever follows.
  alone.headers[0].second = "text/plain," + alone.headers[0].second;
  require(acceptable_type(alone, kTypes).has_value());
  alone.headers = {{"Sec-Fetch-Site", std::string(request.header("sec-fetch-site"))}};
  require(from_another_site(alone) == from_another_site(request));
  return 0;
}
