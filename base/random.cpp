#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace countersign {
namespace {

void ask_kernel(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

// A request takes a few octets several times: one call fetches enough for many. Octets leave it
// once, and nothing of them stays.
class Supply {
 public:
  void take(std::span<std::uint8_t> out) {
    if (left_ < out.size()) {
      ask_kernel(octets_);
      left_ = octets_.size();
    }
    const auto from = std::span(octets_).subspan(left_ - out.size(), out.size());
    std::ranges::copy(from, out.begin());
    wipe(from.data(), from.size());
    left_ -= out.size();
  }

 private:
  std::array<std::uint8_t, 512> octets_{};
  std::size_t left_ = 0;
};

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) const override {
    if (out.size() > kSmall) return ask_kernel(out);
    thread_local Supply supply;
    supply.take(out);
  }

 private:
  static constexpr std::size_t kSmall = 32;
};

}  // namespace

const Random& system_random() {
  static const SystemRandom random;
  return random;
}

}  // namespace countersign
