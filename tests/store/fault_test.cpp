// A fault at every step of a small mixed load: what was acknowledged is there afterwards, once;
// what was refused is not; what got no clear answer is there as a whole or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite/connection.h"
#include "tests/store/fault_vfs.h"
#include "tests/store/rows.h"
#include "tests/store/view.h"

namespace countersign::store {
namespace {

using Group = std::vector<WriteBatch>;
using Effect = FaultVfs::Effect;

constexpr int kCheckpointPages = 12;  // so that the log is emptied many times in a small load

int make_checkpoints_often(::sqlite3* db, const char**, const void*) {
  return ::sqlite3_wal_autocheckpoint(db, kCheckpointPages);
}

// Each batch ends with an audit row that names it.
WriteBatch batch(const std::string& id, WriteBatch what) {
  what.emplace_back(AppendAudit{audit_row("step", id)});
  return what;
}

WriteBatch issue(int number, const std::string& certname) {
  return batch("issue-" + std::to_string(number),
               {InsertCertificate{certificate(certname, number)}});
}

WriteBatch redeem(int number) {
  return batch("redeem-" + std::to_string(number),
               {RedeemEnrolmentToken{"E1", at(1000)},
                InsertCertificate{certificate("t" + std::to_string(number), number)}});
}

WriteBatch approve(const std::string& id, int number) {
  DecideRequest decision{.id = id,
                         .state = RequestState::signed_,
                         .decided_by = "operator",
                         .at = at(1100),
                         .issuer = "CA1",
                         .serial = serial(number)};
  return batch("approve-" + id, {decision, InsertCertificate{certificate("of " + id, number)}});
}

WriteBatch revoke(int number) {
  return batch("revoke-" + std::to_string(number),
               {RevokeCertificate{"CA1", serial(number), {at(1500), 1}}});
}

WriteBatch renew(int before, int number, const std::string& certname) {
  return batch("renew-" + std::to_string(number),
               {InsertCertificate{certificate(certname, number), false, serial(before)}});
}

WriteBatch publish(int number) {
  CrlRecord record = crl(static_cast<std::uint64_t>(number));
  record.der = Bytes(9000, static_cast<std::uint8_t>(number));  // more than a page
  return batch("crl-" + std::to_string(number), {InsertCrl{record}});
}

// Refused when it has written something already.
WriteBatch refused(int number) {
  return batch("refused-" + std::to_string(number),
               {InsertCertificate{certificate("refused", number)}, ReleaseName{"nobody"}});
}

std::vector<Group> load() {
  return {
      {issue(1, "a"), issue(2, "b"), issue(3, "c")},
      {batch("queue-R1", {InsertRequest{request("R1", "of R1")}}),
       batch("queue-R2", {InsertRequest{request("R2", "of R2")}})},
      {redeem(10), refused(11), revoke(2)},
      {publish(1)},
      {approve("R1", 20), renew(1, 21, "a")},
      {redeem(12), redeem(13)},  // the token is used up by the first
      {publish(2), revoke(3)},
      {batch("document", {PutDocument{"acme", "key", "value", 0}}), revoke(1)},
      {batch("withdraw", {WithdrawRequest{"of R2", at(1600), "operator"}}), issue(30, "d")},
  };
}
constexpr std::size_t kRestart = 5;  // before this group the service is restarted

std::string id_of(const WriteBatch& batch) {
  return std::get<AppendAudit>(batch.back()).row.subject;
}

std::vector<std::string> ids_in(const Store& store) {
  auto rows = store.audit("", 1000).value();
  std::vector<std::string> ids;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) ids.push_back(row->subject);
  return ids;
}

// What the callers of a store were told.
struct Told {
  std::set<std::string> acknowledged, refused, unknown;
  std::set<std::string> shown;     // by a read
  std::set<std::string> answered;  // refused, if only in a second try
};

class FaultTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::sqlite3_auto_extension(reinterpret_cast<void (*)()>(make_checkpoints_often));
  }
  static void TearDownTestSuite() {
    ::sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(make_checkpoints_often));
  }

  // What every run begins with.
  FaultTest() {
    auto store = open_sqlite_store(template_).value();
    EXPECT_EQ(outcome(*store, before_.front()), kDone);
    EXPECT_EQ(outcome(*store, before_.back()), kDone);
  }

  std::filesystem::path fresh() {
    std::filesystem::remove_all(folder_.path() / "run");
    std::filesystem::create_directory(folder_.path() / "run");
    const auto file = folder_.path() / "run" / "store.db";
    std::filesystem::copy_file(template_, file);
    return file;
  }

  // Applies the group as a caller that tries again after an answer that left it in the dark.
  void apply(Store& store, const Group& group, Told& told) {
    const auto results = store.apply(group);
    ASSERT_EQ(results.size(), group.size());
    for (std::size_t i = 0; i < group.size(); ++i) {
      const std::string id = id_of(group[i]);
      if (results[i]) {
        told.acknowledged.insert(id);
      } else if (results[i].error().code == Code::unavailable) {
        told.unknown.insert(id);
      } else {
        told.answered.insert(id);
        if (!told.unknown.contains(id)) told.refused.insert(id);
      }
    }
  }

  static bool failed(const std::vector<std::string>& before, const Group& group, const Told& told) {
    return told.unknown.contains(id_of(group.front())) &&
           !told.acknowledged.contains(id_of(group.front())) &&
           std::ranges::find(before, id_of(group.front())) == before.end();
  }

  // One service's life up to its end: false when the disk is gone for good.
  bool live(FaultVfs& disk, const std::filesystem::path& file, Effect effect, Told& told) {
    std::unique_ptr<Store> store;
    const auto groups = load();
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (i == 0 || i == kRestart) {
        store.reset();
        if (!start(disk, file, effect, store)) return false;
      }
      const auto before = ids_in(*store);
      apply(*store, groups[i], told);
      if (failed(before, groups[i], told)) {
        EXPECT_EQ(ids_in(*store), before) << "reads go on, and show nothing that is in doubt";
        if (effect == Effect::power_cut) return false;
        if (effect == Effect::full) {
          EXPECT_FALSE(store->reopen()) << "while it lasts";
          EXPECT_EQ(ids_in(*store), before) << "reads go on";
          disk.heal();
        }
        const bool opened = store->reopen() || store->reopen();
        EXPECT_TRUE(opened) << "a fault that is over";
        if (!opened) return false;
        apply(*store, groups[i], told);
      }
      for (const std::string& id : ids_in(*store)) told.shown.insert(id);
    }
    for (const Group& group : groups) {
      for (const WriteBatch& each : group) {
        EXPECT_TRUE(told.acknowledged.contains(id_of(each)) || told.answered.contains(id_of(each)))
            << id_of(each) << " got no answer after the fault was over";
      }
    }
    return true;
  }

  bool start(FaultVfs& disk, const std::filesystem::path& file, Effect effect,
             std::unique_ptr<Store>& store) {
    auto opened = open_sqlite_store(file);
    if (!opened && effect == Effect::power_cut) return false;
    if (!opened && effect == Effect::full) disk.heal();
    if (!opened) opened = open_sqlite_store(file);
    EXPECT_TRUE(opened) << "a fault that is over";
    if (!opened) return false;
    store = std::move(*opened);
    return true;
  }

  // The store holds what was told, and each batch of it as a whole and once: it is equal to a store
  // of the other engine that was given the batches that it names, in their order.
  void check(const std::filesystem::path& file, const Told& told) {
    const auto opened = open_sqlite_store(file);
    ASSERT_TRUE(opened) << opened.error().detail;
    const auto ids = ids_in(**opened);
    const std::set<std::string> there(ids.begin(), ids.end());
    EXPECT_EQ(there.size(), ids.size()) << "doubled";
    for (const auto* kept : {&told.acknowledged, &told.shown}) {
      for (const std::string& id : *kept) EXPECT_TRUE(there.contains(id)) << id << " is lost";
    }
    for (const std::string& id : told.refused) {
      EXPECT_FALSE(there.contains(id)) << id << " was refused";
    }
    const auto expected = make_memory_store();
    for (const std::string& id : ids) {
      ASSERT_TRUE(batches_.contains(id)) << id;
      ASSERT_EQ(outcome(*expected, batches_.at(id)), kDone) << id;
    }
    EXPECT_TRUE(view_of(**opened) == view_of(*expected)) << "a batch is there in part";
    Connection db(file, Connection::Mode::read_only);
    auto row = db.prepare("PRAGMA integrity_check");
    ASSERT_TRUE(row.step());
    EXPECT_EQ(row.text(0), "ok");
  }

  void check_files(const std::map<std::string, std::string>& files, const Told& told) {
    const auto folder = folder_.path() / "cut";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
    for (const auto& [path, content] : files) {
      std::ofstream(folder / std::filesystem::path(path).filename(), std::ios::binary) << content;
    }
    check(folder / "store.db", told);
  }

  // The effect at each step of these kinds in turn, until the load has no more of them.
  void at_every(unsigned steps, Effect effect, std::size_t cuts) {
    std::size_t n = 1;
    for (bool struck = true; struck; ++n) {
      SCOPED_TRACE("step " + std::to_string(n));
      const auto file = fresh();
      Told told;
      std::vector<std::map<std::string, std::string>> left;
      {
        FaultVfs disk(n);
        disk.plan(steps, n, effect);
        live(disk, file, effect, told);
        struck = disk.struck();
        if (HasFailure()) return;
        for (std::size_t cut = 0; cut < cuts; ++cut)
          left.push_back(disk.after_power_cut(n * 100 + cut));
      }
      if (effect != Effect::power_cut) check(file, told);
      for (const auto& files : left) check_files(files, told);
      if (HasFailure()) return;
    }
    EXPECT_GT(n, 10U) << "the load has hardly any such step";
  }

  const TempFolder folder_;
  const std::filesystem::path template_ = folder_.path() / "template.db";
  const std::vector<WriteBatch> before_ = {
      batch("issuer", {InsertIssuer{issuer()}}),
      batch("token", {InsertEnrolmentToken{enrolment_token("E1", "t")}})};
  const std::map<std::string, WriteBatch> batches_ = [this] {
    std::map<std::string, WriteBatch> all;
    for (const WriteBatch& each : before_) all[id_of(each)] = each;
    for (const Group& group : load()) {
      for (const WriteBatch& each : group) all[id_of(each)] = each;
    }
    return all;
  }();
};

