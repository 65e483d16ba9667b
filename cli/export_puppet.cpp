#include "cli/export_puppet.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "ca/certificate_row.h"
#include "cli/ca_folder.h"
#include "cli/failure.h"
#include "cli/puppet_export_rows.h"
#include "x509/pem.h"

namespace countersign::cli {
namespace {

constexpr std::size_t kPage = 500;
constexpr auto kCrlLifetime = std::chrono::days(5 * 365);
// What `import puppet` kept of the directory.
constexpr const char* kSpace = "puppet";
constexpr const char* kCounter = "serial";

template <class T>
T need(Result<T> result) {
  return required(std::move(result), kFailed);
}

std::set<std::string> lines_of(std::string_view text) {
  std::set<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && line.back() <= ' ') line.remove_suffix(1);
    if (!line.empty()) lines.emplace(line);
  }
  return lines;
}

std::string decimal(ByteView serial) {
  std::string digits = "0";  // the last digit first
  for (const std::uint8_t octet : serial) {
    unsigned carry = octet;
    for (char& digit : digits) {
      carry += unsigned(digit - '0') * 256;
      digit = char('0' + carry % 10);
      carry /= 10;
    }
    for (; carry != 0; carry /= 10) digits.push_back(char('0' + carry % 10));
  }
  return {digits.rbegin(), digits.rend()};
}

class Exporter {
 public:
  Exporter(const ExportSource& source, PuppetCadirWriter& cadir)
      : source_(source), store_(source.store), issuer_(source.issuer), cadir_(cadir) {
    infra_list_ =
        source.infra_inventory ? source.infra_inventory : kept("file:infra_inventory.txt");
    if (infra_list_) infra_names_ = lines_of(*infra_list_);
  }

  PuppetExport run() {
    write_authority();
    write_certificates();
    write_requests();
    write_serial();
    const store::CrlRecord crl = write_crl();
    write_infra();
    record(crl);
    return std::move(done_);
  }

 private:
  std::optional<std::string> kept(const std::string& key) const {
    auto document = need(store_.document(kSpace, key));
    if (!document) return std::nullopt;
    return std::move(document->value);
  }

  bool self_signed() const {
    return issuer_.certificate().subject() == issuer_.certificate().issuer();
  }

  void write_authority() {
    const x509::Certificate& own = issuer_.certificate();
    cadir_.write("ca_crt.pem", issuer_.chain_pem());
    cadir_.write("ca_key.pem", source_.key_pem.view(), PuppetCadirWriter::kKeyFile);
    cadir_.write("ca_pub.pem", x509::pem_encode("PUBLIC KEY", own.public_key().spki()));
    if (!self_signed()) return;
    // A CA of its own making took a serial of its own, and has the first row.
    next_.saw(own.serial());
    const bool simple = own.subject() == x509::common_name_only(own.common_name());
    if (!simple || need(store_.certificate(issuer_.id(), own.serial()))) return;
    cadir_.append("inventory.txt", format_inventory_row({.serial = own.serial(),
                                                         .not_before = own.not_before(),
                                                         .not_after = own.not_after(),
                                                         .subject = "CN=" + own.common_name()}));
  }

  void write_certificates() {
    cadir_.append("inventory.txt", "");  // it must be there
    store::CertificateQuery query;
    query.limit = kPage;
    do {
      const auto page = need(store_.certificates(query, source_.now));
      std::string rows;
      for (const store::CertificateRecord& row : page.rows) {
        if (row.issuer != issuer_.id()) {
          ++done_.foreign;
          continue;
        }
        next_.saw(row.serial);
        if (row.certname == ca::kUnknownCertname) continue;  // the CRL has it, and has it again
        rows += format_inventory_row(inventory_row(row));
        write_certificate(row);
      }
      cadir_.append("inventory.txt", rows);
      query.after = page.next;
    } while (query.after != 0);
  }

  void write_certificate(const store::CertificateRecord& row) {
    ++done_.certificates;
    if (infra_names_.contains(row.certname) && row.not_after > source_.now) {
      infra_serials_.push_back(row.serial);
      if (row.revocation) infra_entries_.push_back(entry(row.serial, *row.revocation));
    }
    if (!row.current || row.der.empty()) {  // an inventory alone knew of it
      const bool valid = !row.revocation && row.not_after > source_.now;
      const bool itself = self_signed() && row.serial == issuer_.certificate().serial();
      if (valid && !itself && row.rule != "service") ++done_.valid_outside;
      return;
    }
    if (!names_a_file(row.certname)) {
      ++done_.unfit;
      return;
    }
    cadir_.write("signed/" + row.certname + ".pem",
                 x509::pem_encode(x509::kPemCertificate, row.der));
    ++done_.signed_;
  }

