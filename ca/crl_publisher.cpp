#include "ca/crl_publisher.h"

#include <algorithm>

#include "base/log.h"
#include "x509/pem.h"

namespace countersign::ca {
namespace {

// The document that keeps what was uploaded, as PEM.
constexpr std::string_view kSpace = "crl";
constexpr std::string_view kParents = "parents";

}  // namespace

CrlPublisher::CrlPublisher(const Issuer& issuer, store::Store& store, store::Committer& committer,
                           const Clock& clock, CrlSettings settings)
    : issuer_(issuer),
      store_(store),
      committer_(committer),
      clock_(clock),
      settings_(std::move(settings)),
      infra_(issuer_, store_, settings_.infra_inventory, settings_.lifetime) {}

Result<void> CrlPublisher::load_parents(std::string_view pem) {
  Crls crls;
  if (!pem.empty()) {
    auto read = read_crls(pem);
    if (read.has_error()) return read.error();
    crls = std::move(*read);
  }
  const auto kept = store_.document(std::string(kSpace), std::string(kParents));
  if (kept.has_error()) return kept.error();
  if (*kept) {
    const auto uploaded = read_crls((*kept)->value);
    if (uploaded.has_error()) return uploaded.error();
    crls = later_crls(crls, *uploaded);
  }
  const auto good = check_crls(issuer_.chain(), crls, clock_.now());
  if (good.has_error()) return good;
  const std::lock_guard one_at_a_time(publishing_);
  const std::lock_guard lock(mutex_);
  parents_ = std::move(crls);
  return {};
}

bool CrlPublisher::due() const {
  if (infra_.enabled() && infra_.inventory_changed()) return true;
  const Timestamp now = clock_.now();
  // A clock that went back makes the age negative: publish then, too.
  const auto old = [&](Timestamp from) {
    return now < from || now - from >= settings_.lifetime / 2;
  };
  const std::lock_guard lock(mutex_);
  if (old(this_update_) || (infra_.enabled() && old(infra_this_update_))) return true;
  return dirty_.load(std::memory_order_acquire) && now - this_update_ >= settings_.delay;
}

Result<void> CrlPublisher::publish() {
  const std::lock_guard one_at_a_time(publishing_);
  // Cleared before the read: a revocation during the read asks for one more CRL.
  dirty_.store(false, std::memory_order_release);
  const auto done = publish_next();
  if (done.has_error()) changed();
  return done;
}

Result<std::vector<x509::CrlEntry>> CrlPublisher::revoked(Timestamp now) const {
  const auto rows = store_.revoked(issuer_.id(), now);
  if (rows.has_error()) return rows.error();
  std::vector<x509::CrlEntry> entries;
  entries.reserve(rows->size());
  for (const store::RevokedSerial& row : *rows) {
    entries.push_back({row.serial, row.revocation.at,
                       static_cast<x509::RevocationReason>(row.revocation.reason)});
  }
  return entries;
}

Result<store::CrlRecord> CrlPublisher::sign_next(std::chrono::sys_seconds now,
                                                 const std::vector<x509::CrlEntry>& entries) const {
  const auto last = store_.last_crl(issuer_.id());
  if (last.has_error()) return last.error();
  const std::uint64_t number = *last ? (*last)->number + 1 : 1;
  const auto next_update = now + settings_.lifetime;
  auto der = issuer_.sign_crl(number, now, next_update, entries);
  if (der.has_error()) return der.error();
  return store::CrlRecord{.issuer = issuer_.id(),
                          .number = number,
                          .this_update = now,
                          .next_update = next_update,
                          .der = std::move(*der)};
}

Result<void> CrlPublisher::publish_next() {
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now());
  const auto entries = revoked(now);
  if (entries.has_error()) return entries.error();
  const auto full = sign_next(now, *entries);
  if (full.has_error()) return full.error();
  store::WriteBatch batch;
  batch.push_back(store::InsertCrl{*full});
  std::optional<InfraCrl::Next> infra;
  if (infra_.enabled()) {
    auto prepared = infra_.prepare(now);
    if (prepared.has_error()) return prepared.error();
    infra = std::move(*prepared);
    if (infra) batch.push_back(infra->document);
  }
  const auto committed = committer_.commit_blocking(std::move(batch));
  if (committed.has_error()) return committed.error();

  const bool infra_changed = infra.has_value();
  if (infra_changed) infra_.adopt(std::move(*infra));
  {
    const std::lock_guard lock(mutex_);
    der_ = std::make_shared<const std::string>(as_text(full->der));
    this_update_ = now;
  }
  serve(infra_changed);
  log::info("crl_published", {{"number", full->number}, {"entries", entries->size()}});
  return {};
}

