// ca_crl.pem and infra_crl.pem of a Puppet CA directory.
#include <algorithm>
#include <limits>

#include "ca/parent_crls.h"
#include "cli/puppet_cadir_parts.h"
#include "x509/pem.h"

namespace countersign::cli::cadir {
namespace {

constexpr const char* kFull = "ca_crl.pem";
constexpr const char* kInfra = "infra_crl.pem";
// Room for the numbers that follow, in the 64 bits with sign that a store has.
constexpr std::uint64_t kHighestNumber = std::numeric_limits<std::int64_t>::max() / 2;

std::vector<std::shared_ptr<const x509::Crl>> parse(Findings& findings, const std::string& file,
                                                    const std::string& text) {
  std::vector<std::shared_ptr<const x509::Crl>> crls;
  const auto blocks = x509::pem_decode_all(text);
  if (blocks.has_error()) {
    findings.add(Severity::fatal, file, blocks.error().detail);
    return crls;
  }
  for (std::size_t at = 0; at < blocks->size(); ++at) {
    const x509::PemBlock& block = (*blocks)[at];
    auto crl = block.label == x509::kPemCrl
                   ? x509::Crl::parse(block.der)
                   : fail(Code::malformed, "a '" + block.label + "' does not belong here.");
    if (crl.has_error()) {
      findings.add(Severity::fatal, file,
                   "PEM block " + std::to_string(at + 1) + ": " + crl.error().detail);
    } else {
      crls.push_back(std::move(*crl));
    }
  }
  return crls;
}

// One of ours: its entries, of which the first about a serial counts.
void take_entries(PuppetCadir& cadir, const std::string& file, const x509::Crl& crl) {
  const x509::Certificate& own = cadir.issuer->certificate();
  for (const x509::CrlEntry& entry : crl.entries()) {
    if (own.subject() == own.issuer() && entry.serial == own.serial()) {
      cadir.findings.add(Severity::fatal, file,
                         "it revokes 0x" + format_serial(entry.serial) +
                             ", which is the CA itself. A CA that is revoked is not taken over.");
    }
    const bool added = cadir.revoked
                           .emplace(entry.serial, store::Revocation{entry.revoked_at,
                                                                    static_cast<int>(entry.reason)})
                           .second;
    if (added && file == kInfra) {
      cadir.findings.add(Severity::warning, file,
                         "revokes 0x" + format_serial(entry.serial) +
                             ", which ca_crl.pem does not. It is taken over as revoked.");
    }
  }
}

void take_ours(PuppetCadir& cadir, std::shared_ptr<const x509::Crl> crl) {
  const auto valid = crl->verify(cadir.issuer->certificate().public_key());
  if (valid.has_error()) {
    return cadir.findings.add(
        Severity::fatal, kFull,
        "the CRL of this CA is not signed by its key: " + valid.error().detail +
            " A revocation by puppetserver makes a new one.");
  }
  if (crl->number() > kHighestNumber) {
    return cadir.findings.add(Severity::fatal, kFull, "the number of the CRL is over 62 bits.");
  }
  take_entries(cadir, kFull, *crl);
  if (!cadir.crl || cadir.crl->number() < crl->number()) cadir.crl = std::move(crl);
}

// Without this the service would be the first to refuse them.
void check_parents(PuppetCadir& cadir, const ca::Crls& parents, Timestamp now) {
  if (cadir.findings.count(Severity::fatal) > 0) return;
  const auto good = ca::check_crls(cadir.issuer->chain(), parents, now);
  if (good.has_value()) return;
  cadir.findings.add(Severity::fatal, kFull,
                     "the CRLs of the CAs above this one: " + good.error().detail +
                         (good.error().cause.empty() ? "" : " (" + good.error().cause + ")"));
}

// Of each CA above ours the newest CRL, in chain order.
void take_parents(PuppetCadir& cadir, std::vector<std::shared_ptr<const x509::Crl>> others,
                  Timestamp now) {
  const auto& chain = cadir.issuer->chain();
  ca::Crls parents;
  for (std::size_t above = 1; above < chain.size(); ++above) {
    const x509::Certificate& ca = *chain[above];
    std::shared_ptr<const x509::Crl> newest;
    for (auto& crl : others) {
      if (!crl || crl->issuer() != ca.subject() || !crl->signed_by(ca.public_key())) continue;
      if (!newest || newest->number() < crl->number()) newest = crl;
      crl = nullptr;
    }
    if (!newest) {
      cadir.findings.add(Severity::fatal, kFull,
                         "there is no CRL of '" + ca.common_name() +
                             "'. Agents check the chain, and would refuse every certificate. Add "
                             "the one that it signed last.");
    } else {
      if (newest->next_update() <= now) {
        cadir.findings.add(Severity::fatal, kFull,
                           "the CRL of '" + ca.common_name() + "' is past its nextUpdate (" +
                               to_rfc3339(newest->next_update()) +
                               "). Agents refuse it; sign a new one with that CA's key first.");
      }
      parents.push_back(newest);
      cadir.parent_crls += newest->pem();
    }
  }
  check_parents(cadir, parents, now);
  if (std::ranges::any_of(others, [](const auto& crl) { return crl != nullptr; })) {
    cadir.findings.add(Severity::left, kFull, "CRLs of CAs that are not in the chain.");
  }
}

}  // namespace

void read_crls(PuppetCadir& cadir, const std::filesystem::path& folder, Timestamp now) {
  const x509::Certificate& ca = cadir.issuer->certificate();
  const auto full = read(folder, kFull, kListBytes, Severity::fatal, cadir.findings);
  if (!full) return;
  std::vector<std::shared_ptr<const x509::Crl>> others;
  for (auto& crl : parse(cadir.findings, kFull, *full)) {
    if (crl->issuer() == ca.subject()) {
      take_ours(cadir, std::move(crl));
    } else {
      others.push_back(std::move(crl));
    }
  }
  if (!cadir.crl && cadir.findings.count(Severity::fatal) == 0) {
    cadir.findings.add(Severity::fatal, kFull,
                       "it holds no CRL of '" + ca.common_name() +
                           "': what that CA revoked would be trusted again.");
  }
  take_parents(cadir, std::move(others), now);

  std::error_code error;
  if (!std::filesystem::exists(folder / kInfra, error)) return;
  cadir.infra_crl = read(folder, kInfra, kListBytes, Severity::fatal, cadir.findings);
  if (!cadir.infra_crl) return;
  for (const auto& crl : parse(cadir.findings, kInfra, *cadir.infra_crl)) {
    if (crl->issuer() == ca.subject() && crl->signed_by(ca.public_key())) {
      take_entries(cadir, kInfra, *crl);
      if (crl->number() > kHighestNumber) {
        cadir.findings.add(Severity::fatal, kInfra, "the number of the CRL is over 62 bits.");
      } else if (!cadir.own_infra || cadir.own_infra->number() < crl->number()) {
        cadir.own_infra = crl;
      }
    }
  }
}

}  // namespace countersign::cli::cadir
