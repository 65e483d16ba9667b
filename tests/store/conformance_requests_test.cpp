// The promises of store.h about requests.
#include "tests/store/conformance.h"

namespace countersign::store {
namespace {

using ::testing::ElementsAre;

class RequestConformance : public Conformance {
 protected:
  // The names of one query, page by page.
  std::vector<std::string> ids(RequestQuery query) {
    std::vector<std::string> list;
    for (int pages = 0; pages < 100; ++pages) {
      const RequestPage page = store_->requests(query).value();
      EXPECT_LE(page.rows.size(), std::max<std::size_t>(query.limit, 1));
      for (const RequestRecord& row : page.rows) list.push_back(row.id);
      if (page.next.empty()) return list;
      EXPECT_GE(page.next, page.rows.back().id);
      query.after = page.next;
    }
    ADD_FAILURE() << "the pages never end";
    return list;
  }

  std::optional<Code> decide(const std::string& id, RequestState state) {
    return apply({DecideRequest{id, state, "because", "operator", at(950), "CA1", serial(3)}});
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, RequestConformance, kEngines, engine_name);

TEST_P(RequestConformance, AQueuedRequestIsFoundByIdNameAndCsr) {
  ASSERT_EQ(apply({InsertRequest{request("A1", "web")}}), kDone);
  EXPECT_EQ(store_->request("A1").value(), request("A1", "web"));
  EXPECT_EQ(store_->queued_request("web").value(), request("A1", "web"));
  EXPECT_EQ(store_->request_by_csr("web", request("A1", "").csr).value(), request("A1", "web"));
  EXPECT_FALSE(store_->request("A").value());
  EXPECT_FALSE(store_->queued_request("WEB").value());
  EXPECT_EQ(store_->counts().value().queued, 1);
}

TEST_P(RequestConformance, ADecisionIsKeptAndEndsTheQueueing) {
  for (const auto state : {RequestState::signed_, RequestState::denied, RequestState::withdrawn}) {
    const std::string id = "A-" + std::string(to_string(state));
    ASSERT_EQ(apply({InsertRequest{request(id, "web")}}), kDone) << id;
    ASSERT_EQ(decide(id, state), kDone) << id;
    RequestRecord expected = request(id, "web");
    expected.state = state;
    expected.reason = "because";
    expected.decided_by = "operator";
    expected.decided_at = at(950);
    expected.issuer = "CA1";
    expected.serial = serial(3);
    EXPECT_EQ(store_->request(id).value(), expected);
    EXPECT_FALSE(store_->queued_request("web").value());
    EXPECT_EQ(store_->counts().value().queued, 0);
    EXPECT_EQ(decide(id, RequestState::signed_), Code::conflict);
  }
}

TEST_P(RequestConformance, AWithdrawnRequestSaysWhenAndByWhomAndFreesTheName) {
  ASSERT_EQ(apply({InsertRequest{request("A1", "web")}}), kDone);
  ASSERT_EQ(apply({WithdrawRequest{"web", at(960), "web"}, InsertRequest{request("A2", "web")}}),
            kDone);
  RequestRecord expected = request("A1", "web");
  expected.state = RequestState::withdrawn;
  expected.decided_at = at(960);
  expected.decided_by = "web";
  EXPECT_EQ(store_->request("A1").value(), expected);
  EXPECT_EQ(store_->queued_request("web").value(), request("A2", "web"));
  EXPECT_EQ(store_->counts().value().queued, 1);
}

TEST_P(RequestConformance, OneThatComesDecidedIsKeptAndNeverQueued) {
  RequestRecord decided = request("A1", "web");
  decided.state = RequestState::signed_;
  decided.decided_at = at(901);
  decided.decided_by = "rule";
  decided.issuer = "CA1";
  decided.serial = serial(1);
  ASSERT_EQ(apply({InsertRequest{request("A0", "web")}, InsertRequest{decided}}), kDone)
      << "only a queued request takes the name";
  EXPECT_EQ(store_->request("A1").value(), decided);
  EXPECT_EQ(store_->queued_request("web").value(), request("A0", "web"));
  EXPECT_EQ(store_->counts().value().queued, 1);
}

TEST_P(RequestConformance, TheNewestRequestWithACsrAnswersForIt) {
  RequestRecord older = request("A1", "web");
  RequestRecord newer = request("A2", "web");
  newer.csr = older.csr;
  older.state = RequestState::denied;
  ASSERT_EQ(apply({InsertRequest{newer}, InsertRequest{older}, InsertRequest{request("A3", "x")}}),
            kDone);
  EXPECT_EQ(store_->request_by_csr("web", older.csr).value()->id, "A2");
  EXPECT_FALSE(store_->request_by_csr("x", older.csr).value()) << "of another name";
}

TEST_P(RequestConformance, TheRequestsOfANameAreNewestFirstAndNoMoreThanAskedFor) {
  for (const char* id : {"A2", "A1", "A3"}) {
    RequestRecord record = request(id, "web");
    record.state = RequestState::denied;
    ASSERT_EQ(apply({InsertRequest{record}}), kDone);
  }
  ASSERT_EQ(apply({InsertRequest{request("A4", "other")}}), kDone);
  std::vector<std::string> found;
  for (const RequestRecord& row : store_->requests_of("web", 2).value()) found.push_back(row.id);
  EXPECT_THAT(found, ElementsAre("A3", "A2"));
  EXPECT_EQ(store_->requests_of("web", 100).value().size(), 3U);
}

TEST_P(RequestConformance, PagesOfAnySizeMissNothingAndRepeatNothing) {
  std::vector<std::string> all, odd, denied, queued_web;
  WriteBatch batch;
  for (int i = 10; i < 40; ++i) {
    const std::string id = "R" + std::to_string(i);
    RequestRecord record = request(id, (i % 2 != 0 ? "web" : "db") + std::to_string(i));
    if (i % 3 == 0) record.state = RequestState::denied;
    all.push_back(id);
    if (i % 2 != 0) odd.push_back(id);
    if (i % 3 == 0) denied.push_back(id);
    if (i % 2 != 0 && i % 3 != 0) queued_web.push_back(id);
    batch.push_back(InsertRequest{record});
  }
  std::reverse(batch.begin(), batch.end());
  ASSERT_EQ(apply(batch), kDone);
  const NameFilter web = [](std::string_view name) { return name.starts_with("web"); };
  for (const std::size_t limit : {0U, 1U, 2U, 7U, 10U, 15U, 30U, 31U}) {
    EXPECT_EQ(ids({.limit = limit}), all) << limit;
    EXPECT_EQ(ids({.match = web, .limit = limit}), odd) << limit;
    EXPECT_EQ(ids({.state = RequestState::denied, .limit = limit}), denied) << limit;
    EXPECT_EQ(ids({.state = RequestState::queued, .match = web, .limit = limit}), queued_web);
    EXPECT_TRUE(ids({.state = RequestState::withdrawn, .limit = limit}).empty());
  }
}

TEST_P(RequestConformance, ThoseOfANameAreListedInEveryOrderAndMeetTheOtherFilters) {
  for (const char* id : {"A1", "A2", "A3"}) {
    ASSERT_EQ(apply({InsertRequest{request(id, "web")}}), kDone);
    if (std::string(id) == "A3") continue;
    ASSERT_EQ(decide(id, RequestState::denied), kDone);
  }
  ASSERT_EQ(apply({InsertRequest{request("A4", "web2")}}), kDone);
  for (const std::size_t limit : {1U, 2U, 9U}) {
    EXPECT_THAT(ids({.certname = "web", .limit = limit}), ElementsAre("A1", "A2", "A3"));
    EXPECT_THAT(ids({.state = RequestState::denied, .certname = "web", .limit = limit}),
                ElementsAre("A1", "A2"));
    EXPECT_THAT(ids({.certname = "web", .rule = "another", .limit = limit}), ElementsAre());
  }
  EXPECT_EQ(store_->requests({.certname = "web", .order = RequestOrder::newest_first, .limit = 2})
                .value()
                .rows.at(0)
                .id,
            "A3");
  EXPECT_EQ(
      store_->requests({.certname = "web", .order = RequestOrder::certname}).value().rows.size(),
      1U)
      << "of the queue alone";
}

TEST_P(RequestConformance, ACursorOutlivesTheRowsThatChangeBetweenPages) {
  WriteBatch batch;
  for (const char* id : {"A1", "A2", "A3", "A4"}) {
    batch.push_back(InsertRequest{request(id, std::string("name of ") + id)});
  }
  ASSERT_EQ(apply(batch), kDone);
  RequestQuery query{.state = RequestState::queued, .limit = 2};
  const RequestPage page = store_->requests(query).value();
  EXPECT_EQ(page.next, "A2");
  ASSERT_EQ(decide("A2", RequestState::denied), kDone) << "the very row that the cursor names";
  ASSERT_EQ(apply({InsertRequest{request("A5", "late")}}), kDone);
  query.after = page.next;
  query.limit = 100;
  EXPECT_THAT(ids(query), ElementsAre("A3", "A4", "A5"));
}

}  // namespace
}  // namespace countersign::store
