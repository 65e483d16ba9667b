#include "cli/puppet_cadir.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "ca/infra_inventory.h"
#include "cli/failure.h"
#include "cli/puppet_cadir_parts.h"
#include "cli/source_file.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

// puppetserver itself starts with all of these or with none.
constexpr std::array kNeeded = {"ca_crt.pem", "ca_key.pem", "ca_crl.pem", "serial",
                                "inventory.txt"};
// What changes when the CA does anything; the folders, when a file in them appears or goes.
constexpr std::array kWatched = {"ca_crt.pem",    "ca_key.pem",    "ca_crl.pem", "serial",
                                 "inventory.txt", "infra_crl.pem", "signed",     "requests"};
// Read, or made anew by who needs it.
constexpr std::array kKnown = {"ca_crt.pem",    "ca_key.pem",    "ca_crl.pem",          "serial",
                               "inventory.txt", "infra_crl.pem", "infra_inventory.txt", "signed",
                               "requests",      "ca_pub.pem",    "infra_serials"};

using States = std::array<SourceState, kWatched.size()>;

States states_of(const fs::path& folder) {
  States states;
  std::ranges::transform(kWatched, states.begin(),
                         [&](const char* name) { return source_state(folder / name); });
  return states;
}

// Does everything that a CA needs exist?
bool complete(PuppetCadir& cadir, const fs::path& folder) {
  std::string found;
  std::string missing;
  for (const char* name : kNeeded) {
    std::string& list = source_state(folder / name).there ? found : missing;
    list += (list.empty() ? "" : ", ") + (folder / name).string();
  }
  if (missing.empty()) return true;
  cadir.findings.add(
      Severity::fatal, "",
      "this is " +
          std::string(found.empty() ? "no Puppet CA directory." : "a part of a Puppet CA.") +
          " Found: " + (found.empty() ? "nothing" : found) + ". Missing: " + missing + ".");
  return false;
}

void read_inventory(PuppetCadir& cadir, const fs::path& folder) {
  const std::string name = "inventory.txt";
  const auto text = cadir::read(folder, name, cadir::kListBytes, Severity::fatal, cadir.findings);
  if (!text) return;
  Inventory inventory = parse_inventory(*text);
  cadir.findings.add(Severity::damage, name, inventory.damage);
  cadir.inventory = std::move(inventory.rows);
}

void read_serial(PuppetCadir& cadir, const fs::path& folder) {
  const std::string name = "serial";
  const auto text = cadir::read(folder, name, cadir::kPemBytes, Severity::fatal, cadir.findings);
  if (!text) return;
  auto serial = parse_serial_file(*text);
  if (serial.has_error()) {
    cadir.findings.add(Severity::fatal, name, serial.error().detail + ".", 1);
  } else {
    cadir.next_serial = std::move(*serial);
  }
}

void list_others(PuppetCadir& cadir, const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  std::ranges::sort(names);
  for (const std::string& name : names) {
    if (name == "root_key.pem") {
      cadir.findings.add(Severity::left, name,
                         "the service needs it never; the root's next CRL does. Keep it in a safe "
                         "place, not on this machine.");
    } else if (std::ranges::find(kKnown, name) == kKnown.end()) {
      cadir.findings.add(Severity::left, name, "it is no file of a Puppet CA.");
    }
  }
}

}  // namespace

std::optional<std::string> cadir::read(const fs::path& folder, const std::string& name,
                                       std::size_t limit, Severity severity, Findings& findings) {
  auto source = read_source(folder / name, limit);
  if (source.has_error()) {
    findings.add(severity, name, source.error().detail);
    return std::nullopt;
  }
  return std::move(source->content);
}

PuppetCadir read_puppet_cadir(const fs::path& folder, std::string_view key_passphrase,
                              const Clock& clock, const Random& random) {
  // Without this, what may not be seen would look as if it were not there.
  if (::faccessat(AT_FDCWD, folder.c_str(), R_OK | X_OK, AT_EACCESS) != 0 && errno == EACCES) {
    throw Failure(kFailed, folder.string() +
                               " cannot be read: permission denied. Run this as root, or as a user "
                               "who may read all of it.");
  }
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw Failure(kUsage, folder.string() + " is not a folder.");
  }
  PuppetCadir cadir;
  const States before = states_of(folder);
  if (!complete(cadir, folder)) return cadir;
  cadir::read_issuer(cadir, folder, key_passphrase, clock, random);
  read_serial(cadir, folder);
  read_inventory(cadir, folder);
  if (cadir.issuer) {
    cadir::read_signed(cadir, folder);
    cadir::read_requests(cadir, folder, random);
    cadir::read_crls(cadir, folder, clock.now());
  }
  if (source_state(folder / "infra_inventory.txt").there) {
    cadir.infra_inventory = cadir::read(folder, "infra_inventory.txt", cadir::kPemBytes,
                                        Severity::damage, cadir.findings);
    const auto names =
        ca::parse_infra_inventory(cadir.infra_inventory.value_or(""), "infra_inventory.txt");
    if (names.has_error()) cadir.findings.add(Severity::fatal, "", names.error().detail);
  }
  list_others(cadir, folder);
  cadir.changed = states_of(folder) != before;
  return cadir;
}

}  // namespace countersign::cli
