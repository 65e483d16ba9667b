#include "api/puppet/client_headers.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/bytes.h"
#include "policy/certname.h"
#include "x509/pem.h"

namespace countersign::api {
namespace {

constexpr std::array<std::string_view, 3> kHeaders = {kClientVerify, kClientDn, kClientCert};

bool is_client_header(std::string_view name) {
  return std::ranges::any_of(kHeaders, [&](std::string_view h) { return same_letters(h, name); });
}

// Who added a header to another one of that name would be believed, or not, by chance.
Result<void> check_once(const Request& request, std::string_view name) {
  const auto count = std::ranges::count_if(
      request.headers, [&](const auto& header) { return same_letters(header.first, name); });
  if (count <= 1) return {};
  return fail(Code::malformed, "The header " + std::string(name) + " is there more than once.");
}

struct Attribute {
  std::string type;
  std::string value;
};

// The attributes of a name as RFC 2253 writes it, read from the left.
class NameReader {
 public:
  explicit NameReader(std::string_view text) : rest_(text) {}

  std::optional<std::vector<Attribute>> read() {
    std::vector<Attribute> list;
    do {
      const std::size_t equals = rest_.find('=');
      if (equals == std::string_view::npos) return std::nullopt;
      Attribute attribute{.type = std::string(rest_.substr(0, equals)), .value = ""};
      std::erase(attribute.type, ' ');
      if (!std::ranges::all_of(attribute.type, in_type)) return std::nullopt;
      rest_.remove_prefix(equals + 1);
      skip_spaces();
      const bool quoted = rest_.starts_with('"');
      auto value = quoted ? read_quoted() : read_bare();
      if (!value) return std::nullopt;
      attribute.value = std::move(*value);
      list.push_back(std::move(attribute));
    } while (next());
    if (!rest_.empty()) return std::nullopt;
    return list;
  }

 private:
  // A key word or an OID.
  static bool in_type(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-';
  }
  static bool is_separator(char c) { return c == ',' || c == '+' || c == ';'; }

  void skip_spaces() {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
  }

  bool next() {
    if (rest_.empty() || !is_separator(rest_.front())) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // What stands behind a backslash: two hexadecimal digits, or a character for itself.
  bool read_escaped(std::string& out) {
    rest_.remove_prefix(1);
    if (rest_.empty()) return false;
    if (const auto byte = from_hex(rest_.substr(0, 2)); byte && byte->size() == 1) {
      out.push_back(static_cast<char>(byte->front()));
      rest_.remove_prefix(2);
      return true;
    }
    out.push_back(rest_.front());
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<std::string> read_quoted() {
    rest_.remove_prefix(1);
    std::string value;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') {
        if (!read_escaped(value)) return std::nullopt;
        continue;
      }
      value.push_back(rest_.front());
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) return std::nullopt;
    rest_.remove_prefix(1);
    skip_spaces();
    return value;
  }

  std::optional<std::string> read_bare() {
    std::string value;
    std::size_t wanted = 0;  // without the spaces before the separator
    while (!rest_.empty() && !is_separator(rest_.front())) {
      const char c = rest_.front();
      if (c == '\\') {
        if (!read_escaped(value)) return std::nullopt;
        wanted = value.size();
        continue;
      }
      value.push_back(c);
      rest_.remove_prefix(1);
      if (c != ' ') wanted = value.size();
    }
    value.resize(wanted);
    return value;
  }

  std::string_view rest_;
};

// "/O=b/CN=a", in which nothing is escaped.
std::vector<Attribute> read_slashes(std::string_view text) {
  std::vector<Attribute> list;
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::string_view part = text.substr(0, text.find('/'));
    text.remove_prefix(part.size());
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    list.push_back({std::string(part.substr(0, equals)), std::string(part.substr(equals + 1))});
  }
  return list;
}

}  // namespace

std::optional<std::string> certname_in(std::string_view dn) {
  auto attributes = dn.starts_with('/') ? read_slashes(dn) : NameReader(dn).read();
  if (!attributes) return std::nullopt;
  std::optional<std::string> name;
  for (Attribute& attribute : *attributes) {
    if (!same_letters(attribute.type, "CN") && attribute.type != "2.5.4.3") continue;
    if (name) return std::nullopt;
    name = std::move(attribute.value);
  }
  if (!name || policy::check_certname(*name).has_error()) return std::nullopt;
  return name;
}

bool names_a_client(const Request& request) {
  return std::ranges::any_of(request.headers, [](const auto& header) {
    return same_letters(header.first, kClientVerify) || same_letters(header.first, kClientDn);
  });
}

void drop_client_headers(Request& request) {
  std::erase_if(request.headers, [](const auto& header) { return is_client_header(header.first); });
}

Result<std::shared_ptr<const x509::Certificate>> read_client_cert(const Request& request) {
  const auto once = check_once(request, kClientCert);
  if (once.has_error()) return once.error();
  const std::string_view encoded = request.header(kClientCert);
  if (encoded.empty()) return std::shared_ptr<const x509::Certificate>();
  const auto pem = percent_decode(encoded);
  if (!pem) {
    return fail(Code::malformed,
                "Unable to URL decode the x-client-cert header: a '%' without two digits");
  }
  const auto blocks = x509::pem_decode_all(*pem);
  if (blocks.has_error()) {
    return fail(Code::malformed,
                "Unable to parse x-client-cert into certificate: " + blocks.error().detail);
  }
  std::vector<const x509::PemBlock*> certificates;
  for (const x509::PemBlock& block : *blocks) {
    if (block.label == x509::kPemCertificate) certificates.push_back(&block);
  }
  if (certificates.empty()) {
    return fail(Code::malformed, "No certs found in PEM read from x-client-cert");
  }
  if (certificates.size() > 1) {
    return fail(Code::malformed, "Only 1 PEM should be supplied for x-client-cert but " +
                                     std::to_string(certificates.size()) + " found");
  }
  auto parsed = x509::Certificate::parse(certificates.front()->der);
  if (parsed.has_error()) {
    return fail(Code::malformed,
                "Unable to parse x-client-cert into certificate: " + parsed.error().detail);
  }
  return parsed;
}

Result<std::optional<ForwardedClient>> read_client_headers(const Request& request) {
  for (const std::string_view name : kHeaders) {
    const auto once = check_once(request, name);
    if (once.has_error()) return once.error();
  }
  if (request.header(kClientVerify) != "SUCCESS") return std::optional<ForwardedClient>();
  auto name = certname_in(request.header(kClientDn));
  if (!name) {
    return fail(Code::malformed, "X-Client-Verify is SUCCESS, and X-Client-DN holds no certname.");
  }
  auto certificate = read_client_cert(request);
  if (certificate.has_error()) return certificate.error();
  if (*certificate && (*certificate)->common_name() != *name) {
    return fail(Code::denied, "X-Client-DN and X-Client-Cert are of different names.");
  }
  return std::optional(ForwardedClient{std::move(*name), std::move(*certificate)});
}

}  // namespace countersign::api
