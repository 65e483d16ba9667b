#include "cli/puppet_merge.h"

#include "ca/certificate_row.h"

namespace countersign::cli {
namespace {

constexpr const char* kInventory = "inventory.txt";

std::string shown(ByteView serial) { return "0x" + format_serial(serial); }

std::string certname_of(const InventoryRow& row) {
  constexpr std::string_view kCn = "CN=";
  const bool more = row.subject.starts_with(kCn) && row.subject.size() > kCn.size();
  return more ? row.subject.substr(kCn.size()) : row.subject;
}

class Merger {
 public:
  explicit Merger(Findings& findings) : findings_(findings) {}

  void reserve(std::size_t count) { rows_.reserve(count); }
  std::vector<store::CertificateRecord> take() { return std::move(rows_); }

  void add(const InventoryRow& row) {
    bool made = false;
    store::CertificateRecord& record = at(row.serial, made);
    if (made) {
      record.certname = certname_of(row);
      record.not_before = row.not_before;
      record.not_after = row.not_after;
      record.issued_at = row.not_before;
      return;
    }
    const std::string text = "the serial " + shown(row.serial) + " is there already, ";
    if (record.certname == certname_of(row) && record.not_before == row.not_before &&
        record.not_after == row.not_after) {
      findings_.add(Severity::note, kInventory, text + "with the same row.", row.line);
    } else {
      findings_.add(
          Severity::damage, kInventory,
          text + "as another certificate, of '" + record.certname + "'. The first row counts.",
          row.line);
    }
  }

  void add(store::CertificateRecord file) {
    bool made = false;
    store::CertificateRecord& record = at(file.serial, made);
    const std::string name = "signed/" + file.certname + ".pem";
    if (!record.der.empty()) {
      // The same certificate under two names was complained about when its name was read.
      if (record.der == file.der) {
        record.current = record.current || file.current;
        return;
      }
      findings_.add(Severity::damage, name,
                    "its serial " + shown(file.serial) + " is also that of signed/" +
                        record.certname + ".pem, which counts.");
      return;
    }
    if (!made && record.certname != file.certname) {
      findings_.add(Severity::damage, name,
                    "its serial " + shown(file.serial) + " is of '" + record.certname +
                        "' in inventory.txt. The file counts.");
    }
    record = std::move(file);
  }

  void revoke(const Bytes& serial, const store::Revocation& revocation, Timestamp ca_ends) {
    bool made = false;
    store::CertificateRecord& record = at(serial, made);
    record.revocation = revocation;
    if (!made) return;
    record.certname = ca::kUnknownCertname;
    record.not_before = revocation.at;
    record.not_after = ca_ends;
    record.issued_at = revocation.at;
    findings_.add(Severity::note, "ca_crl.pem",
                  shown(serial) +
                      " is revoked, and neither inventory.txt nor signed/ knows it. It stays "
                      "revoked.");
  }

 private:
  // The row of the serial; `made` if there was none.
  store::CertificateRecord& at(const Bytes& serial, bool& made) {
    const auto [found, added] = places_.try_emplace(serial, rows_.size());
    made = added;
    if (added) rows_.push_back({.serial = serial, .current = false});
    return rows_[found->second];
  }

  Findings& findings_;
  std::vector<store::CertificateRecord> rows_;
  std::map<Bytes, std::size_t, SerialOrder> places_;
};

}  // namespace

std::vector<store::CertificateRecord> merge_certificates(
    const std::vector<InventoryRow>& inventory, std::vector<store::CertificateRecord> files,
    const Revocations& revoked, const std::string& issuer, Timestamp ca_ends, Findings& findings) {
  Merger merger(findings);
  merger.reserve(inventory.size() + files.size());
  for (const InventoryRow& row : inventory) merger.add(row);
  for (store::CertificateRecord& file : files) merger.add(std::move(file));
  for (const auto& [serial, revocation] : revoked) merger.revoke(serial, revocation, ca_ends);
  std::vector<store::CertificateRecord> rows = merger.take();
  for (store::CertificateRecord& row : rows) {
    row.issuer = issuer;
    row.profile = "agent";
    row.rule = "import";
  }
  return rows;
}

void check_next_serial(const Bytes& next, const std::vector<store::CertificateRecord>& rows,
                       Findings& findings) {
  // puppetserver counts with 32 bits; what lies above was issued by a CA like this one.
  constexpr std::size_t kCounted = 4;
  const SerialOrder below;
  const Bytes* highest = nullptr;
  for (const store::CertificateRecord& row : rows) {
    if (row.serial.size() > kCounted || row.certname == ca::kUnknownCertname) continue;
    if (highest == nullptr || below(*highest, row.serial)) highest = &row.serial;
  }
  if (highest == nullptr || below(*highest, next)) return;
  findings.add(Severity::warning, "serial",
               "the next serial is " + shown(next) + ", and " + shown(*highest) +
                   " was given already. Serials given here collide with neither.",
               1);
}

}  // namespace countersign::cli
