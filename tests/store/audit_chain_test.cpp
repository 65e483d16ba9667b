// The bytes of the chain: fixed for ever, as stores and exports hold their hashes.
#include "store/audit_chain.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <vector>

#include "tests/store/rows.h"

namespace countersign::store {
namespace {

// Computed by Python's hashlib from the words of audit_chain.h.
TEST(AuditChain, TheHashOfARowIsWhatTheHeaderSays) {
  AuditRecord row = audit_row("issue", "web");
  row.sequence = 1;
  EXPECT_EQ(to_hex(chain_hash(x509::sha256, chain_start(), row)),
            "7A3132DDB8989724279866A03EAD8F8D97CD32AD7912F713DE6156CF261A3314");
}

TEST(AuditChain, EveryFieldAndTheRowBeforeAreUnderTheHash) {
  const AuditRecord row = audit_row("issue", "web");
  const std::vector<std::function<void(AuditRecord&)>> changes = {
      [](AuditRecord&) {},
      [](AuditRecord& r) { r.sequence = 2; },
      [](AuditRecord& r) { r.at += std::chrono::milliseconds(1); },
      [](AuditRecord& r) { r.action += "d"; },
      [](AuditRecord& r) { r.actor = "operato"; },
      [](AuditRecord& r) { r.source = ""; },
      [](AuditRecord& r) { r.subject = "wep"; },
      [](AuditRecord& r) { r.serial = "51"; },
      [](AuditRecord& r) { r.detail = "{}"; },
      [](AuditRecord& r) { r.request_id = "http-2"; },
      // The same letters in other fields.
      [](AuditRecord& r) {
        r.action = "issueo";
        r.actor = "perator";
      },
      [](AuditRecord& r) { std::swap(r.source, r.subject); },
      [](AuditRecord& r) {
        r.subject = "";
        r.serial = "web5100";
      },
  };
  std::set<std::string> hashes;
  for (const auto& change : changes) {
    AuditRecord other = row;
    change(other);
    hashes.insert(to_hex(chain_hash(x509::sha256, chain_start(), other)));
  }
  hashes.insert(to_hex(chain_hash(x509::sha256, Bytes(32, 1), row)));
  EXPECT_EQ(hashes.size(), changes.size() + 1);
}

TEST(AuditChain, TheHashThatARowHoldsIsNotUnderItsOwnHash) {
  AuditRecord row = audit_row("issue", "web");
  const Bytes hash = chain_hash(x509::sha256, chain_start(), row);
  row.hash = {1, 2, 3};
  EXPECT_EQ(chain_hash(x509::sha256, chain_start(), row), hash);
}

TEST(AuditChain, EveryFieldOfACheckpointIsSignedButWhoSigned) {
  const AuditCheckpoint row = checkpoint(7);
  const Bytes content = checkpoint_content(row);
  AuditCheckpoint other = row;
  other.sequence = 8;
  EXPECT_NE(checkpoint_content(other), content);
  other = row;
  other.hash.back() ^= 1;
  EXPECT_NE(checkpoint_content(other), content);
  other = row;
  other.at += std::chrono::milliseconds(1);
  EXPECT_NE(checkpoint_content(other), content);
  other = row;
  other.key = "B2";
  other.signature = {};
  EXPECT_EQ(checkpoint_content(other), content);
}

}  // namespace
}  // namespace countersign::store
