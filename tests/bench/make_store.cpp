// Fills the store of a CA that enrolled one machine, named <16 hex digits>.<domain> with a P-256
// key, until it has COUNT certificates of which REVOKED are revoked. Call it again with higher
// numbers and the store grows on. The service must not run.
//   make_store DIR COUNT REVOKED [SAMPLE]
// SAMPLE: a file that gets a line "serial name" for up to 20,000 of those that it added and did not
// revoke, spread over all of them.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "base/random.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/bench/template_certificate.h"
#include "x509/digest.h"

namespace {

using namespace countersign;
using bench::TemplateCertificate;

constexpr std::int64_t kBatch = 2000;  // certificates
constexpr std::int64_t kSample = 20000;

template <class T>
T need(Result<T> result) {
  if (result.has_error()) throw std::runtime_error(result.error().detail + result.error().cause);
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

TemplateCertificate template_of(const store::Store& store) {
  store::CertificateQuery query;
  query.limit = 1;
  query.match = [](std::string_view name) {
    return name.find('.') == TemplateCertificate::kNameHex &&
           name.find_first_not_of("0123456789abcdef") == TemplateCertificate::kNameHex;
  };
  auto page = need(store.certificates(query, {}));
  if (page.rows.empty())
    throw std::runtime_error("no machine is enrolled: the template is missing");
  auto request = need(store.request(page.rows[0].request_id));
  auto audit = need(store.audit(page.rows[0].certname, 1));
  if (!request || audit.empty()) throw std::runtime_error("the template has no request");
  return {std::move(page.rows[0]), std::move(*request), std::move(audit[0])};
}

// As ca/ writes an enrolment, and a revocation by an operator.
void add(store::WriteBatch& batch, TemplateCertificate::Rows rows, bool revoke, Timestamp now) {
  const std::string issuer = rows.certificate.issuer;
  const Bytes serial = rows.certificate.serial;
  store::AuditRecord note = rows.audit;
  batch.push_back(store::InsertCertificate{std::move(rows.certificate), false, {}});
  batch.push_back(store::InsertRequest{std::move(rows.request)});
  batch.push_back(store::AppendAudit{std::move(rows.audit)});
  if (!revoke) return;
  constexpr int kSuperseded = 4;
  batch.push_back(store::RevokeCertificate{issuer, serial, {now, kSuperseded}});
  note.action = "revoke";
  note.detail = R"({"reason":"superseded"})";
  batch.push_back(store::AppendAudit{std::move(note)});
}

int run(const std::string& dir, std::int64_t count, std::int64_t revoked,
        const std::string& sample) {
  const auto store = need(store::open_sqlite_store(dir + "/countersign.db", x509::sha256));
  TemplateCertificate machines = template_of(*store);
  const store::Counts had = need(store->counts());
  const std::int64_t more = count - had.certificates;
  const std::int64_t to_revoke = revoked - had.revoked;
  if (more <= 0 || to_revoke < 0 || to_revoke > more) {
    throw std::runtime_error("it has " + std::to_string(had.certificates) + " already, " +
                             std::to_string(had.revoked) + " revoked");
  }
  std::ofstream sampled(sample.empty() ? "/dev/null" : sample);
  const std::int64_t every = std::max<std::int64_t>(1, more / kSample);
  const auto begin = std::chrono::steady_clock::now();
  for (std::int64_t done = 0; done < more;) {
    store::WriteBatch batch;
    const Timestamp now = std::chrono::floor<Timestamp::duration>(std::chrono::system_clock::now());
    for (const std::int64_t end = std::min(more, done + kBatch); done < end; ++done) {
      // Evenly among the others.
      const bool revoke = (done + 1) * to_revoke / more > done * to_revoke / more;
      auto rows = machines.next(now);
      if (!revoke && done % every == 0) {
        sampled << to_hex(rows.certificate.serial) << " " << rows.certificate.certname << "\n";
      }
      add(batch, std::move(rows), revoke, now);
    }
    for (const auto& result : store->apply({&batch, 1})) need(result);
    if (done % 100'000 != 0 && done != more) continue;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::cerr << "make_store: " << had.certificates + done << " of " << count << ", "
              << static_cast<std::int64_t>(static_cast<double>(done) / took.count()) << "/s\n";
  }
  return sampled.flush() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::cerr << "make_store DIR COUNT REVOKED [SAMPLE]\n";
    return 2;
  }
  try {
    return run(argv[1], std::atoll(argv[2]), std::atoll(argv[3]), argc == 5 ? argv[4] : "");
  } catch (const std::exception& error) {
    std::cerr << "make_store: " << error.what() << "\n";
    return 1;
  }
}
