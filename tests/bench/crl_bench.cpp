// What revocation costs after N revocations: crl_bench N. It fills a store of its own in a folder
// under $TMPDIR and prints, from one run, the times of a start and of a publication and what a
// publication writes.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "store/sqlite/sqlite_store.h"
#include "tests/ca/authority_fixture.h"

namespace countersign::ca::testing {
namespace {

constexpr std::size_t kBatch = 20'000;

Bytes serial_of(std::size_t n) {
  Bytes serial(20, 0x5a);  // as long as ours
  for (std::size_t i = 0; i < 8; ++i) serial[15 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  return serial;
}

void fill(store::Store& store, const Issuer& issuer, std::size_t count, Timestamp now) {
  store::WriteBatch batch = {
      store::InsertIssuer{{.id = issuer.id(),
                           .name = issuer.certificate().common_name(),
                           .certificate = to_bytes(issuer.certificate().der())}}};
  for (std::size_t n = 0; n < count; ++n) {
    store::CertificateRecord row;
    row.issuer = issuer.id();
    row.serial = serial_of(n);
    row.certname = "host" + std::to_string(n);
    row.not_before = row.issued_at = now;
    row.not_after = now + std::chrono::days(90);
    row.current = false;
    row.revocation = store::Revocation{now, 1};
    batch.push_back(store::InsertCertificate{std::move(row)});
    if (batch.size() < kBatch && n + 1 < count) continue;
    if (store.apply(std::vector<store::WriteBatch>{std::move(batch)})[0].has_error()) std::abort();
    batch.clear();
  }
}

// write(2) and the like of this process, whatever the disk made of them.
std::size_t written() {
  std::ifstream io("/proc/self/io");
  std::string name;
  std::size_t value = 0;
  while (io >> name >> value) {
    if (name == "wchar:") return value;
  }
  return 0;
}

template <class Work>
void measure(const char* what, const Work& work) {
  const std::size_t before = written();
  const auto began = std::chrono::steady_clock::now();
  const std::clock_t cpu = std::clock();
  work();
  const double used = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%-44s %8.3f s %8.3f s CPU %12zu bytes written\n", what, took.count(), used,
              written() - before);
  std::fflush(stdout);
}

int bench(std::size_t count) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("crl_bench." + std::to_string(static_cast<long>(::getpid())));
  std::filesystem::create_directory(folder);
  {
    FakeClock clock;
    const auto store = store::open_sqlite_store(folder / "store.db", x509::sha256).value();
    const auto issuer =
        Issuer::create(TestCa::get().chain, x509::make_signer(TestCa::get().issuing_key()), clock,
                       system_random())
            .value();
    measure("filling", [&] { fill(*store, *issuer, count, clock.now()); });
    store::Committer committer(*store, 64);
    const CrlSettings settings{
        .delay = std::chrono::seconds(2), .lifetime = std::chrono::days(7), .infra_inventory = {}};
    const auto publisher = [&] {
      return std::make_unique<CrlPublisher>(*issuer, *store, committer, clock, settings);
    };
    auto crl = publisher();
    const auto resume = [&] {
      if (crl->resume().has_error()) std::abort();
    };
    const auto publish = [&] {
      if (crl->publish().has_error()) std::abort();
    };
    measure("start without a stored CRL (first CRL)", resume);
    for (std::size_t more = 0; more < 3; ++more) {
      store::CertificateRecord row;
      row.issuer = issuer->id();
      row.serial = serial_of(count + more);
      row.certname = "late" + std::to_string(more);
      row.not_after = clock.now() + std::chrono::days(90);
      row.current = false;
      row.revocation = store::Revocation{clock.now(), 1};
      if (committer.commit_blocking({store::InsertCertificate{row}}).has_error()) std::abort();
      measure("publication after one more revocation", publish);
    }
    crl = publisher();
    measure("start with a stored CRL", resume);
    std::printf("entries %zu, DER %zu bytes\n", crl->figures().entries, crl->der()->size());
  }
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace countersign::ca::testing

int main(int argc, char** argv) {
  std::size_t count = 100'000;
  if (argc > 1) {
    const std::string_view text = argv[1];
    if (std::from_chars(text.data(), text.data() + text.size(), count).ec != std::errc()) return 2;
  }
  return countersign::ca::testing::bench(count);
}
