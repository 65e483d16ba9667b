#include "store/memory/memory_store.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <set>
#include <shared_mutex>

#include "store/memory/tables.h"
#include "store/page_bounds.h"

namespace countersign::store {
namespace {

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(Digest sha256) : tables_(sha256) {}

  std::vector<Result<void>> apply(std::span<const WriteBatch> batches) override {
    const std::unique_lock lock(mutex_);
    std::vector<Result<void>> results;
    results.reserve(batches.size());
    for (const WriteBatch& batch : batches) results.push_back(tables_.apply(batch));
    return results;
  }

  Result<void> reopen() override { return {}; }

  Result<std::vector<IssuerRecord>> issuers() const override {
    const std::shared_lock lock(mutex_);
    return tables_.issuers;
  }

  Result<std::optional<CertificateRecord>> certificate(const std::string& issuer,
                                                       ByteView serial) const override {
    const std::shared_lock lock(mutex_);
    const CertificateRecord* found = tables_.find(issuer, serial);
    return found == nullptr ? std::nullopt : std::optional(*found);
  }

  Result<std::optional<CertificateRecord>> certificate_by_serial(ByteView serial) const override {
    const std::shared_lock lock(mutex_);
    const std::string wanted(as_text(serial));
    const auto found = tables_.certificate_by_serial.lower_bound({wanted, 0});
    if (found == tables_.certificate_by_serial.end() || found->first.first != wanted) {
      return std::optional<CertificateRecord>();
    }
    return std::optional(tables_.certificates[found->second]);
  }

  Result<std::optional<CertificateRecord>> current_certificate(
      const std::string& certname) const override {
    const std::shared_lock lock(mutex_);
    const auto found = tables_.current.find(certname);
    if (found == tables_.current.end()) return std::optional<CertificateRecord>();
    return std::optional(tables_.certificates[found->second]);
  }

  Result<std::vector<CertificateRecord>> certificates_of(
      const std::string& certname) const override {
    const std::shared_lock lock(mutex_);
    std::vector<CertificateRecord> list;
    std::ranges::copy_if(
        tables_.certificates, std::back_inserter(list),
        [&](const CertificateRecord& record) { return record.certname == certname; });
    std::ranges::reverse(list);
    return list;
  }

  Result<CertificatePage> certificates(const CertificateQuery& query,
                                       Timestamp now) const override {
    const std::shared_lock lock(mutex_);
    PageBounds bounds(query.limit);
    const auto& rows = tables_.certificates;
    CertificatePage page;
    for (auto i = static_cast<std::size_t>(std::max<std::int64_t>(query.after, 0)); i < rows.size();
         ++i) {
      const bool wanted = meets(rows[i], query, now);
      if (bounds.over(wanted)) return page;
      page.next = static_cast<std::int64_t>(i) + 1;
      if (wanted) page.rows.push_back(rows[i]);
    }
    page.next = 0;
    return page;
  }

  Result<std::optional<RequestRecord>> request(const std::string& id) const override {
    const std::shared_lock lock(mutex_);
    return look_up(tables_.requests, id);
  }

  Result<std::optional<RequestRecord>> queued_request(const std::string& certname) const override {
    const std::shared_lock lock(mutex_);
    const auto found = tables_.queued.find(certname);
    if (found == tables_.queued.end()) return std::optional<RequestRecord>();
    return look_up(tables_.requests, found->second);
  }

  Result<bool> knows(const std::string& certname) const override {
    const std::shared_lock lock(mutex_);
    return std::ranges::any_of(tables_.certificates,
                               [&](const auto& row) { return row.certname == certname; }) ||
           std::ranges::any_of(tables_.requests, [&](const auto& entry) {
             return entry.second.certname == certname;
           });
  }

  Result<std::optional<RequestRecord>> request_by_csr(const std::string& certname,
                                                      ByteView csr) const override {
    const std::shared_lock lock(mutex_);
    std::size_t looked_at = 0;
    for (auto row = tables_.requests.rbegin(); row != tables_.requests.rend(); ++row) {
      if (row->second.certname != certname) continue;
      if (std::ranges::equal(row->second.csr, csr)) return std::optional(row->second);
      if (++looked_at == kRequestsLookedAt) break;
    }
    return std::optional<RequestRecord>();
  }

  Result<std::vector<RequestRecord>> requests_of(const std::string& certname,
                                                 std::size_t limit) const override {
    const std::shared_lock lock(mutex_);
    std::vector<RequestRecord> list;
    for (auto row = tables_.requests.rbegin(); row != tables_.requests.rend(); ++row) {
      if (list.size() == limit) break;
      if (row->second.certname == certname) list.push_back(row->second);
    }
    return list;
  }

