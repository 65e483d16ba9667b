// countersign export puppet
#include <boost/json.hpp>

#include "base/random.h"
#include "ca/parent_crls.h"
#include "cli/ca_files.h"
#include "cli/export_puppet.h"
#include "cli/failure.h"
#include "cli/puppet_counterparts.h"
#include "cli/store_lock.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "x509/pem.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

struct Options {
  std::string config;
  std::string cadir;
  std::string passphrase_file;
  bool json = false;
};

void require_rsa(const x509::PrivateKey& key) {
  const x509::KeySpec& spec = key.public_key().spec();
  if (spec.algorithm == x509::KeyAlgorithm::rsa) return;
  throw Failure(kFailed,
                "The issuing key is " + x509::to_string(spec) +
                    ", and puppetserver signs with RSA only. Nothing was written. A key cannot be "
                    "exchanged under a CA: make a new one with an RSA key (`countersign init --key "
                    "rsa:4096`, or `puppetserver ca setup`) and let the machines enrol there.");
}

// A folder and a store that do not belong together would make a CA that knows none of its
// certificates.
void require_own_store(store::Store& store, const ca::Issuer& issuer) {
  for (const auto& row : required(store.issuers(), kFailed)) {
    if (row.id == issuer.id()) return;
  }
  throw Failure(kFailed,
                "The store does not know the CA of the folder ca. Nothing was written. "
                "Put back the store, or the folder, that belongs to the other.");
}

// As the service serves them: of what came with the CA and what was uploaded the newer, CA by CA.
std::string parent_crls(const store::Store& store, const fs::path& dir, const ca::Issuer& issuer) {
  std::string file = load_parent_crls(dir, issuer);
  if (file.empty()) return file;
  ca::Crls crls = required(ca::read_crls(file), kFailed);
  if (const auto kept = required(store.document("crl", "parents"), kFailed)) {
    const auto uploaded = required(ca::read_crls(kept->value), kFailed, "the uploaded CRLs");
    crls = ca::later_crls(crls, uploaded);
  }
  required(ca::check_crls(issuer.chain(), crls, system_clock().now()), kFailed,
           "the CRLs of the CAs above this one");
  return ca::to_pem(crls);
}

std::shared_ptr<const policy::RuleSet> load_policy(const ca::AuthorityConfig& config) {
  if (config.policy_file.empty()) return policy::RuleSet::empty(policy::Action::queue);
  policy::LoadContext context;
  context.any_profile = true;
  return required(policy::RuleSet::load(config.policy_file, context), kUsage);
}

std::optional<std::string> infra_inventory(const ServiceConfig& config) {
  const fs::path& file = config.authority.puppet.infra_inventory;
  if (file.empty()) return std::nullopt;
  constexpr std::size_t kBytes = std::size_t{1} << 20U;
  return required(system_files().read(file, kBytes), kFailed, file.string());
}

json::object as_json(const PuppetCounterparts::Settings& settings) {
  json::object object;
  for (const auto& [key, value] : settings) object[key] = value;
  return object;
}

void print_json(const fs::path& cadir, const PuppetExport& done, const PuppetCounterparts& same) {
  print(json::serialize(json::object{
            {"cadir", cadir.string()},
            {"certificates", done.certificates},
            {"signed", done.signed_},
            {"revoked", done.revoked},
            {"requests", done.requests},
            {"valid_outside_signed", done.valid_outside},
            {"of_another_ca", done.foreign},
            {"names_unfit_for_files", done.unfit},
            {"infra", done.infra},
            {"next_serial", done.serial},
            {"crl_number", done.crl_number},
            {"puppet_conf", as_json(same.puppet_conf)},
            {"ca_conf", as_json(same.ca_conf)},
            {"without_counterpart", json::array(same.without.begin(), same.without.end())}}) +
        "\n");
}

