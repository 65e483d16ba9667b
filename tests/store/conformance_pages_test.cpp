// A page looks at a bounded number of rows, and who follows its cursor misses nothing.
#include "store/page_bounds.h"
#include "tests/store/conformance.h"

namespace countersign::store {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class PageConformance : public Conformance {
 protected:
  static constexpr int kRows = static_cast<int>(PageBounds::kMost) + 100;

  void fill() {
    WriteBatch batch = {InsertIssuer{issuer()}};
    for (int i = 0; i < kRows; ++i) {
      const std::string name = i + 1 == kRows ? "last" : "host" + std::to_string(i);
      CertificateRecord one = certificate(name, i);
      one.not_after = at(i + 1 == kRows ? 3000 : 5000);
      RequestRecord asked = request("R" + std::to_string(10000 + i), name);
      asked.state = RequestState::signed_;
      batch.push_back(InsertCertificate{one});
      batch.push_back(InsertRequest{asked});
      AuditRecord row = audit_row("issue", "all of one subject");
      row.actor = i == 0 ? "the first" : "operator";
      batch.push_back(AppendAudit{row});
    }
    ASSERT_EQ(apply(batch), kDone);
  }

  // How many rows each page has.
  template <class Query, class Fetch>
  std::vector<std::size_t> sizes(Query query, Fetch fetch) {
    std::vector<std::size_t> list;
    for (int pages = 0; pages < 10; ++pages) {
      auto page = fetch(query);
      list.push_back(page.rows.size());
      if (page.next == decltype(page.next){}) return list;
      query.after = page.next;
    }
    ADD_FAILURE() << "the pages never end";
    return list;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, PageConformance, kEngines, engine_name);

TEST_P(PageConformance, APageThatFindsNothingEndsAndItsCursorGoesOn) {
  fill();
  const NameFilter last = [](std::string_view name) { return name == "last"; };
  const auto certificates = [&](const CertificateQuery& query) {
    return store_->certificates(query, at(2000)).value();
  };
  for (const CertificateQuery& query :
       {CertificateQuery{.match = last}, CertificateQuery{.expires_before = at(4000)},
        CertificateQuery{.state = CertificateState::signed_, .expires_before = at(4000)}}) {
    EXPECT_THAT(sizes(query, certificates), ElementsAre(0, 1));
  }
  EXPECT_THAT(sizes(CertificateQuery{.state = CertificateState::expired}, certificates),
              ElementsAre(0, 0));

  const auto requests = [&](const RequestQuery& query) { return store_->requests(query).value(); };
  EXPECT_THAT(sizes(RequestQuery{.state = RequestState::signed_, .match = last}, requests),
              ElementsAre(0, 1));
  EXPECT_THAT(
      sizes(RequestQuery{.match = last, .order = RequestOrder::newest_first}, requests).front(),
      1U);

  if (GetParam() == Engine::sqlite) {  // an index leads to these
    EXPECT_THAT(sizes(CertificateQuery{.certname = "last"}, certificates), ElementsAre(1));
    EXPECT_THAT(sizes(CertificateQuery{.state = CertificateState::revoked}, certificates),
                ElementsAre(0));
    EXPECT_THAT(sizes(RequestQuery{.state = RequestState::denied}, requests), ElementsAre(0));
  }

  const auto audit = [&](const AuditQuery& query) { return store_->audit_rows(query).value(); };
  for (const std::optional<std::string>& subject :
       {std::optional<std::string>(), std::optional<std::string>("all of one subject")}) {
    AuditQuery query{.subject = subject, .actor = "the first", .newest_first = true};
    const auto found = sizes(query, audit);
    EXPECT_GT(found.size(), 1U);
    EXPECT_EQ(found.back(), 1U);
    query.actor.reset();
    query.action = "revoke";
    EXPECT_THAT(sizes(query, audit), ElementsAre(0, 0));
  }
}

TEST_P(PageConformance, AFullPageIsNeverCut) {
  fill();
  EXPECT_THAT(store_->certificates({.limit = 1000}, at(2000)).value().rows, SizeIs(1000));
  EXPECT_THAT(store_->requests({.limit = 1000}).value().rows, SizeIs(1000));
  EXPECT_THAT(store_->audit_rows({.limit = 1000}).value().rows, SizeIs(1000));
}

}  // namespace
}  // namespace countersign::store
