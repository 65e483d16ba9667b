// `countersign init`: a root, an issuing CA, the first operator, and the files that start a
// service.
#include "base/random.h"
#include "ca/issuer.h"
#include "cli/ca_folder.h"
#include "cli/failure.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "store/sqlite/sqlite_store.h"
#include "x509/digest.h"
#include "x509/pem.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;

constexpr auto kRootLifetime = days(20 * 365);
constexpr auto kIssuingLifetime = days(15 * 365);
constexpr auto kBackdate = days(1);

struct Authority {
  x509::PrivateKey key;
  std::shared_ptr<const x509::Certificate> certificate;
};

struct Options {
  std::string dir;
  std::string common_name = "Countersign";
  std::string key = "ec:P-256";
  FolderOptions folder;
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

void make(const Options& options, const x509::KeySpec& spec) {
  const fs::path dir = options.dir;
  make_folders(dir);
  const Secret secret = folder_passphrase(options.folder, dir);
  Authority root = make_ca(options.common_name + " Root CA", spec, 1, kRootLifetime, nullptr);
  Authority issuing =
      make_ca(options.common_name + " Issuing CA", spec, 0, kIssuingLifetime, &root);
  write_file(dir / "ca/root.pem", root.certificate->pem(), kPublic);
  write_file(dir / "ca/root.key", root.key.to_pem(secret.view()), kPrivate);
  write_file(dir / "ca/root.crl.pem", root_crl(root), kPublic);
  write_file(dir / "ca/issuing.pem", issuing.certificate->pem(), kPublic);
  write_file(dir / "ca/issuing.key", issuing.key.to_pem(secret.view()), kPrivate);
  write_file(dir / "ca/chain.pem", issuing.certificate->pem() + root.certificate->pem(), kPublic);
  const std::vector chain = {issuing.certificate, root.certificate};
  const auto issuer = need(ca::Issuer::create(chain, x509::make_signer(std::move(issuing.key)),
                                              system_clock(), system_random()));
  const auto store = need(store::open_sqlite_store(dir / "countersign.db", x509::sha256));
  apply(*store, make_operator(dir, *issuer, "operator", "init"));
  sign_first_audit(*store, dir, secret);
  write_policy(dir);
  write_client(options.folder, dir);
  write_config(options.folder, dir);
}

// What init writes, for the check before and for the removal after a failure.
constexpr const char* kFiles[] = {"countersign.toml", "policy.toml",        "client.toml",
                                  "operator.pem",     "operator.key",       "countersign.db",
                                  "ca/root.pem",      "ca/root.key",        "ca/root.crl.pem",
                                  "ca/issuing.pem",   "ca/issuing.key",     "ca/chain.pem",
                                  "ca/passphrase",    "countersign.db-wal", "countersign.db-shm",
                                  "ca/audit.key",     "ca/audit.pub.pem"};

// A machine whose clock has no battery begins in 1970, and so would its CA: it would have ended by
// the time that the clock is right.
void check_clock() {
  constexpr Timestamp kNoEarlier = std::chrono::sys_days(std::chrono::year(2025) / 1 / 1);
  const Timestamp now = system_clock().now();
  if (now >= kNoEarlier) return;
  throw Failure(kFailed, "The clock says " + to_rfc3339(now) +
                             ", which is before this program was written. Nothing was made. Put "
                             "the clock right (timedatectl) and try again.");
}

int init(const Options& options, const std::string&) {
  const auto spec = required(x509::parse_key_spec(options.key), kUsage);
  if (options.common_name.empty()) throw Failure(kUsage, "--common-name must not be empty.");
  check_folder_options(options.folder);
  check_clock();
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
  add_folder_options(*verb, options->folder);
  on_chosen(*verb, invocation, options, init);
}

}  // namespace countersign::cli
