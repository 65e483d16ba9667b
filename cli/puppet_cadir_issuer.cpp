// ca_key.pem and ca_crt.pem of a Puppet CA directory.
#include <algorithm>

#include "cli/puppet_cadir_parts.h"
#include "x509/pem.h"

namespace countersign::cli::cadir {
namespace {

using Chain = std::vector<std::shared_ptr<const x509::Certificate>>;
constexpr const char* kKey = "ca_key.pem";
constexpr const char* kBundle = "ca_crt.pem";

std::optional<x509::PrivateKey> read_key(Findings& findings, const std::filesystem::path& folder,
                                         std::string_view passphrase) {
  auto text = read(folder, kKey, kPemBytes, Severity::fatal, findings);
  if (!text) return std::nullopt;
  const Secret pem(std::move(*text));
  auto key = x509::PrivateKey::from_pem(pem.view(), passphrase);
  if (key.has_error()) {
    findings.add(Severity::fatal, kKey,
                 key.error().detail + (pem.view().find("ENCRYPTED") == std::string_view::npos
                                           ? ""
                                           : " --key-passphrase-file FILE opens it."));
    return std::nullopt;
  }
  if (const auto fit = x509::check_key(key->public_key()); fit.has_error()) {
    findings.add(Severity::fatal, kKey, fit.error().detail);
    return std::nullopt;
  }
  return std::move(*key);
}

// Every certificate of the bundle, in its order.
std::optional<Chain> read_bundle(Findings& findings, const std::filesystem::path& folder) {
  const auto text = read(folder, kBundle, kPemBytes, Severity::fatal, findings);
  if (!text) return std::nullopt;
  const auto blocks = x509::pem_decode_all(*text);
  if (blocks.has_error()) {
    findings.add(Severity::fatal, kBundle, blocks.error().detail);
    return std::nullopt;
  }
  Chain bundle;
  for (const x509::PemBlock& block : *blocks) {
    const std::string which = "PEM block " + std::to_string(bundle.size() + 1) + ": ";
    if (block.label != x509::kPemCertificate) {
      findings.add(Severity::fatal, kBundle,
                   which + "a '" + block.label + "' does not belong here.");
      return std::nullopt;
    }
    auto certificate = x509::Certificate::parse(block.der);
    if (certificate.has_error()) {
      findings.add(Severity::fatal, kBundle, which + certificate.error().detail);
      return std::nullopt;
    }
    bundle.push_back(std::move(*certificate));
  }
  return bundle;
}

bool self_signed(const x509::Certificate& ca) { return ca.issuer() == ca.subject(); }

// From the certificate of the key to its root. Puppet finds it by key too, wherever it stands.
std::optional<Chain> path_of(Findings& findings, const Chain& bundle, const x509::PublicKey& key) {
  const auto own = std::ranges::find_if(bundle, [&key](const auto& ca) {
    return std::ranges::equal(ca->public_key().spki(), key.spki());
  });
  if (own == bundle.end()) {
    findings.add(Severity::fatal, kBundle,
                 "none of its certificates has the key of ca_key.pem. The two must be of one CA.");
    return std::nullopt;
  }
  Chain path = {*own};
  while (!self_signed(*path.back())) {
    const x509::Certificate& child = *path.back();
    const auto parent = std::ranges::find_if(bundle, [&](const auto& ca) {
      return ca->subject() == child.issuer() && std::ranges::find(path, ca) == path.end() &&
             child.verify(ca->public_key()).has_value();
    });
    if (parent == bundle.end()) {
      findings.add(Severity::fatal, kBundle,
                   "the CA that signed '" + child.common_name() + "' ('" +
                       child.issuer_common_name() +
                       "') is not in it, or did not sign with SHA-256 or better.");
      return std::nullopt;
    }
    path.push_back(*parent);
  }
  const x509::Certificate& root = *path.back();
  if (const auto valid = root.verify(root.public_key()); valid.has_error()) {
    findings.add(Severity::fatal, kBundle,
                 "'" + root.common_name() + "' is not signed by itself: " + valid.error().detail +
                     " Make it anew with the same key and subject; what it issued stays valid.");
    return std::nullopt;
  }
  return path;
}

}  // namespace

void read_issuer(PuppetCadir& cadir, const std::filesystem::path& folder,
                 std::string_view key_passphrase, const Clock& clock, const Random& random) {
  auto key = read_key(cadir.findings, folder, key_passphrase);
  const auto bundle = read_bundle(cadir.findings, folder);
  if (!key || !bundle) return;
  auto path = path_of(cadir.findings, *bundle, key->public_key());
  if (!path) return;
  for (const auto& ca : *path) {
    if (ca->not_after() > clock.now()) continue;
    cadir.findings.add(Severity::fatal, kBundle, "'" + ca->common_name() + "' has expired.");
  }
  for (const auto& ca : *bundle) {
    if (std::ranges::find(*path, ca) != path->end()) continue;
    cadir.findings.add(Severity::left, kBundle,
                       "'" + ca->common_name() + "' is not above the CA of ca_key.pem.");
  }
  cadir.key_pem = Secret(key->to_pem(""));
  auto issuer =
      ca::Issuer::create(std::move(*path), x509::make_signer(std::move(*key)), clock, random);
  if (issuer.has_error()) {
    cadir.findings.add(Severity::fatal, kBundle, issuer.error().detail);
  } else {
    cadir.issuer = std::move(*issuer);
  }
}

}  // namespace countersign::cli::cadir
