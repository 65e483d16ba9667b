// `countersign init`: a root, an issuing CA, the first operator, and the files that start a
// service.
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "api/http/server.h"
#include "base/file_system.h"
#include "base/random.h"
#include "ca/issuer.h"
#include "cli/failure.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "policy/certname.h"
#include "policy/facts.h"
#include "store/sqlite/sqlite_store.h"
#include "x509/pem.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;

constexpr auto kRootLifetime = days(20 * 365);
constexpr auto kIssuingLifetime = days(15 * 365);
constexpr auto kBackdate = days(1);
constexpr mode_t kPrivate = 0600;
constexpr mode_t kPublic = 0644;

struct Authority {
  x509::PrivateKey key;
  std::shared_ptr<const x509::Certificate> certificate;
};

struct Options {
  std::string dir;
  std::string common_name = "Countersign";
  std::string key = "ec:P-256";
  std::vector<std::string> hostnames;
  std::string listen = "0.0.0.0:8140";
  std::string passphrase_file;
};

template <class T>
T need(Result<T> result) {
  return required(std::move(result), kFailed);
}

Authority make_ca(const std::string& name, const x509::KeySpec& spec, int path_length,
                  std::chrono::seconds lifetime, const Authority* parent) {
  auto key = need(x509::PrivateKey::generate(spec));
  const x509::PrivateKey& signer = parent != nullptr ? parent->key : key;
  const Bytes subject = x509::common_name_only(name);
  const Bytes key_id = key.public_key().key_id();
  const auto now = std::chrono::floor<std::chrono::seconds>(system_clock().now());
  x509::CertificateContent content;
  content.serial = system_random().bytes(16);
  content.serial[0] = static_cast<std::uint8_t>((content.serial[0] & 0x7F) | 0x40);
  content.issuer = parent != nullptr ? parent->certificate->subject() : subject;
  content.subject = subject;
  content.not_before = now - kBackdate;
  content.not_after = now + lifetime;
  content.spki = to_bytes(key.public_key().spki());
  content.extensions = {
      x509::basic_constraints(true, path_length),
      x509::key_usage(x509::kKeyCertSign | x509::kCrlSign), x509::subject_key_identifier(key_id),
      x509::authority_key_identifier(parent != nullptr ? parent->certificate->subject_key_id()
                                                       : key_id)};
  const Bytes algorithm = signer.signature_algorithm();
  const Bytes tbs = x509::encode_tbs(content, algorithm);
  const Bytes signature = need(signer.sign(tbs));
  auto certificate =
      need(x509::Certificate::parse(x509::assemble_signed(tbs, algorithm, signature)));
  return {std::move(key), std::move(certificate)};
}

// The root revokes nothing, but agents want a CRL of every CA in the chain, always valid. It is
// made once, for the key is meant to go off line.
std::string root_crl(const Authority& root) {
  const Bytes algorithm = root.key.signature_algorithm();
  const Bytes tbs = x509::encode_tbs_crl(
      {.issuer = root.certificate->subject(),
       .authority_key_id = root.certificate->subject_key_id(),
       .number = 1,
       .this_update = std::chrono::floor<std::chrono::seconds>(root.certificate->not_before()),
       .next_update = std::chrono::floor<std::chrono::seconds>(root.certificate->not_after()),
       .entries = {}},
      algorithm);
  const Bytes signature = need(root.key.sign(tbs));
  return x509::pem_encode(x509::kPemCrl, x509::assemble_signed(tbs, algorithm, signature));
}

void write(const fs::path& path, const std::string& content, mode_t mode) {
  need(system_files().write(path, content, mode));
}

std::string passphrase(const Options& options, const fs::path& dir) {
  if (options.passphrase_file.empty()) {
    std::string made = to_base64url(system_random().bytes(32));
    write(dir / "ca/passphrase", made + "\n", kPrivate);
    return made;
  }
  std::string given = need(system_files().read(options.passphrase_file, 4096));
  while (!given.empty() && (given.back() == '\n' || given.back() == '\r')) given.pop_back();
  if (given.empty()) throw Failure(kUsage, options.passphrase_file + " holds no passphrase.");
  return given;
}

