// What every engine of the store must keep: a fixture with one empty store of each.
#ifndef COUNTERSIGN_TESTS_STORE_CONFORMANCE_H_
#define COUNTERSIGN_TESTS_STORE_CONFORMANCE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/store/rows.h"
#include "tests/store/view.h"

namespace countersign::store {

enum class Engine { memory, sqlite };

class Conformance : public ::testing::TestWithParam<Engine> {
 protected:
  Conformance()
      : store_(GetParam() == Engine::memory
                   ? make_memory_store()
                   : open_sqlite_store(folder_.path() / "store.db").value()) {}

  std::optional<Code> apply(WriteBatch batch) { return outcome(*store_, std::move(batch)); }

  View view() const { return view_of(*store_); }

  TempFolder folder_;
  std::unique_ptr<Store> store_;
};

inline std::string engine_name(const ::testing::TestParamInfo<Engine>& engine) {
  return engine.param == Engine::memory ? "Memory" : "Sqlite";
}

inline const auto kEngines = ::testing::Values(Engine::memory, Engine::sqlite);

}  // namespace countersign::store

#endif  // COUNTERSIGN_TESTS_STORE_CONFORMANCE_H_
