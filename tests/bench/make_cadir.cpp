// Makes a large Puppet CA directory: make_cadir DIR CERTIFICATES REVOKED. The keys are RSA as
// Puppet's are; all leaves have one, for their number is what matters.
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "tests/cli/cadir_maker.h"

int main(int argc, char** argv) {
  using namespace countersign;
  using namespace countersign::cli::testing;
  if (argc != 4) {
    std::cerr << "make_cadir DIR CERTIFICATES REVOKED\n";
    return 2;
  }
  const auto count = std::strtoul(argv[2], nullptr, 10);
  const auto revoked = std::strtoul(argv[3], nullptr, 10);
  CadirMaker maker(argv[1], {x509::KeyAlgorithm::rsa, 2048}, {x509::KeyAlgorithm::rsa, 4096});
  std::vector<std::shared_ptr<const x509::Certificate>> made(count);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t at = next++; at < count; at = next++) {
      const std::string name = "node-" + std::to_string(at) + ".example.com";
      made[at] = maker.leaf(at + 1, name);
      put(maker.folder / "signed" / (name + ".pem"), made[at]->pem());
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i) threads.emplace_back(work);
  }
  for (const auto& certificate : made) maker.add_to_inventory(*certificate);
  maker.next = count + 1;
  for (std::size_t at = 0; at < revoked && at < count; ++at) {
    maker.revoke(at + 1, x509::RevocationReason::key_compromise);
  }
  maker.finish();
  return 0;
}
