#include "cli/ca_files.h"

#include <algorithm>
#include <vector>

#include "base/file_system.h"
#include "base/random.h"
#include "cli/failure.h"
#include "store/sqlite/sqlite_store.h"
#include "x509/crl.h"
#include "x509/pem.h"

namespace countersign::cli {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kPemBytes = 1U << 20U;
}  // namespace

x509::PrivateKey load_issuing_key(const fs::path& dir, const fs::path& passphrase_file) {
  const fs::path key_file = dir / "issuing.key";
  const auto& files = system_files();
  std::string text = required(files.read(passphrase_file, 4096), kUsage);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const Secret passphrase(std::move(text));
  const Secret pem(required(files.read(key_file, kPemBytes), kUsage));
  auto key = x509::PrivateKey::from_pem(pem.view(), passphrase.view());
  if (key.has_error()) {
    throw Failure(kUsage,
                  key_file.string() + ": " + key.error().detail + " The passphrase is in " +
                      passphrase_file.string() +
                      " ([ca] passphrase_file): put back the one that belongs to this key.");
  }
  return std::move(key).value();
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
  return required(store::open_sqlite_store(file), kFailed);
}

std::string load_parent_crls(const fs::path& dir, const ca::Issuer& issuer) {
  const fs::path file = dir / "root.crl.pem";
  // Above a CA that signed itself there is none.
  if (issuer.chain().size() == 1 && !fs::exists(file)) return {};
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

}  // namespace countersign::cli
