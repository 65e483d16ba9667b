// Fills the store of a CA that enrolled one machine, named <16 hex digits>.<domain> with a P-256
// key, until SIZE such certificates are there besides that one. Called again with a higher SIZE, it
// goes on. The service must not run. Prints one JSON object.
//   make_store DIR SIZE --revoked-every N
// Names and serials depend on the position alone. This lists some, a line "name serial 0|1" each, 1
// for those that are revoked, in any store with the same N:
//   make_store --names FIRST COUNT --revoked-every N
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/bench/template_certificate.h"
#include "x509/digest.h"

namespace {

using namespace countersign;
using bench::TemplateCertificate;

constexpr std::uint64_t kBatch = 5000;  // certificates
constexpr std::string_view kDomain = ".fleet.example.com";

template <class T>
T need(Result<T> result) {
  if (result.has_error()) throw std::runtime_error(result.error().detail + result.error().cause);
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

TemplateCertificate template_of(const store::Store& store) {
  store::CertificateQuery query;
  query.limit = 1;
  query.match = [](std::string_view name) {
    return name.ends_with(kDomain) && name.find('.') == TemplateCertificate::kNameHex &&
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

// How many of them the store has already.
std::uint64_t present(const store::Store& store) {
  const auto there = [&](std::uint64_t index) {
    const auto serial = TemplateCertificate::identity_of(index).serial;
    return need(store.certificate_by_serial(serial)).has_value();
  };
  std::uint64_t low = 0;
  std::uint64_t high = 1;
  for (; there(high - 1); high *= 2) low = high;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (there(middle)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool is_revoked(std::uint64_t index, std::uint64_t every) {
  return every != 0 && index % every == every - 1;
}

int fill(const std::string& dir, std::uint64_t size, std::uint64_t revoked_every) {
  const auto store = need(store::open_sqlite_store(dir + "/countersign.db", x509::sha256));
  const TemplateCertificate machines = template_of(*store);
  const std::uint64_t had = present(*store);
  const auto begin = std::chrono::steady_clock::now();
  double took = 0;
  for (std::uint64_t at = had; at < size;) {
    store::WriteBatch batch;
    const auto now = std::chrono::floor<Timestamp::duration>(std::chrono::system_clock::now());
    for (const std::uint64_t end = std::min(size, at + kBatch); at < end; ++at) {
      add(batch, machines.rows_of(at, now), is_revoked(at, revoked_every), now);
    }
    for (const auto& result : store->apply({&batch, 1})) need(result);
    took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (at % 100'000 != 0 && at != size) continue;
    std::fprintf(stderr, "make_store: %zu of %zu, %.0f/s\n", at, size,
                 static_cast<double>(at - had) / took);
  }
  std::printf("{\"added\": %zu, \"seconds\": %.3f, \"mean_der\": %zu}\n", std::max(size, had) - had,
              took, machines.der_bytes());
  return 0;
}

int list(std::uint64_t first, std::uint64_t count, std::uint64_t revoked_every) {
  for (std::uint64_t at = first; at < first + count; ++at) {
    const auto identity = TemplateCertificate::identity_of(at);
    std::cout << identity.label << kDomain << " " << to_hex(identity.serial) << " "
              << is_revoked(at, revoked_every) << "\n";
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> said(argv + 1, argv + argc);
  const bool names = !said.empty() && said[0] == "--names";
  const std::size_t numbers = names ? 3 : 2;  // how many arguments come before the flag
  if (said.size() != numbers + 2 || said[numbers] != "--revoked-every") {
    std::cerr << "make_store DIR SIZE --revoked-every N\n"
                 "make_store --names FIRST COUNT --revoked-every N\n";
    return 2;
  }
  try {
    const std::uint64_t every = std::stoull(said[numbers + 1]);
    return names ? list(std::stoull(said[1]), std::stoull(said[2]), every)
                 : fill(said[0], std::stoull(said[1]), every);
  } catch (const std::exception& error) {
    std::cerr << "make_store: " << error.what() << "\n";
    return 1;
  }
}
