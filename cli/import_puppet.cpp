// `countersign import puppet`: a CA folder from a Puppet CA directory, all of it or nothing.
#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/random.h"
#include "ca/audit_checkpointer.h"
#include "ca/certificate_row.h"
#include "cli/ca_files.h"
#include "cli/ca_folder.h"
#include "cli/failure.h"
#include "cli/import_report.h"
#include "cli/puppet_cadir.h"
#include "cli/puppet_configuration.h"
#include "cli/service_config.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "policy/certname.h"
#include "store/sqlite/sqlite_store.h"
#include "x509/digest.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string cadir;
  std::string puppet_conf;
  std::string ca_conf;
  std::string dir;
  std::string key_passphrase_file;
  bool skip_damaged = false;
  bool dry_run = false;
  bool json = false;
  FolderOptions folder;
};

// Everything that is taken over, read and checked.
struct Source {
  PuppetCadir cadir;
  std::vector<store::CertificateRecord> certificates;
  PuppetConfiguration configuration;
};

Secret key_passphrase(const Options& options) {
  if (options.key_passphrase_file.empty()) return Secret();
  return read_passphrase(options.key_passphrase_file);
}

// A puppetserver that runs may write meanwhile: what was read then does not belong together.
PuppetCadir read_quiet(const Options& options) {
  const Secret passphrase = key_passphrase(options);
  constexpr int kTries = 2;
  for (int left = kTries; left > 0; --left) {
    PuppetCadir cadir =
        read_puppet_cadir(options.cadir, passphrase.view(), system_clock(), system_random());
    if (!cadir.changed) return cadir;
  }
  throw Failure(kFailed, options.cadir +
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

Source read_source_of(const Options& options) {
  Source source;
  source.cadir = read_quiet(options);
  if (source.cadir.issuer && source.cadir.crl) {
    PuppetCadir& cadir = source.cadir;
    source.certificates = merge_certificates(
        cadir.inventory, std::move(cadir.files), cadir.revoked, cadir.issuer->id(),
        cadir.issuer->certificate().not_after(), cadir.findings);
    drop_row_of_ca(source.certificates, cadir.issuer->certificate());
    check_next_serial(cadir.next_serial, source.certificates, cadir.findings);
  }
  source.configuration = read_puppet_configuration(options.puppet_conf, options.ca_conf,
                                                   options.cadir, source.cadir.findings);
  if (source.configuration.infra_crl && !source.cadir.infra_inventory) {
    source.cadir.findings.add(Severity::warning, "infra_inventory.txt",
                              "enable-infra-crl is set, and this file is not there. The infra CRL "
                              "stays off.");
  }
  return source;
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

// What the agents know the CA as: its own machine's names in puppet.conf, and those in the
// certificate that puppetserver serves with ("puppet", above all, when nothing was configured).
// That certificate is of the certname, which puppet.conf need not say.
std::vector<std::string> hostnames_of(const Source& source) {
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

// "operator", or with a number if a machine has that name.
std::string operator_name(const Source& source) {
  std::set<std::string, std::less<>> taken;
  for (const auto& row : source.certificates) taken.insert(row.certname);
  for (const auto& request : source.cadir.requests) taken.insert(request.certname);
  std::string name = "operator";
  for (int number = 2; taken.contains(name); ++number) name = "operator-" + std::to_string(number);
  return name;
}

ImportReport report_of(const Source& source, const Options& options) {
  const auto count = [&source](auto test) {
    return static_cast<std::size_t>(std::ranges::count_if(source.certificates, test));
  };
  using Row = store::CertificateRecord;
  ImportReport report;
  report.source = options.cadir;
  report.target = options.dir;
  report.dry_run = options.dry_run;
  if (source.cadir.issuer) {
    report.ca = source.cadir.issuer->certificate().common_name();
    report.chain = source.cadir.issuer->chain().size();
  }
  report.next_serial =
      source.cadir.next_serial.empty() ? "" : format_serial(source.cadir.next_serial);
  report.crl_number = source.cadir.crl ? source.cadir.crl->number() : 0;
  report.certificates = source.certificates.size();
  report.current = count([](const Row& row) { return row.current; });
  report.without_file = count([](const Row& row) { return row.der.empty(); });
  report.revoked = count([](const Row& row) { return row.revocation.has_value(); });
  report.revoked_unknown =
      count([](const Row& row) { return row.certname == ca::kUnknownCertname; });
  report.requests = source.cadir.requests.size();
  report.puppet_conf = source.configuration.puppet_conf.string();
  report.ca_conf = source.configuration.ca_conf.string();
  report.settings = source.configuration.table;
  report.hostnames = all_hostnames(options.folder);
  report.first_operator = operator_name(source);
  report.findings = source.cadir.findings;
  const Findings& findings = report.findings;
  report.refused = findings.count(Severity::fatal) > 0 ||
                   (findings.count(Severity::damage) > 0 && !options.skip_damaged);
  return report;
}

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

// With it the audit can be verified from its first row on.
void sign_audit(store::Store& store, const fs::path& dir, const Secret& passphrase) {
  const auto key = x509::make_signer(required(make_audit_key(dir / "ca", passphrase), kFailed));
  const auto written = required(store.audit_rows({}), kFailed).rows;
  apply(store, {store::AppendAuditCheckpoint{required(
                   ca::sign_checkpoint(*key, written.back(), system_clock().now()), kFailed)}});
}

void write_store(const fs::path& dir, Source& source, const ImportReport& report,
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
  sign_audit(*store, dir, passphrase);
}

void write_folder(const Options& options, const fs::path& dir, Source& source,
                  const ImportReport& report) {
  const ca::Issuer& issuer = *source.cadir.issuer;
  const Secret passphrase = folder_passphrase(options.folder, dir);
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
  write_client(options.folder, dir);
  std::string table = configuration.table;
  if (configuration.infra_crl && source.cadir.infra_inventory) {
    table += "enable_infra_crl = true\ninfra_inventory = \"infra_inventory.txt\"\n";
  }
  write_config(options.folder, dir, table.empty() ? "" : "\n" + table);
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

void sync_folder(const fs::path& dir) {
  const int file = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  if (!synced) throw Failure(kFailed, "Cannot sync " + dir.string() + ".");
}

fs::path without_slash(const std::string& dir) {
  fs::path path = fs::absolute(dir).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

void check_target(const fs::path& dir, const fs::path& part) {
  std::error_code error;
  if (fs::exists(dir, error) && !(fs::is_directory(dir, error) && fs::is_empty(dir, error))) {
    throw Failure(kFailed, dir.string() +
                               " is there and not empty. Nothing was changed. Choose "
                               "another --dir.");
  }
  if (fs::exists(part, error)) {
    throw Failure(kFailed, part.string() +
                               " is what an import that was cut off left. Remove it, "
                               "then try again.");
  }
}

void write_whole(const Options& options, Source& source, const ImportReport& report) {
  const fs::path dir = without_slash(options.dir);
  const fs::path part = dir.string() + ".part";
  check_target(dir, part);
  try {
    make_folders(part);
    write_folder(options, part, source, report);
    check_folder(part);
    sync_folder(part);
    fs::rename(part, dir);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(part, ignored);  // it was not there before
    throw;
  }
  sync_folder(dir.parent_path());
}

int import_puppet(const Options& given, const std::string&) {
  Options options = given;
  check_folder_options(options.folder);
  if (options.dir.empty() && !options.dry_run) throw Failure(kUsage, "--dir is required.");
  if (!options.dry_run) {
    check_target(without_slash(options.dir), without_slash(options.dir).string() + ".part");
  }
  Source source = read_source_of(options);
  if (options.folder.hostnames.empty()) {
    options.folder.hostnames = hostnames_of(source);
  }
  const ImportReport report = report_of(source, options);
  if (!report.refused && !options.dry_run) write_whole(options, source, report);
  print(options.json ? report_json(report) : report_text(report));
  if (report.refused) {
    const bool damaged = report.findings.count(Severity::fatal) == 0;
    throw Failure(kFailed, std::string("Refused; nothing was written.") +
                               (damaged ? " Mend what is damaged, or leave it out with "
                                          "--skip-damaged."
                                        : ""));
  }
  if (options.dry_run) {
    print_note("Nothing was written (--dry-run).\n");
  } else {
    print_note("Stop puppetserver's CA, then start with: countersign serve --config " +
               (without_slash(options.dir) / "countersign.toml").string() + "\n");
  }
  return kDone;
}

}  // namespace

void add_import(CLI::App& app, Invocation& invocation) {
  CLI::App* import = app.add_subcommand("import", "Take over another CA");
  import->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* verb = import->add_subcommand(
      "puppet", "Take over a Puppet CA directory: key, certificates, requests, revocations");
  verb->add_option("--cadir", options->cadir, "The CA directory; it is only read")->required();
  verb->add_option("--dir", options->dir, "The new CA folder; it must not exist, or be empty");
  verb->add_option("--puppet-conf", options->puppet_conf,
                   "Its puppet.conf (default: the packages', if they are of this CA)");
  verb->add_option("--ca-conf", options->ca_conf,
                   "Its ca.conf (default: the one beside puppet.conf)");
  verb->add_option("--key-passphrase-file", options->key_passphrase_file,
                   "Holds the passphrase of ca_key.pem, if it has one");
  verb->add_flag("--skip-damaged", options->skip_damaged,
                 "Leave out what is damaged; the report names each");
  verb->add_flag("--dry-run", options->dry_run, "Read and check everything, write nothing");
  verb->add_flag("--json", options->json, "The report as JSON");
  add_folder_options(*verb, options->folder);
  on_chosen(*verb, invocation, options, import_puppet);
}

}  // namespace countersign::cli
