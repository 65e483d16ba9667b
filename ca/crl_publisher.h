// Keeps the CRLs that are served fresh: ours soon after a revocation and well before nextUpdate,
// those of the CAs above as they are uploaded.
#ifndef COUNTERSIGN_CA_CRL_PUBLISHER_H_
#define COUNTERSIGN_CA_CRL_PUBLISHER_H_

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "ca/crl_entries.h"
#include "ca/infra_crl.h"
#include "ca/issuer.h"
#include "ca/parent_crls.h"
#include "store/committer.h"
#include "store/store.h"

namespace countersign::ca {

struct CrlSettings {
  std::chrono::seconds delay;             // revoked -> published
  std::chrono::seconds lifetime;          // of ours
  std::filesystem::path infra_inventory;  // empty: no infra CRL
};

// What is served: PEM, ours first, then those of the CAs above.
struct ServedCrls {
  std::shared_ptr<const std::string> pem;
  Timestamp changed_at;  // when this text was first served
};

// For the metrics: of our CRL.
struct CrlFigures {
  std::size_t entries = 0;
  std::chrono::milliseconds build{0};      // to make, sign and store the last one
  std::chrono::milliseconds delay{0};      // of the oldest revocation that was new in the last one
  std::chrono::milliseconds max_delay{0};  // since the start
};

// Thread-safe. What returns a Result blocks: call it on a worker pool.
class CrlPublisher {
 public:
  CrlPublisher(const Issuer& issuer, store::Store& store, store::Committer& committer,
               const Clock& clock, CrlSettings settings);

  // The CRLs of the CAs above, at the start: CA by CA the newer of those in `pem` (root.crl.pem;
  // may be empty) and of those uploaded. malformed if agents would refuse the outcome.
  Result<void> load_parents(std::string_view pem);

  // A revocation is durable and not yet published.
  void changed() { dirty_.store(true, std::memory_order_release); }
  // Is it time to publish: a revocation waits and the last CRL is at least `delay` old, or half of
  // the lifetime is over, or the infra inventory changed?
  bool due() const;
  // At the start: serves the stored CRL, put together from the revocations and verified, if it
  // lasts for 30 days more and nothing was revoked since; otherwise publishes. What does not verify
  // is not served.
  Result<void> resume();
  // Signs and stores a CRL with the next number, then serves it; the infra CRL too if it changed.
  Result<void> publish();

  // Takes newer CRLs of the CAs above (Puppet contract 1.6); they are durable before it returns,
  // together with the row that `audit` makes of what was replaced ("" if nothing was newer).
  // malformed in Puppet's words; then nothing changed.
  using AuditOf = std::function<store::AuditRecord(const std::string& replaced)>;
  Result<void> upload(std::string_view pem, const AuditOf& audit);

  ServedCrls full() const;
  ServedCrls for_agents() const;                   // with the infra CRL in place of the full one
  std::shared_ptr<const std::string> der() const;  // ours, full
  Timestamp this_update() const;                   // of ours
  CrlFigures figures() const;
  // What a relying party would refuse now, for people.
  std::vector<std::string> problems() const;
  // Logs, once a day, each CRL of a CA above that ended or has less than a tenth of its time left.
  void warn_of_parents();

 private:
  Result<void> publish_next();
  // Takes the revocations past those that entries_ has; tells when the oldest of them was.
  Result<std::optional<Timestamp>> take_new();
  // Fills entries_ with what the stored CRL holds, and what was revoked since.
  Result<void> load();
  // The stored CRL if it can be served on; empty if one must be published.
  Bytes restored() const;
  void drop_expired(Timestamp now);
  Result<store::CrlRecord> sign_next(std::chrono::sys_seconds now, Bytes& der);
  void note_figures(std::chrono::steady_clock::duration build);
  // Makes the texts anew; that of the infra CRL only if `infra_changed`.
  void serve(bool infra_changed);
  std::string names_of_new(const Crls& next) const;

  const Issuer& issuer_;
  store::Store& store_;
  store::Committer& committer_;
  const Clock& clock_;
  const CrlSettings settings_;

  std::atomic<bool> dirty_{false};
  // One publication or upload at a time, so that numbers rise in order. Guards infra_,
  // entries_, last_, waiting_ and stale_; who changes parents_ or der_ holds mutex_ too, so that
  // either lock is enough to read them.
  std::mutex publishing_;
  std::optional<Timestamp> waiting_;  // when the oldest revocation was that is in no CRL yet
  bool stale_ = false;                // are entries_ and last_ to be read from the store first?
  InfraCrl infra_;
  CrlEntries entries_;
  std::optional<store::CrlRecord> last_;  // as the store has it, without a whole DER
  mutable std::mutex mutex_;              // guards the rest
  Crls parents_;
  ServedCrls full_;
  ServedCrls infra_served_;
  std::shared_ptr<const std::string> der_;
  Timestamp this_update_;
  Timestamp next_update_;
  CrlFigures figures_;
  Timestamp infra_this_update_;
  Timestamp warned_at_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_CRL_PUBLISHER_H_