void CrlPublisher::serve(bool infra_changed) {
  const std::string above = to_pem(parents_);
  const auto with_parents = [&](ByteView der) {
    return std::make_shared<const std::string>(x509::pem_encode(x509::kPemCrl, der) + above);
  };
  auto full = with_parents(as_bytes(*der_));
  auto infra = infra_changed ? with_parents(infra_.der()) : nullptr;
  const std::lock_guard lock(mutex_);
  // Not thisUpdate: who fetched the text before in that very second must not be told that it is
  // still the same.
  const Timestamp now = clock_.now();
  full_ = {std::move(full), now};
  if (!infra) return;
  infra_served_ = {std::move(infra), now};
  infra_this_update_ = infra_.this_update();
}

Result<void> CrlPublisher::upload(std::string_view pem, const AuditOf& audit) {
  const auto submitted = read_crls(pem);
  if (submitted.has_error()) return submitted.error();
  const std::lock_guard one_at_a_time(publishing_);
  auto next = newest_crls(parents_, *submitted);
  if (next.has_error()) return next.error();
  const auto good = check_crls(issuer_.chain(), *next, clock_.now());
  if (good.has_error()) return good;
  const std::string replaced = names_of_new(*next);
  store::WriteBatch batch;
  batch.push_back(store::AppendAudit{audit(replaced)});
  if (!replaced.empty()) {
    const std::string space(kSpace);
    const std::string key(kParents);
    // Read each time: after a commit of unknown outcome nobody knows the version.
    const auto kept = store_.document(space, key);
    if (kept.has_error()) return kept.error();
    batch.push_back(store::PutDocument{space, key, to_pem(*next), *kept ? (*kept)->version : 0});
  }
  const auto committed = committer_.commit_blocking(std::move(batch));
  if (committed.has_error()) return committed;
  log::info("crl_uploaded", {{"replaced", replaced}});
  if (replaced.empty()) return {};
  {
    const std::lock_guard lock(mutex_);
    parents_ = std::move(*next);
  }
  serve(infra_.enabled());
  return {};
}

// "Example Root CA 3E8", by name and number in hex as openssl shows it, of what is not served yet.
std::string CrlPublisher::names_of_new(const Crls& next) const {
  std::string names;
  for (std::size_t i = 0; i < next.size(); ++i) {
    if (next[i] == parents_[i]) continue;
    const x509::Certificate* ca = parent_of(issuer_.chain(), *next[i]);
    if (!names.empty()) names += ", ";
    names += (ca != nullptr ? ca->common_name() : "") + " " + to_hex(next[i]->number_octets());
  }
  return names;
}

ServedCrls CrlPublisher::full() const {
  const std::lock_guard lock(mutex_);
  return full_;
}

ServedCrls CrlPublisher::for_agents() const {
  const std::lock_guard lock(mutex_);
  return infra_.enabled() ? infra_served_ : full_;
}

std::shared_ptr<const std::string> CrlPublisher::der() const {
  const std::lock_guard lock(mutex_);
  return der_;
}

Timestamp CrlPublisher::this_update() const {
  const std::lock_guard lock(mutex_);
  return this_update_;
}

std::vector<std::string> CrlPublisher::problems() const {
  const Timestamp now = clock_.now();
  std::vector<std::string> list;
  const std::lock_guard lock(mutex_);
  const bool infra_ended = infra_.enabled() && now >= infra_this_update_ + settings_.lifetime;
  if (infra_ended || now >= this_update_ + settings_.lifetime) {
    list.emplace_back("The CRL is past its nextUpdate.");
  }
  for (const auto& crl : parents_) {
    if (now < crl->next_update()) continue;
    const x509::Certificate* ca = parent_of(issuer_.chain(), *crl);
    list.push_back("The CRL of '" + (ca != nullptr ? ca->common_name() : "") +
                   "', a CA above this one, is past its nextUpdate. Upload a new one.");
  }
  return list;
}

void CrlPublisher::warn_of_parents() {
  const Timestamp now = clock_.now();
  const std::lock_guard lock(mutex_);
  if (now >= warned_at_ && now - warned_at_ < std::chrono::days(1)) return;
  for (const auto& crl : parents_) {
    const auto left = crl->next_update() - now;
    if (left > (crl->next_update() - crl->this_update()) / 10) continue;
    const x509::Certificate* ca = parent_of(issuer_.chain(), *crl);
    log::warn("parent_crl_ends", {{"ca", ca != nullptr ? ca->common_name() : ""},
                                  {"next_update", to_rfc3339(crl->next_update())}});
    warned_at_ = now;
  }
}

}  // namespace countersign::ca