TEST_F(FaultTest, AWriteThatFailsLosesAndDoublesNothing) {
  at_every(FaultVfs::kWrite, Effect::io_error, 2);
}

TEST_F(FaultTest, AWriteThatIsDoneByHalfLosesAndDoublesNothing) {
  at_every(FaultVfs::kWrite, Effect::short_write, 2);
}

TEST_F(FaultTest, ASyncThatFailsLosesAndDoublesNothingThoughItsWritesMayBeGone) {
  at_every(FaultVfs::kSync, Effect::io_error, 4);
}

TEST_F(FaultTest, AFileThatCannotBeMadeCutOrGrownLosesAndDoublesNothing) {
  for (const unsigned step :
       {FaultVfs::kTruncate, FaultVfs::kCreate, FaultVfs::kRemove, FaultVfs::kGrowIndex}) {
    SCOPED_TRACE("kind " + std::to_string(step));
    const auto file = fresh();
    Told told;
    {
      FaultVfs disk;
      disk.plan(step, 1, Effect::io_error);
      live(disk, file, Effect::io_error, told);
    }
    check(file, told);
  }
}

TEST_F(FaultTest, ADiskThatIsFullAtAnyStepLosesAndDoublesNothing) {
  at_every(FaultVfs::kEvery & ~(FaultVfs::kSync | FaultVfs::kRemove), Effect::full, 2);
}

TEST_F(FaultTest, APowerCutAtAnyStepLosesNothingThatWasAcknowledgedOrShown) {
  at_every(FaultVfs::kEvery, Effect::power_cut, 3);
}

}  // namespace
}  // namespace countersign::store
