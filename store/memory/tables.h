// The rows of the memory engine and the mutations of them. Internal to store/memory.
#ifndef COUNTERSIGN_STORE_MEMORY_TABLES_H_
#define COUNTERSIGN_STORE_MEMORY_TABLES_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/audit_chain.h"
#include "store/store.h"

namespace countersign::store {

// Not thread-safe.
class Tables {
 public:
  explicit Tables(Digest sha256) : sha256_(sha256) {}

  // All of the batch, or nothing and the failure of store.h.
  Result<void> apply(const WriteBatch& batch);

  // In order of insertion. A certificate's cursor is its index plus one.
  std::vector<IssuerRecord> issuers;
  std::vector<CertificateRecord> certificates;
  std::map<std::string, RequestRecord> requests;  // by id
  std::vector<std::size_t> revocations;           // rows of `certificates`, in order of revocation
  std::map<std::string, CrlRecord> crls;          // the last one, by issuer
  std::map<std::string, TokenRecord> tokens;      // by id
  std::map<std::string, EnrolmentTokenRecord> enrolment_tokens;             // by id
  std::map<std::pair<std::string, std::string>, InstanceRecord> instances;  // by kind and subject
  struct AllowanceRow {
    Allowance allowance;
    Timestamp ends;
  };
  std::map<std::string, AllowanceRow> allowances;       // by key
  std::map<std::int64_t, HookEventRecord> hook_events;  // by sequence
  std::map<std::string, HookTally> hook_tallies;        // by hook, without the oldest
  std::int64_t last_hook_event = 0;
  std::vector<AuditRecord> audit;
  std::vector<AuditCheckpoint> audit_checkpoints;
  std::map<std::pair<std::string, std::string>, Document> documents;  // by space and key

  // Indices into the rows above.
  using SerialKey = std::pair<std::string, std::size_t>;  // serial, index of the issuer
  std::map<SerialKey, std::size_t> certificate_by_serial;
  std::map<std::string, std::size_t> current;                  // certificate by certname
  std::map<std::string, std::string> queued;                   // request id by certname
  std::map<std::string, std::string> enrolment_token_by_hash;  // its id
  Counts counts;

  // issuers.size() if there is none.
  std::size_t issuer_index(const std::string& id) const;
  // Null if there is none.
  const CertificateRecord* find(const std::string& issuer, ByteView serial) const;

 private:
  Result<void> apply_one(const InsertIssuer& m);
  Result<void> apply_one(const InsertRequest& m);
  Result<void> apply_one(const DecideRequest& m);
  Result<void> apply_one(const AddApproval& m);
  Result<void> apply_one(const InsertCertificate& m);
  Result<void> apply_one(const RevokeCertificate& m);
  Result<void> apply_one(const ReleaseName& m);
  Result<void> apply_one(const WithdrawRequest& m);
  Result<void> apply_one(const InsertCrl& m);
  Result<void> apply_one(const InsertToken& m);
  Result<void> apply_one(const RevokeToken& m);
  Result<void> apply_one(const InsertEnrolmentToken& m);
  Result<void> apply_one(const RedeemEnrolmentToken& m);
  Result<void> apply_one(const RevokeEnrolmentToken& m);
  Result<void> apply_one(const BindInstance& m);
  Result<void> apply_one(const TakeAllowance& m);
  Result<void> apply_one(const SettleAllowance& m);
  Result<void> apply_one(const InsertHookEvent& m);
  Result<void> apply_one(const PostponeHookEvent& m);
  Result<void> apply_one(const RemoveHookEvent& m);
  Result<void> apply_one(const AppendAudit& m);
  Result<void> apply_one(const AppendAuditCheckpoint& m);
  Result<void> apply_one(const PutDocument& m);

  void release(std::size_t certificate);
  RequestRecord& leave_queue(const std::string& id);

  // Assigns, and remembers what was there. `place` must stay where it is until the batch ends.
  template <class T>
  void set(T& place, T value) {
    undo_.push_back([&place, before = place] { place = before; });
    place = std::move(value);
  }
  template <class T>
  void append(std::vector<T>& rows, T row) {
    rows.push_back(std::move(row));
    undo_.push_back([&rows] { rows.pop_back(); });
  }
  // Puts or replaces.
  template <class Map>
  void put(Map& map, const typename Map::key_type& key, typename Map::mapped_type value) {
    const auto found = map.find(key);
    if (found != map.end()) {
      set(found->second, std::move(value));
      return;
    }
    map.emplace(key, std::move(value));
    undo_.push_back([&map, key] { map.erase(key); });
  }
  template <class Map>
  void erase(Map& map, const typename Map::key_type& key) {
    // The node itself is kept: what was set in it before will be set back in its old place.
    auto node = std::make_shared<typename Map::node_type>(map.extract(key));
    undo_.push_back([&map, node] { map.insert(std::move(*node)); });
  }

  const Digest sha256_;
  std::vector<std::function<void()>> undo_;  // of the batch that is being applied
};

}  // namespace countersign::store

#endif  // COUNTERSIGN_STORE_MEMORY_TABLES_H_
