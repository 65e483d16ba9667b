// signed/ and requests/ of a Puppet CA directory: many small files, read on every core.
#include <algorithm>
#include <atomic>
#include <thread>

#include "ca/certificate_row.h"
#include "ca/facts.h"
#include "ca/request_id.h"
#include "cli/puppet_cadir_parts.h"
#include "cli/source_file.h"
#include "x509/csr.h"

namespace countersign::cli::cadir {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnd = ".pem";

// The names of the *.pem of a folder, sorted; other entries are named in the findings. A folder
// that is not there holds nothing: puppetserver makes it when it needs it.
std::vector<std::string> names_in(const fs::path& folder, const std::string& sub,
                                  Findings& findings) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder / sub, error), end; !error && at != end;
       at.increment(error)) {
    std::string name = at->path().filename().string();
    if (name.size() > kEnd.size() && name.ends_with(kEnd)) {
      name.resize(name.size() - kEnd.size());
      names.push_back(std::move(name));
    } else {
      findings.add(Severity::left, std::string(sub).append("/").append(name),
                   "its name does not end in .pem.");
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    findings.add(Severity::fatal, sub, "the folder cannot be read: " + error.message() + ".");
  }
  std::ranges::sort(names);
  return names;
}

// What one file gave.
template <class Row>
struct Slot {
  std::optional<Row> row;
  std::vector<std::string> damage;
};

// One slot a name, in order. `read` is called from several threads.
template <class Row, class Read>
std::vector<Slot<Row>> read_all(const std::vector<std::string>& names, const Read& read) {
  std::vector<Slot<Row>> slots(names.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t at = next++; at < names.size(); at = next++) slots[at] = read(names[at]);
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) threads.emplace_back(work);
    work();
  }
  return slots;
}

template <class Row>
std::vector<Row> take(std::vector<Slot<Row>> slots, const std::vector<std::string>& names,
                      const std::string& sub, Findings& findings) {
  std::vector<Row> rows;
  rows.reserve(slots.size());
  for (std::size_t at = 0; at < slots.size(); ++at) {
    for (std::string& text : slots[at].damage) {
      std::string file = sub;
      file.append("/").append(names[at]).append(kEnd);
      findings.add(Severity::damage, std::move(file), std::move(text));
    }
    if (slots[at].row) rows.push_back(std::move(*slots[at].row));
  }
  return rows;
}

Result<SourceFile> content_of(const fs::path& path) {
  auto source = read_source(path, kPemBytes);
  if (source.has_value() && source->content.empty()) return fail(Code::malformed, "it is empty.");
  return source;
}

Slot<store::CertificateRecord> read_certificate(const ca::Issuer& issuer, const fs::path& folder,
                                                const std::string& name) {
  const auto source = content_of(folder / (name + std::string(kEnd)));
  if (source.has_error()) return {.row = {}, .damage = {source.error().detail}};
  const auto certificate = x509::Certificate::parse_pem(source->content);
  if (certificate.has_error()) return {.row = {}, .damage = {certificate.error().detail}};
  const x509::Certificate& ca = issuer.certificate();
  if ((*certificate)->issuer() != ca.subject()) {
    return {.row = {},
            .damage = {"it is by another CA ('" + (*certificate)->issuer_common_name() + "')."}};
  }
  if (const auto valid = (*certificate)->verify(ca.public_key()); valid.has_error()) {
    return {.row = {}, .damage = {"it is not by this CA's key: " + valid.error().detail}};
  }
  Slot<store::CertificateRecord> slot;
  slot.row = ca::certificate_row(issuer.id(), **certificate, (*certificate)->not_before());
  slot.row->current = slot.row->certname == name;
  if (!slot.row->current) {
    slot.damage.push_back("its CN is '" + slot.row->certname +
                          "'. Without this name the certificate itself is kept.");
  }
  return slot;
}

Result<store::RequestRecord> parse_request(const SourceFile& source, const std::string& name,
                                           const Random& random) {
  const auto csr = x509::Csr::parse_pem(source.content);
  if (csr.has_error()) return csr.error();
  // As at the door: what is in the queue waits for nothing but a yes.
  const auto key = x509::check_key((*csr)->public_key());
  if (key.has_error()) return key.error();
  const auto possession = (*csr)->verify_possession();
  if (possession.has_error()) return possession.error();
  const auto certname = ca::certname_of(**csr, name);
  if (certname.has_error()) return certname.error();
  return store::RequestRecord{.id = ca::new_request_id(source.modified, random),
                              .certname = *certname,
                              .csr = to_bytes((*csr)->der()),
                              .reason = "It waited at the Puppet CA.",
                              .trace = "[]",
                              .profile = "agent",
                              .caller = "import",
                              .key = x509::to_string((*csr)->public_key().spec()),
                              .names = ca::names_text((*csr)->subject_alt_names()),
                              .created_at = source.modified};
}

}  // namespace

void read_signed(PuppetCadir& cadir, const fs::path& folder) {
  const auto names = names_in(folder, "signed", cadir.findings);
  auto slots = read_all<store::CertificateRecord>(names, [&](const std::string& name) {
    return read_certificate(*cadir.issuer, folder / "signed", name);
  });
  cadir.files = take(std::move(slots), names, "signed", cadir.findings);
}

void read_requests(PuppetCadir& cadir, const fs::path& folder, const Random& random) {
  const auto names = names_in(folder, "requests", cadir.findings);
  auto slots = read_all<store::RequestRecord>(names, [&](const std::string& name) {
    Slot<store::RequestRecord> slot;
    const auto source = content_of(folder / "requests" / (name + std::string(kEnd)));
    auto request = source.has_error() ? Result<store::RequestRecord>(source.error())
                                      : parse_request(*source, name, random);
    if (request.has_error()) {
      slot.damage.push_back(request.error().detail);
    } else {
      slot.row = std::move(*request);
    }
    return slot;
  });
  cadir.requests = take(std::move(slots), names, "requests", cadir.findings);
}

}  // namespace countersign::cli::cadir
