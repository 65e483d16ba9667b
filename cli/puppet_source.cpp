#include "cli/puppet_source.h"

#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/clock.h"
#include "base/random.h"
#include "cli/failure.h"
#include "cli/puppet_merge.h"
#include "policy/certname.h"

namespace countersign::cli {
namespace {

// A puppetserver that runs may write meanwhile: what was read then does not belong together.
PuppetCadir read_quiet(const std::string& path, std::string_view key_passphrase) {
  constexpr int kTries = 2;
  for (int left = kTries; left > 0; --left) {
    PuppetCadir cadir = read_puppet_cadir(path, key_passphrase, system_clock(), system_random());
    if (!cadir.changed) return cadir;
  }
  throw Failure(kFailed, path +
                             " changes while it is read. Stop puppetserver, then try again. "
                             "Nothing was written.");
}

// A CA of puppetserver's own making has the first row of its inventory. No machine has that name,
// and what revoked the row would revoke the CA; an export writes it again.
void drop_row_of_ca(std::vector<store::CertificateRecord>& rows, const x509::Certificate& ca) {
  if (ca.subject() != ca.issuer()) return;
  std::erase_if(rows, [&ca](const store::CertificateRecord& row) {
    return row.serial == ca.serial() &&
           (row.der.empty() || std::ranges::equal(row.der, ca.der())) && !row.revocation;
  });
}

// The certname that Puppet gives this machine where puppet.conf says none; "" if it has no such
// name.
std::string fully_qualified_name() {
  char host[256] = "";
  if (::gethostname(host, sizeof host - 1) != 0) return {};
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  addrinfo* found = nullptr;
  std::string name = host;
  if (::getaddrinfo(host, nullptr, &hints, &found) == 0) {
    if (found->ai_canonname != nullptr) name = found->ai_canonname;
    ::freeaddrinfo(found);
  }
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return policy::valid_dns_name(name, false) ? name : std::string();
}

}  // namespace

PuppetSource read_puppet_source(const std::string& cadir_path, std::string_view key_passphrase,
                                const std::string& puppet_conf, const std::string& ca_conf) {
  PuppetSource source;
  source.cadir = read_quiet(cadir_path, key_passphrase);
  if (source.cadir.issuer && source.cadir.crl) {
    PuppetCadir& cadir = source.cadir;
    source.certificates = merge_certificates(
        cadir.inventory, std::move(cadir.files), cadir.revoked, cadir.issuer->id(),
        cadir.issuer->certificate().not_after(), cadir.findings);
    drop_row_of_ca(source.certificates, cadir.issuer->certificate());
    check_next_serial(cadir.next_serial, source.certificates, cadir.findings);
  }
  source.configuration =
      read_puppet_configuration(puppet_conf, ca_conf, cadir_path, source.cadir.findings);
  if (source.configuration.infra_crl && !source.cadir.infra_inventory) {
    source.cadir.findings.add(Severity::warning, "infra_inventory.txt",
                              "enable-infra-crl is set, and this file is not there. The infra CRL "
                              "stays off.");
  }
  return source;
}

std::vector<std::string> hostnames_of(const PuppetSource& source) {
  std::vector<std::string> names = source.configuration.hostnames;
  const auto add = [&names](const std::string& name) {
    if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  std::vector<std::string> candidates = names;
  candidates.push_back(fully_qualified_name());
  if (names.empty()) add(candidates.back());
  for (const std::string& candidate : candidates) {
    const auto own = std::ranges::find_if(source.certificates, [&candidate](const auto& row) {
      return row.current && row.certname == candidate;
    });
    if (own == source.certificates.end()) continue;
    const auto certificate = x509::Certificate::parse(own->der);
    if (certificate.has_error()) continue;
    add(candidate);
    for (const x509::GeneralName& name : (*certificate)->subject_alt_names()) {
      const bool dns = name.type == x509::GeneralName::Type::dns;
      if (dns && policy::valid_dns_name(name.value, false)) add(name.value);
    }
    break;
  }
  return names;
}

std::string operator_name(const PuppetSource& source) {
  std::set<std::string, std::less<>> taken;
  for (const auto& row : source.certificates) taken.insert(row.certname);
  for (const auto& request : source.cadir.requests) taken.insert(request.certname);
  std::string name = "operator";
  for (int number = 2; taken.contains(name); ++number) name = "operator-" + std::to_string(number);
  return name;
}

}  // namespace countersign::cli
