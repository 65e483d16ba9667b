#include "cli/ca_folder.h"

#include <unistd.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "api/http/server.h"
#include "base/file_system.h"
#include "base/random.h"
#include "ca/audit_checkpointer.h"
#include "ca/certificate_row.h"
#include "cli/ca_files.h"
#include "cli/failure.h"
#include "cli/terminal.h"
#include "policy/certname.h"
#include "policy/facts.h"

namespace countersign::cli {

namespace fs = std::filesystem;

namespace {

template <class T>
T need(Result<T> result) {
  return required(std::move(result), kFailed);
}

}  // namespace

std::vector<std::string> all_hostnames(const FolderOptions& options) {
  std::vector<std::string> names = options.hostnames;
  if (names.empty()) {
    char host[256] = "localhost";
    if (::gethostname(host, sizeof host - 1) == 0) names.emplace_back(host);
  }
  for (const char* local : {"localhost", "127.0.0.1"}) {
    if (std::find(names.begin(), names.end(), local) == names.end()) names.emplace_back(local);
  }
  return names;
}

void add_folder_options(CLI::App& verb, FolderOptions& options) {
  verb.add_option("--hostname", options.hostnames,
                  "A name or address under which machines reach the service; may be repeated "
                  "(default: this machine's name)");
  verb.add_option("--listen", options.listen, "ADDR:PORT of the service")->capture_default_str();
  verb.add_option("--passphrase-file", options.passphrase_file,
                  "Holds the passphrase of the keys (default: one is made, in ca/passphrase)");
}

void check_folder_options(const FolderOptions& options) {
  for (const std::string& name : options.hostnames) {
    boost::system::error_code no_address;
    boost::asio::ip::make_address(name, no_address);
    if (!no_address || policy::valid_dns_name(name, false)) continue;
    throw Failure(kUsage, "'" + escaped(name) + "' is neither a host name nor an address.");
  }
  if (!api::is_listen_address(options.listen)) {
    throw Failure(kUsage, "--listen takes an address and a port, like 0.0.0.0:8140 or [::]:8140.");
  }
}

void make_folders(const fs::path& dir) {
  constexpr auto kEnter = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                          fs::perms::others_read | fs::perms::others_exec;
  for (const fs::path& folder : {dir, dir / "ca"}) {
    // One that is there already has the mode that somebody wanted.
    if (fs::create_directories(folder)) fs::permissions(folder, kEnter);
  }
}

void write_file(const fs::path& path, std::string_view content, mode_t mode) {
  need(system_files().write(path, content, mode));
}

Secret folder_passphrase(const FolderOptions& options, const fs::path& dir) {
  if (options.passphrase_file.empty()) {
    std::string made = to_base64url(system_random().bytes(32));
    write_file(dir / "ca/passphrase", made + "\n", kPrivate);
    return Secret(std::move(made));
  }
  std::string given = need(system_files().read(options.passphrase_file, 4096));
  while (!given.empty() && (given.back() == '\n' || given.back() == '\r')) given.pop_back();
  if (given.empty()) throw Failure(kUsage, options.passphrase_file + " holds no passphrase.");
  return Secret(std::move(given));
}

store::WriteBatch make_operator(const fs::path& dir, const ca::Issuer& issuer,
                                const std::string& certname, const std::string& by) {
  auto key = need(x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}));
  const ca::Profile profile;
  const ca::Grant grant{.certname = certname,
                        .names = {{x509::GeneralName::Type::dns, certname}},
                        .extensions = {x509::utf8_extension(policy::kCliAuthOid, "true")},
                        .privileged = true};
  auto prepared = need(issuer.prepare(profile, grant, key.public_key()));
  const auto certificate = need(issuer.issue(std::move(prepared)));
  const Timestamp now = system_clock().now();
  store::CertificateRecord row = ca::certificate_row(issuer.id(), *certificate, now);
  row.profile = profile.name;
  row.rule = by;
  store::WriteBatch batch;
  batch.push_back(store::InsertIssuer{{.id = issuer.id(),
                                       .name = issuer.certificate().common_name(),
                                       .certificate = to_bytes(issuer.certificate().der())}});
  batch.push_back(store::InsertCertificate{std::move(row)});
  batch.push_back(store::AppendAudit{{.at = now,
                                      .action = "issue",
                                      .actor = by,
                                      .subject = certname,
                                      .serial = to_hex(certificate->serial()),
                                      .detail = "{\"rule\":\"" + by + "\"}"}});
  write_file(dir / "operator.pem", certificate->pem(), kPublic);
  write_file(dir / "operator.key", key.to_pem(""), kPrivate);
  return batch;
}

