#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace countersign {
namespace {

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) const override {
    while (!out.empty()) {
      const ssize_t got = ::getrandom(out.data(), out.size(), 0);
      if (got < 0) {
        if (errno == EINTR) continue;
        throw std::system_error(errno, std::generic_category(), "getrandom");
      }
      out = out.subspan(static_cast<std::size_t>(got));
    }
  }
};

}  // namespace

const Random& system_random() {
  static const SystemRandom random;
  return random;
}

}  // namespace countersign