// The operator's certificate goes through the same door as any other, and into the store, so that
// it can be revoked.
void make_operator(const fs::path& dir, const Authority& root, Authority issuing) {
  auto key = need(x509::PrivateKey::generate({x509::KeyAlgorithm::ec, 256}));
  const std::vector chain = {issuing.certificate, root.certificate};
  const auto issuer = need(ca::Issuer::create(chain, x509::make_signer(std::move(issuing.key)),
                                              system_clock(), system_random()));
  const ca::Profile profile;
  const ca::Grant grant{.certname = "operator",
                        .names = {{x509::GeneralName::Type::dns, "operator"}},
                        .extensions = {x509::utf8_extension(policy::kCliAuthOid, "true")},
                        .privileged = true};
  auto prepared = need(issuer->prepare(profile, grant, key.public_key()));
  const auto certificate = need(issuer->issue(std::move(prepared)));

  const auto store = need(store::open_sqlite_store(dir / "countersign.db"));
  const Timestamp now = system_clock().now();
  store::WriteBatch batch;
  batch.push_back(store::InsertIssuer{{.id = issuer->id(),
                                       .name = issuer->certificate().common_name(),
                                       .certificate = to_bytes(issuer->certificate().der())}});
  batch.push_back(store::InsertCertificate{{.issuer = issuer->id(),
                                            .serial = certificate->serial(),
                                            .certname = "operator",
                                            .der = to_bytes(certificate->der()),
                                            .not_before = certificate->not_before(),
                                            .not_after = certificate->not_after(),
                                            .profile = profile.name,
                                            .rule = "init",
                                            .key = x509::to_string(key.public_key().spec()),
                                            .names = "DNS:operator",
                                            .issued_at = now}});
  batch.push_back(store::AppendAudit{{.at = now,
                                      .action = "issue",
                                      .actor = "init",
                                      .subject = "operator",
                                      .serial = to_hex(certificate->serial()),
                                      .detail = "{\"rule\":\"init\"}"}});
  const std::vector<store::WriteBatch> batches = {std::move(batch)};
  for (auto& result : store->apply(batches)) need(std::move(result));
  write(dir / "operator.pem", certificate->pem(), kPublic);
  write(dir / "operator.key", key.to_pem(""), kPrivate);
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

std::vector<std::string> all_hostnames(const Options& options) {
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

void write_policy(const fs::path& dir) {
  write(
      dir / "policy.toml",
      "# Rules are tried in order; the first that matches decides. docs/policy.md has every key.\n"
      "# Check a change with: countersign policy check policy.toml\n"
      "default = \"queue\"\n\n"
      "# [[rule]]\n# name   = \"web tier\"\n"
      "# match  = { certname_regex = 'web-[a-z0-9]+\\.example\\.com', source = [\"10.0.0.0/8\"] }\n"
      "# action = \"sign\"\n",
      kPublic);
}

void write_client(const Options& options, const fs::path& dir) {
  const std::string port = options.listen.substr(options.listen.rfind(':') + 1);
  const bool loopback = options.listen.starts_with("127.") || options.listen.starts_with("[::1]");
  const std::string host = loopback ? "localhost" : all_hostnames(options).front();
  const bool v6 = host.find(':') != std::string::npos;
  write(dir / "client.toml",
        "url = " + quoted("https://" + (v6 ? "[" + host + "]" : host) + ":" + port) +
            "\nca = \"ca/chain.pem\"\ncert = \"operator.pem\"\nkey = \"operator.key\"\n",
        kPublic);
}

void write_config(const Options& options, const fs::path& dir) {
  std::string list;
  for (const std::string& name : all_hostnames(options)) {
    list += (list.empty() ? "" : ", ") + quoted(name);
  }
  const std::string passphrase_file = options.passphrase_file.empty()
                                          ? "ca/passphrase"
                                          : fs::absolute(options.passphrase_file).string();
  write(dir / "countersign.toml",
        "# What each table may hold is in docs/operations.md and config/countersign.toml.\n\n"
        "[listen]\naddress = " +
            quoted(options.listen) + "\n\n[ca]\ndir = \"ca\"\npassphrase_file = " +
            quoted(passphrase_file) + "\nhostnames = [" + list +
            "]\n\n[store]\nurl = \"sqlite:countersign.db\"\n\n[policy]\nfile = \"policy.toml\"\n\n"
            "[profile.agent]\nvalidity = \"5y\"\nbackdate = \"1d\"\n\n"
            "[crl]\ndelay = \"2s\"\nlifetime = \"7d\"\n\n[log]\nformat = \"logfmt\"\n",
        kPublic);
}

void make(const Options& options, const x509::KeySpec& spec) {
  const fs::path dir = options.dir;
  fs::create_directories(dir / "ca");
  const Secret secret(passphrase(options, dir));
  Authority root = make_ca(options.common_name + " Root CA", spec, 1, kRootLifetime, nullptr);
  Authority issuing =
      make_ca(options.common_name + " Issuing CA", spec, 0, kIssuingLifetime, &root);
  write(dir / "ca/root.pem", root.certificate->pem(), kPublic);
  write(dir / "ca/root.key", root.key.to_pem(secret.view()), kPrivate);
  write(dir / "ca/root.crl.pem", root_crl(root), kPublic);
  write(dir / "ca/issuing.pem", issuing.certificate->pem(), kPublic);
  write(dir / "ca/issuing.key", issuing.key.to_pem(secret.view()), kPrivate);
  write(dir / "ca/chain.pem", issuing.certificate->pem() + root.certificate->pem(), kPublic);
  make_operator(dir, root, std::move(issuing));
  write_policy(dir);
  write_client(options, dir);
  write_config(options, dir);  // last: it tells a whole CA from a part of one
}

// What would only fail later, at the first start or the first connection.
void check_names(const Options& options) {
  for (const std::string& name : options.hostnames) {
    boost::system::error_code no_address;
    boost::asio::ip::make_address(name, no_address);
    if (!no_address || policy::valid_dns_name(name, false)) continue;
    throw Failure(kUsage, "'" + escaped(name) + "' is neither a host name nor an address.");
  }
  if (!api::is_listen_address(options.listen)) {
    throw Failure(kUsage, "--listen takes an address and a port, like 0.0.0.0:8140 or [::]:8140.");
  }
  if (options.common_name.empty()) throw Failure(kUsage, "--common-name must not be empty.");
}

// What init writes, for the check before and for the removal after a failure.
constexpr const char* kFiles[] = {"countersign.toml", "policy.toml",        "client.toml",
                                  "operator.pem",     "operator.key",       "countersign.db",
                                  "ca/root.pem",      "ca/root.key",        "ca/root.crl.pem",
                                  "ca/issuing.pem",   "ca/issuing.key",     "ca/chain.pem",
                                  "ca/passphrase",    "countersign.db-wal", "countersign.db-shm"};

int init(const Options& options, const std::string&) {
  const auto spec = required(x509::parse_key_spec(options.key), kUsage);
  check_names(options);
  const fs::path dir = options.dir;
  for (const char* name : kFiles) {
    if (!fs::exists(dir / name)) continue;
    const bool whole = fs::exists(dir / "countersign.toml");
    throw Failure(kFailed, options.dir +
                               (whole ? " holds a CA already (" : " holds a part of a CA (") +
                               name + " is there). Nothing was changed. Choose another --dir" +
                               (whole ? "." : ", or remove what an init that was cut off left."));
  }
  try {
    make(options, spec);
  } catch (...) {
    // None of them was there before.
    for (const char* name : kFiles) {
      std::error_code ignored;
      fs::remove(dir / name, ignored);
    }
    throw;
  }
  print_note("A root, an issuing CA and an operator are in " + options.dir +
             ".\nMove ca/root.key to a safe place; the service does not need it.\nStart with: "
             "countersign serve --config " +
             (dir / "countersign.toml").string() + "\n");
  return kDone;
}

}  // namespace

void add_init(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("init", "Make a root, an issuing CA and a first operator");
  verb->add_option("--dir", options->dir, "Where; it must not hold a CA yet")->required();
  verb->add_option("--common-name", options->common_name, "What the CA is called")
      ->capture_default_str();
  verb->add_option("--key", options->key,
                   "ec:P-256, ec:P-384, ed25519, rsa:2048, rsa:3072 or rsa:4096")
      ->capture_default_str();
  verb->add_option("--hostname", options->hostnames,
                   "A name or address under which machines reach the service; may be repeated "
                   "(default: this machine's name)");
  verb->add_option("--listen", options->listen, "ADDR:PORT of the service")->capture_default_str();
  verb->add_option("--passphrase-file", options->passphrase_file,
                   "Holds the passphrase of the keys (default: one is made, in ca/passphrase)");
  on_chosen(*verb, invocation, options, init);
}

}  // namespace countersign::cli
