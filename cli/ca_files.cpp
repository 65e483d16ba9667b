#include "cli/ca_files.h"

#include <sys/stat.h>

#include <set>
#include <vector>

#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "ca/parent_crls.h"
#include "cli/failure.h"
#include "store/sqlite/sqlite_store.h"
#include "x509/crl.h"
#include "x509/digest.h"
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

x509::PrivateKey load_issuing_key(const fs::path& dir, const fs::path& passphrase_file) {
  return open_key(dir / "issuing.key", passphrase_file);
}

std::unique_ptr<ca::Issuer> make_issuer(const fs::path& dir, x509::PrivateKey key) {
  const fs::path chain_file = dir / "chain.pem";
  const std::string chain_pem = required(system_files().read(chain_file, kPemBytes), kUsage);
  std::vector<std::shared_ptr<const x509::Certificate>> chain;
  for (const auto& block : required(x509::pem_decode_all(chain_pem), kUsage, chain_file)) {
    chain.push_back(required(x509::Certificate::parse(block.der), kUsage, chain_file));
  }
  return required(ca::Issuer::create(std::move(chain), x509::make_signer(std::move(key)),
                                     system_clock(), system_random()),
                  kUsage, chain_file);
}

std::unique_ptr<ca::Issuer> load_issuer(const fs::path& dir, const fs::path& passphrase_file) {
  return make_issuer(dir, load_issuing_key(dir, passphrase_file));
}

std::unique_ptr<store::Store> open_store(const fs::path& file) {
  std::error_code missing;
  if (fs::file_size(file, missing) == 0 || missing) {
    throw Failure(kFailed, file.string() +
                               " is not there, or empty. Is its disk mounted? Restore it from a "
                               "backup; `countersign init` makes a new CA with a new store.");
  }
  return required(store::open_sqlite_store(file, x509::sha256), kFailed);
}

std::string load_parent_crls(const fs::path& dir, const ca::Issuer& issuer) {
  const fs::path file = dir / "root.crl.pem";
  const ca::Chain& chain = issuer.chain();
  if (chain.size() == 1 && !fs::exists(file)) return "";
  const std::string text = required(system_files().read(file, kPemBytes), kUsage);
  ca::Crls crls;
  std::set<const x509::Certificate*> covered;
  for (const auto& block : required(x509::pem_decode_all(text), kUsage, file)) {
    auto crl = required(x509::Crl::parse(block.der), kUsage, file);
    const x509::Certificate* parent = ca::parent_of(chain, *crl);
    if (parent != nullptr) {
      covered.insert(parent);
      crls.push_back(std::move(crl));
    } else if (!crl->signed_by(chain.front()->public_key())) {  // ours is made anew
      throw Failure(kUsage, file.string() +
                                " is not of this CA's root. Put back the one that "
                                "`init` made.");
    }
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (covered.contains(chain[i].get())) continue;
    throw Failure(kUsage, file.string() + " holds no CRL of '" + chain[i]->common_name() +
                              "', so agents would refuse every certificate. Add the one that it "
                              "signed last.");
  }
  return ca::to_pem(crls);
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