  Result<RequestPage> requests(const RequestQuery& query) const override {
    const std::shared_lock lock(mutex_);
    PageBounds bounds(query.limit);
    RequestPage page;
    const bool by_name = query.order == RequestOrder::certname;
    bool over = false;
    const auto take = [&](const RequestRecord& record) {
      const bool wanted = meets(record, query);
      over = bounds.over(wanted);
      if (over) return false;
      page.next = by_name ? record.certname : record.id;
      if (wanted) page.rows.push_back(record);
      return true;
    };
    const auto& rows = tables_.requests;
    if (by_name) {
      for (auto at = tables_.queued.upper_bound(query.after); at != tables_.queued.end(); ++at) {
        if (!take(rows.at(at->second))) break;
      }
    } else if (query.order == RequestOrder::arrival) {
      for (auto at = rows.upper_bound(query.after); at != rows.end() && take(at->second); ++at) {
      }
    } else {
      auto at = query.after.empty() ? rows.end() : rows.lower_bound(query.after);
      while (at != rows.begin() && take((--at)->second)) {
      }
    }
    if (!over) page.next.clear();
    return page;
  }

  Result<std::vector<RequestRecord>> stale_requests(Timestamp before,
                                                    std::size_t limit) const override {
    const std::shared_lock lock(mutex_);
    std::vector<RequestRecord> list;
    for (const auto& [certname, id] : tables_.queued) {
      const RequestRecord& record = tables_.requests.at(id);
      if (record.created_at < before) list.push_back(record);
    }
    std::ranges::sort(list, {}, &RequestRecord::created_at);
    if (list.size() > limit)
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(limit), list.end());
    return list;
  }

  Result<std::vector<RevokedSerial>> revoked(const std::string& issuer,
                                             Timestamp now) const override {
    const std::shared_lock lock(mutex_);
    const std::size_t wanted = tables_.issuer_index(issuer);
    std::vector<RevokedSerial> list;
    for (const auto& [key, row] : tables_.certificate_by_serial) {
      const CertificateRecord& record = tables_.certificates[row];
      if (key.second != wanted || !record.revocation || record.not_after <= now) continue;
      list.push_back({record.serial, *record.revocation});
    }
    return list;
  }

  Result<std::vector<RevocationRecord>> revocations(const std::string& issuer, std::int64_t after,
                                                    std::size_t limit) const override {
    const std::shared_lock lock(mutex_);
    std::vector<RevocationRecord> list;
    for (auto i = static_cast<std::size_t>(std::max<std::int64_t>(after, 0));
         i < tables_.revocations.size() && list.size() < limit; ++i) {
      const CertificateRecord& row = tables_.certificates[tables_.revocations[i]];
      if (row.issuer != issuer) continue;
      list.push_back(
          {static_cast<std::int64_t>(i + 1), row.serial, row.not_after, *row.revocation});
    }
    return list;
  }

  Result<std::optional<CrlRecord>> last_crl(const std::string& issuer) const override {
    const std::shared_lock lock(mutex_);
    return look_up(tables_.crls, issuer);
  }

  Result<std::optional<TokenRecord>> token_by_hash(ByteView hash) const override {
    const std::shared_lock lock(mutex_);
    for (const auto& [id, record] : tables_.tokens) {
      if (std::ranges::equal(record.hash, hash)) return std::optional(record);
    }
    return std::optional<TokenRecord>();
  }

  Result<std::optional<TokenRecord>> token(const std::string& id) const override {
    const std::shared_lock lock(mutex_);
    return look_up(tables_.tokens, id);
  }

  Result<std::vector<TokenRecord>> tokens() const override {
    const std::shared_lock lock(mutex_);
    std::vector<TokenRecord> list;
    for (const auto& [id, record] : tables_.tokens) list.push_back(record);
    return list;
  }

  Result<std::optional<EnrolmentTokenRecord>> enrolment_token(
      const std::string& id) const override {
    const std::shared_lock lock(mutex_);
    const auto found = tables_.enrolment_tokens.find(id);
    if (found == tables_.enrolment_tokens.end()) return std::optional<EnrolmentTokenRecord>();
    return std::optional(found->second);
  }

  Result<std::optional<EnrolmentTokenRecord>> enrolment_token_by_hash(
      ByteView hash) const override {
    const std::shared_lock lock(mutex_);
    const auto found = tables_.enrolment_token_by_hash.find(std::string(as_text(hash)));
    if (found == tables_.enrolment_token_by_hash.end()) {
      return std::optional<EnrolmentTokenRecord>();
    }
    return std::optional(tables_.enrolment_tokens.at(found->second));
  }

