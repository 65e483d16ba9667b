#include "cli/imported_folder.h"

#include <utility>

#include "base/clock.h"
#include "cli/ca_files.h"
#include "cli/failure.h"
#include "cli/new_folder.h"
#include "cli/service_config.h"
#include "store/sqlite/sqlite_store.h"
#include "x509/digest.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

// Batches of a size that neither SQLite nor memory minds. What is not whole is thrown away with the
// folder, so that it need not be one transaction.
class Loader {
 public:
  explicit Loader(store::Store& store) : store_(store) {}
  void add(store::Mutation mutation) {
    batch_.push_back(std::move(mutation));
    if (batch_.size() >= kBatch) finish();
  }
  void finish() {
    if (!batch_.empty()) apply(store_, std::move(batch_));
    batch_ = {};
  }

 private:
  static constexpr std::size_t kBatch = 10'000;
  store::Store& store_;
  store::WriteBatch batch_;
};

void write_store(const fs::path& dir, PuppetSource& source, const ImportReport& report,
                 const Secret& passphrase) {
  const auto store =
      required(store::open_sqlite_store(dir / "countersign.db", x509::sha256), kFailed);
  const ca::Issuer& issuer = *source.cadir.issuer;
  Loader load(*store);
  // It brings the issuer's row, which all others need.
  apply(*store, make_operator(dir, issuer, report.first_operator, "import"));
  for (store::CertificateRecord& row : source.certificates) {
    load.add(store::InsertCertificate{std::move(row)});
  }
  for (store::RequestRecord& request : source.cadir.requests) {
    load.add(store::InsertRequest{std::move(request)});
  }
  const x509::Crl& crl = *source.cadir.crl;
  load.add(store::InsertCrl{{.issuer = issuer.id(),
                             .number = crl.number(),
                             .this_update = crl.this_update(),
                             .next_update = crl.next_update(),
                             .der = to_bytes(crl.der())}});
  // What `export puppet` gives back.
  const auto keep = [&load](const std::string& key, const std::string& value) {
    load.add(store::PutDocument{.space = "puppet", .key = key, .value = value, .expected = 0});
  };
  keep("serial", report.next_serial);
  if (source.cadir.infra_inventory) {
    keep("file:infra_inventory.txt", *source.cadir.infra_inventory);
  }
  if (source.cadir.infra_crl) keep("file:infra_crl.pem", *source.cadir.infra_crl);
  // The infra CRL goes on from its number: agents drop one that is lower than what they have.
  if (source.cadir.own_infra) {
    load.add(store::PutDocument{
        .space = "crl", .key = "infra", .value = source.cadir.own_infra->pem(), .expected = 0});
  }
  load.add(
      store::AppendAudit{{.at = system_clock().now(),
                          .action = "import",
                          .actor = "import",
                          .subject = report.ca,
                          .detail = "{\"certificates\":" + std::to_string(report.certificates) +
                                    ",\"revoked\":" + std::to_string(report.revoked) +
                                    ",\"requests\":" + std::to_string(report.requests) + "}"}});
  load.finish();
  sign_first_audit(*store, dir, passphrase);
}

void write_folder(const FolderOptions& options, const fs::path& dir, PuppetSource& source,
                  const ImportReport& report) {
  const ca::Issuer& issuer = *source.cadir.issuer;
  const Secret passphrase = folder_passphrase(options, dir);
  const auto key = required(x509::PrivateKey::from_pem(source.cadir.key_pem.view(), ""), kFailed);
  write_file(dir / "ca/issuing.key", key.to_pem(passphrase.view()), kPrivate);
  write_file(dir / "ca/chain.pem", issuer.chain_pem(), kPublic);
  if (issuer.chain().size() > 1) {
    write_file(dir / "ca/root.crl.pem", source.cadir.parent_crls, kPublic);
  }
  const PuppetConfiguration& configuration = source.configuration;
  if (configuration.autosign_list) {
    write_file(dir / "autosign.conf", *configuration.autosign_list, kPublic);
  }
  if (source.cadir.infra_inventory) {
    write_file(dir / "infra_inventory.txt", *source.cadir.infra_inventory, kPublic);
  }
  write_store(dir, source, report, passphrase);
  write_policy(dir);
  write_client(options, dir);
  std::string table = configuration.table;
  if (configuration.infra_crl && source.cadir.infra_inventory) {
    table += "enable_infra_crl = true\ninfra_inventory = \"infra_inventory.txt\"\n";
  }
  write_config(options, dir, table.empty() ? "" : "\n" + table);
}

// What `serve` would refuse to start with is refused here.
void check_folder(const fs::path& dir) {
  try {
    const auto config = required(load_service_config(dir / "countersign.toml"), kFailed);
    const auto issuer = load_issuer(config.ca_dir, config.passphrase_file);
    load_parent_crls(config.ca_dir, *issuer);
  } catch (const Failure& failure) {
    throw Failure(kFailed, std::string("The service would not start with this: ") + failure.what());
  }
}

}  // namespace

void write_imported_folder(const FolderOptions& options, const fs::path& dir, PuppetSource& source,
                           const ImportReport& report) {
  NewFolder folder(dir, "import");
  make_folders(folder.part());
  write_folder(options, folder.part(), source, report);
  check_folder(folder.part());
  folder.publish();
}

}  // namespace countersign::cli
