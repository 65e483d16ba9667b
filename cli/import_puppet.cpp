// `countersign import puppet`: a CA folder from a Puppet CA directory, all of it or nothing.
#include <algorithm>

#include "ca/certificate_row.h"
#include "cli/ca_files.h"
#include "cli/ca_folder.h"
#include "cli/failure.h"
#include "cli/import_report.h"
#include "cli/imported_folder.h"
#include "cli/new_folder.h"
#include "cli/puppet_source.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

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

ImportReport report_of(const PuppetSource& source, const Options& options) {
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

int import_puppet(const Options& given, const std::string&) {
  Options options = given;
  check_folder_options(options.folder);
  if (options.dir.empty() && !options.dry_run) throw Failure(kUsage, "--dir is required.");
  if (!options.dry_run) NewFolder::check(options.dir, "import");
  Secret passphrase;
  if (!options.key_passphrase_file.empty()) {
    passphrase = read_passphrase(options.key_passphrase_file);
  }
  PuppetSource source =
      read_puppet_source(options.cadir, passphrase.view(), options.puppet_conf, options.ca_conf);
  if (options.folder.hostnames.empty()) {
    options.folder.hostnames = hostnames_of(source);
  }
  const ImportReport report = report_of(source, options);
  if (!report.refused && !options.dry_run) {
    write_imported_folder(options.folder, options.dir, source, report);
  }
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
               (fs::absolute(options.dir).lexically_normal() / "countersign.toml").string() + "\n");
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
