// The one check of the fuzz targets: an invariant that does not hold ends the process.
#ifndef COUNTERSIGN_TESTS_FUZZ_REQUIRE_H_
#define COUNTERSIGN_TESTS_FUZZ_REQUIRE_H_

#include <cstdlib>

inline void require(bool holds) {
  if (!holds) std::abort();
}

#endif  // COUNTERSIGN_TESTS_FUZZ_REQUIRE_H_