std::string lines(std::string_view indent, const PuppetCounterparts::Settings& settings,
                  std::string_view sign) {
  std::string text;
  for (const auto& [key, value] : settings) {
    text.append(indent).append(key).append(sign).append(value).append("\n");
  }
  return text;
}

void print_text(const fs::path& cadir, const PuppetExport& done, const PuppetCounterparts& same) {
  std::string text = "Certificates: " + std::to_string(done.certificates) +
                     ", in signed/: " + std::to_string(done.signed_) +
                     ", revoked: " + std::to_string(done.revoked) +
                     ", requests: " + std::to_string(done.requests) +
                     ".\nNext serial: " + done.serial +
                     ", CRL number: " + std::to_string(done.crl_number) + ".\n";
  if (done.valid_outside > 0) {
    text += "Valid, but not in signed/: " + std::to_string(done.valid_outside) +
            ". Puppet Server 7 cannot revoke these; if one should be, revoke it here and export "
            "again.\n";
  }
  if (done.foreign > 0) {
    text += "Of another CA, left out: " + std::to_string(done.foreign) + ".\n";
  }
  if (done.unfit > 0) {
    text += "Names that no file can have, left out of the folders: " + std::to_string(done.unfit) +
            ".\n";
  }
  text += "\n# puppet.conf\n[server]\n# cadir = " + cadir.string() +
          "   # only if the directory stays there\n";
  text += lines("", same.puppet_conf, " = ");
  text += "\n# ca.conf\ncertificate-authority: {\n";
  text += lines("    ", same.ca_conf, ": ");
  text += "}\n\n# Without a counterpart there:\n";
  for (const std::string& line : same.without) text += "# - " + escaped(line) + "\n";
  print(text);
}

void warn(const fs::path& cadir) {
  print_note(
      "WARNING: " + (cadir / "ca_key.pem").string() +
      " is the key of the CA WITHOUT ENCRYPTION: puppetserver takes no passphrase. Whoever reads "
      "it "
      "is the CA.\nWhen puppetserver has taken over, do not start this countersign again: neither "
      "would know what the other revokes.\n");
}

int export_to_puppet(const Options& options, const std::string&) {
  const ServiceConfig config = required(load_service_config(options.config), kUsage);
  const auto policy = load_policy(config.authority);
  auto key = load_issuing_key(config.ca_dir, options.passphrase_file.empty()
                                                 ? config.passphrase_file
                                                 : fs::path(options.passphrase_file));
  require_rsa(key);
  const Secret key_pem(key.to_pem(""));
  const auto issuer = make_issuer(config.ca_dir, std::move(key));
  const StoreLock lock(config.store_file);
  const auto store = open_store(config.store_file);
  require_own_store(*store, *issuer);
  const std::string parents = parent_crls(*store, config.ca_dir, *issuer);
  PuppetCadirWriter writer(options.cadir);
  const PuppetExport done = write_puppet_cadir(
      {*store, *issuer, key_pem, parents, infra_inventory(config), system_clock().now()}, writer);
  writer.publish();
  const PuppetCounterparts same = puppet_counterparts(config, *policy);
  options.json ? print_json(writer.dir(), done, same) : print_text(writer.dir(), done, same);
  warn(writer.dir());
  return kDone;
}

}  // namespace

void add_export(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = app.add_subcommand("export", "Hand the CA over to another program");
  verb->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* puppet = verb->add_subcommand("puppet", "Write a CA directory for puppetserver");
  puppet
      ->add_option("--config", options->config, "countersign.toml of the CA; no service runs on it")
      ->required();
  puppet->add_option("--cadir", options->cadir, "The directory to write; it must not exist yet")
      ->required();
  puppet->add_option("--passphrase-file", options->passphrase_file,
                     "Holds the passphrase of the issuing key (default: as configured; under "
                     "systemd that is a credential, gone with the service)");
  puppet->add_flag("--json", options->json, "JSON instead of text");
  on_chosen(*puppet, invocation, options, export_to_puppet);
}

}  // namespace countersign::cli