  Result<EnrolmentTokenPage> enrolment_tokens(const EnrolmentTokenQuery& query) const override {
    const std::shared_lock lock(mutex_);
    PageBounds bounds(query.limit);
    EnrolmentTokenPage page;
    const auto& tokens = tables_.enrolment_tokens;
    for (auto row = tokens.upper_bound(query.after); row != tokens.end(); ++row) {
      const EnrolmentTokenRecord& token = row->second;
      const bool wanted = (!query.certname || token.certname == *query.certname) &&
                          (!query.match || query.match(token.certname));
      if (bounds.over(wanted)) return page;
      page.next = token.id;
      if (wanted) page.rows.push_back(token);
    }
    page.next.clear();
    return page;
  }

  Result<std::optional<InstanceRecord>> instance(const std::string& kind,
                                                 const std::string& subject) const override {
    const std::shared_lock lock(mutex_);
    return look_up(tables_.instances, {kind, subject});
  }

  Result<Allowance> allowance(const std::string& key) const override {
    const std::shared_lock lock(mutex_);
    return look_up(tables_.allowances, key).value_or(Tables::AllowanceRow()).allowance;
  }

  Result<std::vector<HookEventRecord>> due_hook_events(const std::string& hook, Timestamp now,
                                                       std::size_t limit) const override {
    const std::shared_lock lock(mutex_);
    std::vector<HookEventRecord> list;
    std::set<std::string> seen;
    for (const auto& [sequence, event] : tables_.hook_events) {
      if (list.size() == limit) break;
      if (event.hook != hook || !seen.insert(event.subject).second) continue;
      const bool far = event.next_at > now + kLongestHookPause;
      if (event.next_at <= now || far) list.push_back(event);
    }
    return list;
  }

  Result<std::vector<HookTally>> hook_tallies() const override {
    const std::shared_lock lock(mutex_);
    std::vector<HookTally> list;
    for (const auto& tally : tables_.hook_tallies) {
      list.push_back(tally.second);
      const auto oldest = std::ranges::find_if(
          tables_.hook_events, [&](const auto& row) { return row.second.hook == tally.first; });
      if (oldest == tables_.hook_events.end()) continue;
      list.back().oldest = oldest->second.created_at;
      list.back().last_error = oldest->second.last_error;
    }
    return list;
  }

  Result<std::vector<AuditRecord>> audit(const std::string& subject,
                                         std::size_t limit) const override {
    const std::shared_lock lock(mutex_);
    std::vector<AuditRecord> list;
    for (auto row = tables_.audit.rbegin(); row != tables_.audit.rend(); ++row) {
      if (list.size() == limit) break;
      if (subject.empty() || row->subject == subject) list.push_back(*row);
    }
    return list;
  }

  Result<AuditPage> audit_rows(const AuditQuery& query) const override {
    const std::shared_lock lock(mutex_);
    PageBounds bounds(query.limit);
    const auto& rows = tables_.audit;  // row N is at N - 1
    const auto end = static_cast<std::int64_t>(rows.size());
    const std::int64_t step = query.newest_first ? -1 : 1;
    std::int64_t sequence = query.newest_first && query.after == 0 ? end : query.after + step;
    AuditPage page;
    for (; sequence >= 1 && sequence <= end; sequence += step) {
      const AuditRecord& row = rows[static_cast<std::size_t>(sequence - 1)];
      const bool wanted = meets(row, query);
      if (bounds.over(wanted)) return page;
      page.next = sequence;
      if (wanted) page.rows.push_back(row);
    }
    page.next = 0;
    return page;
  }

  Result<std::vector<AuditCheckpoint>> audit_checkpoints(std::int64_t after,
                                                         std::size_t limit) const override {
    const std::shared_lock lock(mutex_);
    std::vector<AuditCheckpoint> list;
    for (const AuditCheckpoint& checkpoint : tables_.audit_checkpoints) {
      if (list.size() == limit) break;
      if (checkpoint.sequence > after) list.push_back(checkpoint);
    }
    return list;
  }

  Result<std::optional<AuditCheckpoint>> last_audit_checkpoint() const override {
    const std::shared_lock lock(mutex_);
    const auto& list = tables_.audit_checkpoints;
    return list.empty() ? std::nullopt : std::optional(list.back());
  }

  Result<std::optional<Document>> document(const std::string& space,
                                           const std::string& key) const override {
    const std::shared_lock lock(mutex_);
    return look_up(tables_.documents, {space, key});
  }

  Result<Counts> counts() const override {
    const std::shared_lock lock(mutex_);
    return tables_.counts;
  }

 private:
  template <class Map>
  static std::optional<typename Map::mapped_type> look_up(const Map& map,
                                                          const typename Map::key_type& key) {
    const auto found = map.find(key);
    return found == map.end() ? std::nullopt : std::optional(found->second);
  }

  mutable std::shared_mutex mutex_;  // guards tables_
  Tables tables_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store(Digest sha256) {
  return std::make_unique<MemoryStore>(sha256);
}

}  // namespace countersign::store
