// Inventory, files and CRL of a Puppet CA directory: a row a serial.
#include <algorithm>

#include "ca/certificate_row.h"
#include "cli/puppet_cadir.h"

namespace countersign::cli {
namespace {

constexpr const char* kInventory = "inventory.txt";

std::string shown(ByteView serial) { return "0x" + format_serial(serial); }

// The CN where the subject begins with one, so that the CA's own row reads well; what no machine
// can be called if there is more.
std::string certname_of(const InventoryRow& row) {
  constexpr std::string_view kCn = "CN=";
  return row.subject.starts_with(kCn) ? row.subject.substr(kCn.size()) : row.subject;
}

class Merger {
 public:
  explicit Merger(PuppetCadir& cadir) : cadir_(cadir) {
    rows_.reserve(cadir.inventory.size() + cadir.files.size());
  }

  std::vector<store::CertificateRecord> merge() {
    for (const InventoryRow& row : cadir_.inventory) add(row);
    for (store::CertificateRecord& file : cadir_.files) add(std::move(file));
    cadir_.files.clear();
    for (const auto& [serial, revocation] : cadir_.revoked) revoke(serial, revocation);
    check_counter();
    for (store::CertificateRecord& row : rows_) {
      row.issuer = cadir_.issuer->id();
      row.profile = "agent";
      row.rule = "import";
    }
    return std::move(rows_);
  }

 private:
  // The row of the serial, made if there is none.
  store::CertificateRecord& at(const Bytes& serial, bool& made) {
    const auto [found, added] = places_.try_emplace(serial, rows_.size());
    made = added;
    if (added) rows_.push_back({.serial = serial, .current = false});
    return rows_[found->second];
  }

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
    const bool same = record.certname == certname_of(row) && record.not_before == row.not_before &&
                      record.not_after == row.not_after;
    const std::string text = "the serial " + shown(row.serial) + " is there already, ";
    cadir_.findings.add(same ? Severity::note : Severity::damage, kInventory,
                        text + (same ? "with the same row."
                                     : "as another certificate, of '" + record.certname +
                                           "'. The first row counts."),
                        row.line);
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
      cadir_.findings.add(Severity::damage, name,
                          "its serial " + shown(file.serial) + " is also that of signed/" +
                              record.certname + ".pem, which counts.");
      return;
    }
    if (!made && record.certname != file.certname) {
      cadir_.findings.add(Severity::damage, name,
                          "its serial " + shown(file.serial) + " is '" + record.certname +
                              "' in inventory.txt. The file counts.");
    }
    record = std::move(file);
  }

  void revoke(const Bytes& serial, const store::Revocation& revocation) {
    bool made = false;
    store::CertificateRecord& record = at(serial, made);
    record.revocation = revocation;
    if (!made) return;
    record.certname = ca::kUnknownCertname;
    record.not_before = revocation.at;
    record.not_after = cadir_.issuer->certificate().not_after();
    record.issued_at = revocation.at;
    cadir_.findings.add(Severity::note, "ca_crl.pem",
                        shown(serial) +
                            " is revoked, and neither inventory.txt nor signed/ knows "
                            "it. It stays revoked.");
  }

  // A serial that puppetserver would have given twice.
  void check_counter() {
    // It counts with 32 bits; what lies above was issued by a CA like this one.
    constexpr std::size_t kCounted = 4;
    const Bytes* highest = nullptr;
    for (const auto& [serial, place] : places_) {
      if (serial.size() > kCounted) break;
      if (rows_[place].certname != ca::kUnknownCertname) highest = &serial;
    }
    if (highest == nullptr || SerialOrder()(*highest, cadir_.next_serial)) return;
    cadir_.findings.add(Severity::warning, "serial",
                        "the next serial is " + shown(cadir_.next_serial) + ", and " +
                            shown(*highest) +
                            " was given already. Serials given here never "
                            "collide with either.",
                        1);
  }

  PuppetCadir& cadir_;
  std::vector<store::CertificateRecord> rows_;
  std::map<Bytes, std::size_t, SerialOrder> places_;
};

}  // namespace

std::vector<store::CertificateRecord> merge_certificates(PuppetCadir& cadir) {
  return Merger(cadir).merge();
}

}  // namespace countersign::cli
