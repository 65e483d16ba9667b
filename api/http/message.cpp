#include "api/http/message.h"

#include <algorithm>

namespace countersign::api {
bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Takes the text before the next `separator` off `rest`, without the blanks around it.
std::string_view next_part(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  while (!part.empty() && (part.front() == ' ' || part.front() == '\t')) part.remove_prefix(1);
  while (!part.empty() && (part.back() == ' ' || part.back() == '\t')) part.remove_suffix(1);
  return part;
}

// How well a media range fits: 0 not at all, 1 by "*/*", 2 by "text/*", 3 as it is.
int fit(std::string_view range, std::string_view type) {
  if (same_letters(range, type)) return 3;
  if (range == "*/*") return 1;
  const bool family = range.ends_with("/*") &&
                      same_letters(range.substr(0, range.size() - 1),
                                   type.substr(0, std::min(type.size(), range.size() - 1)));
  return family ? 2 : 0;
}

// "0.7" as 700; 1000 for anything unreadable.
int quality(std::string_view text) {
  if (!text.starts_with('0')) return 1000;
  int value = 0;
  for (std::size_t i = 2; i < 5; ++i) {
    const bool digit = i < text.size() && text[i] >= '0' && text[i] <= '9';
    value = value * 10 + (digit ? text[i] - '0' : 0);
  }
  return value;
}

// What `accept` says of `type`, by the range that fits best.
int liking(std::string_view accept, std::string_view type) {
  int best_fit = 0;
  int liked = 0;
  while (!accept.empty()) {
    std::string_view element = next_part(accept, ',');
    const int fits = fit(next_part(element, ';'), type);
    if (fits <= best_fit) continue;
    best_fit = fits;
    liked = 1000;
    while (!element.empty()) {
      const std::string_view parameter = next_part(element, ';');
      if (parameter.starts_with("q=")) liked = quality(parameter.substr(2));
    }
  }
  return liked;
}

}  // namespace

bool from_another_site(const Request& request) {
  const std::string_view site = request.header("sec-fetch-site");
  return !site.empty() && site != "same-origin" && site != "none";
}

std::optional<std::string_view> acceptable_type(const Request& request,
                                                std::span<const std::string_view> types) {
  std::optional<std::string_view> best;
  int most = 0;
  for (const std::string_view type : types) {
    const int liked = liking(request.header("accept"), type);
    if (liked > most) {
      most = liked;
      best = type;
    }
  }
  return best;
}

std::string_view preferred_type(const Request& request,
                                std::initializer_list<std::string_view> types) {
  return acceptable_type(request, {types.begin(), types.size()}).value_or(*types.begin());
}

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_letters(key, name)) return value;
  }
  return {};
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    std::string pair(query.substr(0, end));
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    std::ranges::replace(pair, '+', ' ');
    const std::size_t equals = pair.find('=');
    if (percent_decode(std::string_view(pair).substr(0, equals)) != name) continue;
    if (equals == std::string::npos) return std::string();
    return percent_decode(std::string_view(pair).substr(equals + 1));
  }
  return std::nullopt;
}

}  // namespace countersign::api