void apply(store::Store& store, store::WriteBatch batch) {
  const std::vector<store::WriteBatch> batches = {std::move(batch)};
  for (auto& result : store.apply(batches)) need(std::move(result));
}

void sign_first_audit(store::Store& store, const fs::path& dir, const Secret& passphrase) {
  const auto key = x509::make_signer(need(make_audit_key(dir / "ca", passphrase)));
  const auto written = need(store.audit_rows({})).rows;
  apply(store, {store::AppendAuditCheckpoint{
                   need(ca::sign_checkpoint(*key, written.back(), system_clock().now()))}});
}

std::string quoted(const std::string& text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out.append("\\u00").append({kDigits[byte >> 4U], kDigits[byte & 15U]});
      continue;
    }
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

void write_policy(const fs::path& dir) {
  write_file(
      dir / "policy.toml",
      "# Rules are tried in order; the first that matches decides. docs/policy.md has every key.\n"
      "# Check a change with: countersign policy check policy.toml\n"
      "default = \"queue\"\n\n"
      "# [[rule]]\n# name   = \"web tier\"\n"
      "# match  = { certname_regex = 'web-[a-z0-9]+\\.example\\.com', source = [\"10.0.0.0/8\"] }\n"
      "# action = \"sign\"\n",
      kPublic);
}

void write_client(const FolderOptions& options, const fs::path& dir) {
  const std::string port = options.listen.substr(options.listen.rfind(':') + 1);
  const bool loopback = options.listen.starts_with("127.") || options.listen.starts_with("[::1]");
  const std::string host = loopback ? "localhost" : all_hostnames(options).front();
  const bool v6 = host.find(':') != std::string::npos;
  write_file(dir / "client.toml",
             "url = " + quoted("https://" + (v6 ? "[" + host + "]" : host) + ":" + port) +
                 "\nca = \"ca/chain.pem\"\ncert = \"operator.pem\"\nkey = \"operator.key\"\n",
             kPublic);
}

void write_config(const FolderOptions& options, const fs::path& dir, const std::string& more) {
  std::string list;
  for (const std::string& name : all_hostnames(options)) {
    list += (list.empty() ? "" : ", ") + quoted(name);
  }
  const std::string passphrase_file = options.passphrase_file.empty()
                                          ? "ca/passphrase"
                                          : fs::absolute(options.passphrase_file).string();
  write_file(dir / "countersign.toml",
             "# What each table may hold is in docs/operations.md and config/countersign.toml.\n\n"
             "[listen]\naddress = " +
                 quoted(options.listen) + "\n\n[ca]\ndir = \"ca\"\npassphrase_file = " +
                 quoted(passphrase_file) + "\nhostnames = [" + list +
                 "]\n\n[store]\nurl = \"sqlite:countersign.db\"\n\n"
                 "[policy]\nfile = \"policy.toml\"\n\n"
                 "[profile.agent]\nvalidity = \"5y\"\nbackdate = \"1d\"\n\n"
                 "[crl]\ndelay = \"2s\"\nlifetime = \"7d\"\n\n[log]\nformat = \"logfmt\"\n" +
                 more,
             kPublic);
}

}  // namespace countersign::cli
