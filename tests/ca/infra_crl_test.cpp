#include "ca/infra_crl.h"

#include "tests/ca/crl_maker.h"

namespace countersign::ca {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

TEST(InfraInventory, IsACertnameALine) {
  const Folder folder;
  const std::pair<std::string, CertNames> good[] = {
      {"", {}},
      {"\n", {}},
      {"ca.example.com\n\n# compilers\n  c1.example.com\t\r\nc1.example.com\nc2",
       {"ca.example.com", "c1.example.com", "c2"}},
  };
  for (const auto& [text, names] : good) {
    const auto read = read_infra_inventory(folder.write("list", text));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(*read, names) << text;
  }
  const std::pair<std::string, Code> bad[] = {{"a\nB.example.com\n", Code::malformed},
                                              {"a\n*.example.com\n", Code::malformed},
                                              {"a\nb c\n", Code::malformed},
                                              {std::string(1'100'000, '\n'), Code::too_large}};
  for (const auto& [text, code] : bad) {
    const auto read = read_infra_inventory(folder.write("list", text));
    ASSERT_TRUE(read.has_error());
    EXPECT_EQ(read.error().code, code);
    EXPECT_NE(read.error().detail.find(code == Code::malformed ? "list:2:" : "list"),
              std::string::npos)
        << read.error().detail;
  }
  EXPECT_EQ(read_infra_inventory(folder.path() / "none").error().code, Code::not_found);
}

class InfraCrlTest : public AuthorityTest {
 protected:
  InfraCrlTest() {
    config.root_crl = crl_pem({});
    list("web-1.example.com\n");
  }