  void write_requests() {
    store::RequestQuery query;
    query.state = store::RequestState::queued;
    query.limit = kPage;
    do {
      auto page = need(store_.requests(query));
      for (const store::RequestRecord& row : page.rows) {
        if (!names_a_file(row.certname)) {
          ++done_.unfit;
          continue;
        }
        cadir_.write("requests/" + row.certname + ".pem", x509::pem_encode(x509::kPemCsr, row.csr));
        ++done_.requests;
      }
      query.after = std::move(page.next);
    } while (!query.after.empty());
  }

  void write_serial() {
    Bytes counter;
    if (const auto text = kept(kCounter)) {
      counter = required(parse_serial_file(*text), kFailed, "the serial that was imported");
    }
    done_.serial = format_serial(need(next_.next(counter)));
    cadir_.write("serial", done_.serial);
  }

  static x509::CrlEntry entry(const Bytes& serial, const store::Revocation& revocation) {
    return {serial, revocation.at, static_cast<x509::RevocationReason>(revocation.reason)};
  }

  store::CrlRecord sign(std::uint64_t number, std::span<const x509::CrlEntry> entries) const {
    const auto from = std::chrono::floor<std::chrono::seconds>(source_.now);
    return {.issuer = issuer_.id(),
            .number = number,
            .this_update = from,
            .next_update = from + kCrlLifetime,
            .der = need(issuer_.sign_crl(number, from, from + kCrlLifetime, entries))};
  }

  store::CrlRecord write_crl() {
    std::vector<x509::CrlEntry> entries;
    for (const auto& row : need(store_.revoked(issuer_.id(), source_.now))) {
      entries.push_back(entry(row.serial, row.revocation));
    }
    const auto last = need(store_.last_crl(issuer_.id()));
    store::CrlRecord crl = sign(last ? last->number + 1 : 1, entries);
    cadir_.write("ca_crl.pem", x509::pem_encode(x509::kPemCrl, crl.der) + source_.parents);
    done_.revoked = entries.size();
    done_.crl_number = crl.number;
    return crl;
  }

  // Of the one that was served last, or came with the import. Nothing: there was none.
  std::optional<std::uint64_t> last_infra_number() const {
    std::optional<std::uint64_t> number;
    const auto served = need(store_.document("crl", "infra"));
    for (const auto& pem :
         {served ? std::optional(served->value) : std::nullopt, kept("file:infra_crl.pem")}) {
      if (!pem) continue;
      const auto blocks = required(x509::pem_decode_all(*pem), kFailed, "infra_crl.pem");
      if (blocks.empty()) continue;
      const auto crl = required(x509::Crl::parse(blocks.front().der), kFailed, "infra_crl.pem");
      number = std::max(number.value_or(0), crl->number());
    }
    return number;
  }

  // Made anew: since the import, nodes of the list may have got certificates, and lost them.
  void write_infra() {
    if (!infra_list_) return;
    done_.infra = true;
    cadir_.write("infra_inventory.txt", *infra_list_);
    std::string serials;
    for (const Bytes& serial : infra_serials_) serials += decimal(serial) + "\n";
    cadir_.write("infra_serials", serials);
    const auto number = last_infra_number();
    if (!number) return;
    const store::CrlRecord crl = sign(*number + 1, infra_entries_);
    cadir_.write("infra_crl.pem", x509::pem_encode(x509::kPemCrl, crl.der) + source_.parents);
  }

  void record(const store::CrlRecord& crl) {
    store::WriteBatch batch;
    batch.push_back(store::InsertCrl{crl});
    batch.push_back(store::AppendAudit{
        {.at = source_.now,
         .action = "export",
         .actor = "export puppet",
         .subject = issuer_.certificate().common_name(),
         .detail = "{\"crl_number\":" + std::to_string(crl.number) +
                   ",\"certificates\":" + std::to_string(done_.certificates) + "}"}});
    apply(store_, std::move(batch));
  }

  const ExportSource& source_;
  store::Store& store_;
  const ca::Issuer& issuer_;
  PuppetCadirWriter& cadir_;
  PuppetExport done_;
  NextSerial next_;
  std::optional<std::string> infra_list_;  // content of infra_inventory.txt
  std::set<std::string> infra_names_;
  std::vector<Bytes> infra_serials_;
  std::vector<x509::CrlEntry> infra_entries_;
};

}  // namespace

PuppetExport write_puppet_cadir(const ExportSource& source, PuppetCadirWriter& cadir) {
  return Exporter(source, cadir).run();
}

}  // namespace countersign::cli
