// The promises of store.h about approvals, and about the filters, the orders and the age of the
// queue.
#include "tests/store/conformance.h"

namespace countersign::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class QueueConformance : public Conformance {
 protected:
  void queue(const std::string& id, std::int64_t needed) {
    RequestRecord row = request(id, "name of " + id);
    row.approvals_needed = needed;
    row.approvals = {approval("ignored", "x")};
    ASSERT_EQ(apply({InsertRequest{row}}), kDone);
  }
  static ApprovalRecord approval(const std::string& person, const std::string& holds,
                                 int second = 910) {
    return {person, "operator:" + person + "-laptop", holds, at(second)};
  }
  std::optional<Code> approve(const std::string& id, const ApprovalRecord& by,
                              std::int64_t before) {
    return apply({AddApproval{id, by, before}});
  }
  std::optional<Code> sign(const std::string& id, const std::string& holds) {
    return apply({DecideRequest{.id = id,
                                .state = RequestState::signed_,
                                .reason = "r",
                                .decided_by = "operator",
                                .at = at(950),
                                .issuer = "CA1",
                                .serial = serial(3),
                                .holds = holds}});
  }
  std::vector<ApprovalRecord> approvals(const std::string& id) {
    return store_->request(id).value()->approvals;
  }
  // Page by page.
  std::vector<std::string> ids(RequestQuery query) {
    std::vector<std::string> list;
    for (int pages = 0; pages < 100; ++pages) {
      const RequestPage page = store_->requests(query).value();
      for (const RequestRecord& row : page.rows) list.push_back(row.id);
      if (page.next.empty()) return list;
      query.after = page.next;
    }
    ADD_FAILURE() << "the pages never end";
    return list;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, QueueConformance, kEngines, engine_name);

TEST_P(QueueConformance, ApprovalsAreKeptWithTheirRequestInOrderOfTime) {
  queue("A1", 3);
  queue("A2", 2);
  EXPECT_THAT(approvals("A1"), IsEmpty()) << "those of an insertion are ignored";
  ASSERT_EQ(approve("A1", approval("bob", "x", 912), 0), kDone);
  ASSERT_EQ(approve("A1", approval("alice", "x", 911), 1), kDone);
  const std::vector<ApprovalRecord> both = {approval("alice", "x", 911), approval("bob", "x", 912)};
  EXPECT_EQ(approvals("A1"), both);
  EXPECT_EQ(store_->requests({.limit = 1}).value().rows.at(0).approvals, both);
  EXPECT_EQ(store_->queued_request("name of A1").value()->approvals, both);
  EXPECT_EQ(store_->request_by_csr("name of A1", request("A1", "").csr).value()->approvals, both);
  EXPECT_THAT(approvals("A2"), IsEmpty());
}

TEST_P(QueueConformance, NobodyCountsTwiceAndNobodyIsOverlooked) {
  queue("A1", 3);
  ASSERT_EQ(approve("A1", approval("alice", "x"), 0), kDone);
  EXPECT_EQ(approve("A1", approval("alice", "x", 999), 0), Code::already_approved);
  EXPECT_EQ(approve("A1", approval("alice", "x", 999), 1), Code::already_approved);
  EXPECT_EQ(approve("A1", approval("bob", "x"), 0), Code::conflict) << "alice came meanwhile";
  EXPECT_EQ(approve("A1", approval("bob", "x"), 2), Code::conflict);
  EXPECT_EQ(approve("A1", approval("bob", "x"), 1), kDone);
  EXPECT_EQ(approve("none", approval("bob", "x"), 0), Code::not_found);
}

TEST_P(QueueConformance, AnApprovalCountsForTheCertificateThatItWasGivenFor) {
  queue("A1", 2);
  ASSERT_EQ(approve("A1", approval("alice", "x"), 0), kDone);
  ASSERT_EQ(approve("A1", approval("bob", "y"), 0), kDone) << "for another one";
  EXPECT_EQ(sign("A1", "x"), Code::conflict);
  EXPECT_EQ(sign("A1", "y"), Code::conflict);
  ASSERT_EQ(approve("A1", approval("bob", "x", 920), 1), kDone) << "his first word goes";
  EXPECT_EQ(approvals("A1").size(), 2U);
  EXPECT_EQ(sign("A1", ""), Code::conflict);
  EXPECT_EQ(sign("A1", "x"), kDone);
  EXPECT_EQ(approvals("A1").size(), 2U) << "they are kept after the decision";
  EXPECT_EQ(approve("A1", approval("carol", "x"), 2), Code::conflict) << "it is decided";
}

TEST_P(QueueConformance, WhatNeedsSeveralIsSignedByNoFewer) {
  queue("A1", 2);
  EXPECT_EQ(sign("A1", "x"), Code::conflict);
  ASSERT_EQ(approve("A1", approval("alice", "x"), 0), kDone);
  EXPECT_EQ(sign("A1", "x"), Code::conflict);
  queue("A2", 1);
  EXPECT_EQ(sign("A2", ""), kDone) << "where one is enough nobody's word is kept";
  EXPECT_EQ(apply({DecideRequest{.id = "A1",
                                 .state = RequestState::denied,
                                 .reason = "r",
                                 .decided_by = "operator",
                                 .at = at(950)}}),
            kDone)
      << "one can deny";
}

TEST_P(QueueConformance, AFailedBatchLeavesNoApproval) {
  queue("A1", 2);
  EXPECT_EQ(apply({AddApproval{"A1", approval("alice", "x"), 0},
                   DecideRequest{.id = "none", .at = at(950)}}),
            Code::not_found);
  EXPECT_THAT(approvals("A1"), IsEmpty());
}

TEST_P(QueueConformance, FiltersAndOrdersGiveTheSamePagesWhateverTheirSize) {
  WriteBatch batch;
  for (int i = 10; i < 40; ++i) {
    RequestRecord row = request("R" + std::to_string(i), "host" + std::to_string((i * 7) % 100));
    row.rule = i % 2 == 0 ? "even" : "odd";
    row.profile = i % 5 == 0 ? "short" : "agent";
    row.key = i % 3 == 0 ? "ec:P-256" : "rsa:2048";
    row.source = "10.0.0." + std::to_string(i);
    row.created_at = at(1000 + i);
    if (i % 4 == 0) row.state = RequestState::denied;
    batch.push_back(InsertRequest{row});
  }
  ASSERT_EQ(apply(batch), kDone);
  const auto wanted = [&](const RequestQuery& query) {
    std::vector<RequestRecord> rows;
    for (int i = 10; i < 40; ++i) {
      const RequestRecord row = store_->request("R" + std::to_string(i)).value().value();
      if (query.state && row.state != *query.state) continue;
      if (query.rule && row.rule != *query.rule) continue;
      if (query.profile && row.profile != *query.profile) continue;
      if (query.key && row.key != *query.key) continue;
      if (query.source && !query.source(row.source)) continue;
      if (query.created_before && row.created_at >= *query.created_before) continue;
      if (query.created_after && row.created_at <= *query.created_after) continue;
      rows.push_back(row);
    }
    if (query.order == RequestOrder::newest_first) std::ranges::reverse(rows);
    if (query.order == RequestOrder::certname) {
      std::ranges::sort(rows, {}, &RequestRecord::certname);
    }
    std::vector<std::string> list;
    for (const RequestRecord& row : rows) list.push_back(row.id);
    return list;
  };
  const NameFilter late = [](std::string_view source) { return source > "10.0.0.25"; };
  const auto queued = RequestState::queued;
  for (const auto order :
       {RequestOrder::arrival, RequestOrder::newest_first, RequestOrder::certname}) {
    std::vector<RequestQuery> queries = {
        {.state = queued},
        {.state = queued, .rule = "even"},
        {.state = queued, .profile = "short", .key = "rsa:2048"},
        {.state = queued, .source = late},
        {.state = queued, .created_before = at(1030), .created_after = at(1015)},
        {.state = queued, .rule = "none"}};
    if (order != RequestOrder::certname) {
      queries.push_back({});
      queries.push_back({.rule = "even", .source = late});
      queries.push_back({.state = RequestState::denied, .key = "rsa:2048"});
    }
    for (RequestQuery& query : queries) {
      query.order = order;
      for (const std::size_t limit : {1U, 3U, 22U, 100U}) {
        query.limit = limit;
        EXPECT_EQ(ids(query), wanted(query)) << static_cast<int>(order) << " " << limit;
      }
    }
  }
  EXPECT_EQ(ids({.order = RequestOrder::certname}).size(), 23U) << "of the queue alone";
}

TEST_P(QueueConformance, TheOldestOfTheQueueAreFoundByTheirAge) {
  for (const auto& [id, second] : {std::pair{"A1", 30}, {"A2", 10}, {"A3", 20}, {"A4", 40}}) {
    RequestRecord row = request(id, "name of " + std::string(id));
    row.created_at = at(second);
    ASSERT_EQ(apply({InsertRequest{row}}), kDone);
  }
  RequestRecord denied = request("A0", "denied");
  denied.created_at = at(1);
  denied.state = RequestState::denied;
  ASSERT_EQ(apply({InsertRequest{denied}}), kDone);
  const auto stale = [&](std::int64_t before, std::size_t limit) {
    std::vector<std::string> list;
    for (const auto& row : store_->stale_requests(at(before), limit).value())
      list.push_back(row.id);
    return list;
  };
  EXPECT_THAT(stale(30, 100), ElementsAre("A2", "A3"));
  EXPECT_THAT(stale(31, 2), ElementsAre("A2", "A3"));
  EXPECT_THAT(stale(31, 100), ElementsAre("A2", "A3", "A1"));
  EXPECT_THAT(stale(10, 100), IsEmpty());
  ASSERT_EQ(apply({DecideRequest{.id = "A2",
                                 .state = RequestState::expired,
                                 .reason = "old",
                                 .decided_by = "service",
                                 .at = at(50)}}),
            kDone);
  EXPECT_THAT(stale(30, 100), ElementsAre("A3"));
  EXPECT_EQ(store_->request("A2").value()->state, RequestState::expired);
  EXPECT_EQ(store_->counts().value().queued, 3);
}

TEST_P(QueueConformance, ATokenIsFoundByItsId) {
  ASSERT_EQ(apply({InsertToken{token("T1")}}), kDone);
  EXPECT_EQ(store_->token("T1").value(), token("T1"));
  EXPECT_FALSE(store_->token("T2").value());
}

}  // namespace
}  // namespace countersign::store