  void list(const std::string& names) {
    config.puppet.infra_inventory = folder.write("infra_inventory.txt", names);
  }
  std::shared_ptr<const x509::Crl> infra() {
    const auto all = read_crls(*authority->agents_crls().pem).value();
    EXPECT_EQ(all.size(), 2U) << "ours, then the root's";
    return all.front();
  }
  Bytes issue_to(const std::string& name, int key = 0) {
    return submit(csr(name, {.key = key})).value().request.serial;
  }
  void revoke(const Bytes& serial) {
    ASSERT_TRUE(run(authority->revoke(serial, x509::RevocationReason::key_compromise, op)));
  }
  static std::vector<Bytes> serials(const x509::Crl& crl) {
    std::vector<Bytes> list;
    for (const auto& entry : crl.entries()) list.push_back(entry.serial);
    return list;
  }
};

TEST_F(InfraCrlTest, HoldsTheRevokedOfTheListAndTheFullOneHoldsAll) {
  start(kWebPolicy);
  const Bytes listed = issue_to("web-1.example.com");
  const Bytes other = issue_to("web-2.example.com");
  revoke(other);
  revoke(listed);
  start(kWebPolicy);
  EXPECT_EQ(serials(*infra()), std::vector<Bytes>{listed});
  EXPECT_EQ(infra()->entries()[0].reason, x509::RevocationReason::key_compromise);
  EXPECT_TRUE(infra()->signed_by(TestCa::get().chain.front()->public_key()));
  EXPECT_EQ(crl()->entries().size(), 2U);
  EXPECT_EQ(read_crls(*authority->crl_pem())->front()->entries().size(), 2U) << "REST's";
}

TEST_F(InfraCrlTest, HoldsEveryUnexpiredCertificateOfAListedName) {
  config.puppet.allow_duplicate_certs = true;
  start(kWebPolicy);
  const Bytes first = submit(csr("web-1.example.com"), true)->request.serial;
  const Bytes second = submit(csr("web-1.example.com", {.key = 1}), true)->request.serial;
  ASSERT_TRUE(
      run(authority->revoke_name("web-1.example.com", x509::RevocationReason::superseded, op)));
  start(kWebPolicy);
  EXPECT_EQ(serials(*infra()),
            (std::vector<Bytes>{std::min(first, second), std::max(first, second)}));
  clock.advance(std::chrono::days(365 * 6));
  config.root_crl.clear();  // it has ended, too
  start(kWebPolicy);
  EXPECT_TRUE(read_crls(*authority->agents_crls().pem)->front()->entries().empty());
}

TEST_F(InfraCrlTest, ChangesOnlyWhenItSaysSomethingElseAndCountsForItself) {
  start(kWebPolicy);
  const Bytes listed = issue_to("web-1.example.com");
  const Bytes other = issue_to("web-2.example.com");
  const Loop loop(*authority);
  const auto first = authority->agents_crls();
  const auto number = infra()->number();

  // Revoked first: a publication for another reason, dated after the clock moved on, would put the
  // one that is awaited off for good, as this clock stands still.
  revoke(other);
  clock.advance(std::chrono::seconds(3));
  ASSERT_TRUE(eventually([&] { return crl()->entries().size() == 1; }));
  EXPECT_EQ(authority->agents_crls().pem, first.pem);
  EXPECT_EQ(authority->agents_crls().changed_at, first.changed_at) << "304 goes on";

  revoke(listed);
  clock.advance(std::chrono::seconds(3));
  ASSERT_TRUE(eventually([&] { return authority->agents_crls().pem != first.pem; }));
  EXPECT_EQ(infra()->number(), number + 1);
  EXPECT_GT(crl()->number(), infra()->number());
  EXPECT_GT(authority->agents_crls().changed_at, first.changed_at);

  clock.advance(config.crl_lifetime / 2);
  ASSERT_TRUE(eventually([&] { return infra()->number() == number + 2; }));
  EXPECT_GT(infra()->next_update(), clock.now() + config.crl_lifetime / 2);
}

TEST_F(InfraCrlTest, ANameThatIsListedAfterItsRevocationIsInTheNext) {
  start(kWebPolicy);
  const Bytes other = issue_to("web-2.example.com");
  revoke(other);
  const Loop loop(*authority);
  EXPECT_TRUE(infra()->entries().empty());
  list("web-1.example.com\nweb-2.example.com\n");  // which makes one due by itself
  ASSERT_TRUE(eventually([&] { return serials(*infra()) == std::vector<Bytes>{other}; }));
  list("");
  ASSERT_TRUE(eventually([&] { return infra()->entries().empty(); }));
}

TEST_F(InfraCrlTest, AListThatGoesBadLaterStaysInForce) {
  start(kWebPolicy);
  const Bytes listed = issue_to("web-1.example.com");
  const Loop loop(*authority);
  const std::uint64_t full = crl()->number();
  std::filesystem::remove(config.puppet.infra_inventory);
  ASSERT_TRUE(eventually([&] { return crl()->number() > full; }));
  revoke(listed);
  clock.advance(std::chrono::seconds(3));
  ASSERT_TRUE(eventually([&] { return serials(*infra()) == std::vector<Bytes>{listed}; }));
}

TEST_F(InfraCrlTest, ItsNumberRisesOverRestartsAndOverATimeWithoutIt) {
  start();
  EXPECT_EQ(infra()->number(), 1U);
  start();
  EXPECT_EQ(infra()->number(), 2U);
  const auto inventory = std::exchange(config.puppet.infra_inventory, {});
  start();
  EXPECT_EQ(*authority->agents_crls().pem, *authority->crl_pem());
  config.puppet.infra_inventory = inventory;
  start();
  EXPECT_EQ(infra()->number(), 3U);
}

TEST_F(InfraCrlTest, AnUploadedCrlEndsItToo) {
  start();
  const auto before = authority->agents_crls();
  clock.advance(std::chrono::seconds(1));
  const std::string newer = crl_pem(ParentCrl{}.with_number(6));
  ASSERT_TRUE(run(authority->upload_crls(newer, admin)));
  EXPECT_TRUE(authority->agents_crls().pem->ends_with(newer));
  EXPECT_EQ(authority->agents_crls().changed_at, clock.now());
  EXPECT_EQ(infra()->number(), read_crls(*before.pem)->front()->number()) << "ours is the same";
}

TEST_F(InfraCrlTest, ALostStoreKeepsTheLastOneServed) {
  start(kWebPolicy);
  const Bytes listed = issue_to("web-1.example.com");
  revoke(listed);
  const auto before = authority->agents_crls();
  store.failing = true;
  clock.advance(std::chrono::seconds(3));
  const Loop loop(*authority);
  ASSERT_TRUE(eventually([&] { return !authority->health().ready; }));
  EXPECT_EQ(authority->agents_crls().pem, before.pem);
  store.failing = false;
  ASSERT_TRUE(eventually([&] { return serials(*infra()) == std::vector<Bytes>{listed}; }));
  EXPECT_EQ(infra()->number(), 2U);
}

TEST_F(InfraCrlTest, WithoutItsListThereIsNoStart) {
  std::filesystem::remove(config.puppet.infra_inventory);
  try {
    start();
    ADD_FAILURE() << "it started";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("infra_inventory.txt"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace countersign::ca
