#include "cli/ca_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "cli/failure.h"
#include "x509/crl.h"
#include "x509/pem.h"

namespace countersign::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kPemBytes = 1U << 20U;

x509::PrivateKey open_key(const fs::path& file, const fs::path& passphrase_file) {
  const Secret passphrase = read_passphrase(passphrase_file);
  const Secret pem(required(system_files().read(file, kPemBytes), kUsage));
  auto key = x509::PrivateKey::from_pem(pem.view(), passphrase.view());
  if (key.has_error()) {
    throw Failure(kUsage,
                  file.string() + ": " + key.error().detail + " The passphrase is in " +
                      passphrase_file.string() +
                      " ([ca] passphrase_file): put back the one that belongs to this key.");
  }
  return std::move(*key);
}

}  // namespace

Secret read_passphrase(const fs::path& file) {
  std::string text = required(system_files().read(file, 4096), kUsage);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return Secret(std::move(text));
}

std::unique_ptr<ca::Issuer> load_issuer(const fs::path& dir, const fs::path& passphrase_file) {
  const fs::path chain_file = dir / "chain.pem";
  auto key = open_key(dir / "issuing.key", passphrase_file);
  const std::string chain_pem = required(system_files().read(chain_file, kPemBytes), kUsage);
  std::vector<std::shared_ptr<const x509::Certificate>> chain;
  for (const auto& block : required(x509::pem_decode_all(chain_pem), kUsage, chain_file)) {
    chain.push_back(required(x509::Certificate::parse(block.der), kUsage, chain_file));
  }
  return required(ca::Issuer::create(std::move(chain), x509::make_signer(std::move(key)),
                                     system_clock(), system_random()),
                  kUsage, chain_file);
}

std::string load_parent_crls(const fs::path& dir, const ca::Issuer& issuer) {
  const fs::path file = dir / "root.crl.pem";
  std::string pem = required(system_files().read(file, kPemBytes), kUsage);
  for (const auto& block : required(x509::pem_decode_all(pem), kUsage, file)) {
    const auto crl = required(x509::Crl::parse(block.der), kUsage, file);
    const bool ours = std::ranges::any_of(
        issuer.chain(), [&](const auto& ca) { return crl->signed_by(ca->public_key()); });
    if (!ours) {
      throw Failure(kUsage, file.string() +
                                " is not of this CA's root. Put back the one that "
                                "`init` made.");
    }
    if (crl->next_update() <= system_clock().now()) {
      throw Failure(kUsage, file.string() +
                                " is past its nextUpdate, so agents would refuse every "
                                "certificate. Sign a new one with the root's key.");
    }
  }
  return pem;
}

Result<x509::PrivateKey> make_audit_key(const fs::path& dir, const Secret& passphrase) {
  auto key = x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256});
  if (key.has_error()) return key;
  const auto written =
      system_files().write(dir / "audit.key", key->to_pem(passphrase.view()), S_IRUSR | S_IWUSR);
  if (written.has_error()) return written.error();
  const auto published = system_files().write(
      dir / "audit.pub.pem", x509::pem_encode(x509::kPemPublicKey, key->public_key().spki()),
      S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
  if (published.has_error()) return published.error();
  return key;
}

std::shared_ptr<const x509::Signer> load_audit_key(const fs::path& dir,
                                                   const fs::path& passphrase_file) {
  const fs::path file = dir / "audit.key";
  if (fs::exists(file)) return x509::make_signer(open_key(file, passphrase_file));
  // With a new key beside it the old public one would be lost, and with it every old checkpoint.
  auto made = fs::exists(dir / "audit.pub.pem")
                  ? Result<x509::PrivateKey>(
                        fail(Code::conflict, "audit.pub.pem is there without its key."))
                  : make_audit_key(dir, read_passphrase(passphrase_file));
  if (made.has_error()) {
    log::warn("audit_key_missing",
              {{"file", file.string()},
               {"error", made.error().detail},
               {"hint", "the audit is not signed; `countersign audit key` makes a key"}});
    return nullptr;
  }
  log::info("audit_key_made", {{"file", file.string()}});
  return x509::make_signer(std::move(*made));
}

}  // namespace countersign::cli
