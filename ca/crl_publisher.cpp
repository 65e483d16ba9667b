#include "ca/crl_publisher.h"

#include <algorithm>

#include "base/log.h"
#include "x509/pem.h"

namespace countersign::ca {
namespace {

// The document that keeps what was uploaded, as PEM.
constexpr std::string_view kSpace = "crl";
constexpr std::string_view kParents = "parents";

constexpr std::size_t kPage = 10'000;  // revocations that are read at once
constexpr std::chrono::hours kBetweenDrops(24);
// Puppet's CA renews at its start what ends sooner than this (contract, case 81).
constexpr std::chrono::days kRenewedAtStart(30);

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
  if (good.has_error()) return good.error();
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
  try {
    Result<void> done;
    if (stale_) {
      done = load();
      if (done.has_value()) stale_ = false;
    }
    if (done.has_value()) done = publish_next();
    if (done.has_error()) changed();
    return done;
  } catch (const std::exception& error) {
    changed();
    return fail(Code::internal, "The CRL could not be made.", error.what());
  }
}

Result<std::optional<Timestamp>> CrlPublisher::take_new() {
  std::optional<Timestamp> oldest;
  for (bool more = true; more;) {
    const auto rows = store_.revocations(issuer_.id(), entries_.through(), kPage);
    if (rows.has_error()) return rows.error();
    for (const store::RevocationRecord& row : *rows) {
      entries_.append(row);
      oldest = std::min(oldest.value_or(row.revocation.at), row.revocation.at);
    }
    more = rows->size() == kPage;
  }
  return oldest;
}

Result<void> CrlPublisher::load() {
  auto last = store_.last_crl(issuer_.id());
  if (last.has_error()) return last.error();
  entries_.clear();
  const auto taken = take_new();
  if (taken.has_error()) return taken.error();
  last_ = std::move(*last);
  if (!last_) return {};
  if (last_->signature.empty()) {
    // A whole one, of an older program or another CA: it left out what had ended by then.
    last_->der = {};
    last_->dropped_through = entries_.through();
    last_->dropped_before = last_->this_update;
  }
  entries_.drop(last_->dropped_through, last_->dropped_before);
  return {};
}

Bytes CrlPublisher::restored() const {
  const Timestamp now = clock_.now();
  if (!last_ || last_->signature.empty() || infra_.enabled()) return {};
  if (last_->this_update > now || last_->next_update <= now) return {};
  if (last_->through != entries_.through()) return {};
  auto der = issuer_.restore_crl(last_->number,
                                 std::chrono::floor<std::chrono::seconds>(last_->this_update),
                                 std::chrono::floor<std::chrono::seconds>(last_->next_update),
                                 entries_.der(), last_->signature);
  if (der.has_value()) return std::move(*der);
  log::error("stored_crl_invalid", {{"number", last_->number}, {"error", der.error().detail}});
  return {};
}

Result<void> CrlPublisher::resume() {
  {
    const std::lock_guard one_at_a_time(publishing_);
    const auto loaded = load();
    if (loaded.has_error()) return loaded.error();
    const bool ends_soon = !last_ || last_->next_update - clock_.now() < kRenewedAtStart;
    const Bytes der = ends_soon ? Bytes() : restored();
    if (!der.empty()) {
      {
        const std::lock_guard lock(mutex_);
        der_ = std::make_shared<const std::string>(as_text(der));
        this_update_ = last_->this_update;
        next_update_ = last_->next_update;
        figures_.entries = entries_.size();
      }
      serve(false);
      log::info("crl_resumed", {{"number", last_->number}, {"entries", entries_.size()}});
      return {};
    }
  }
  return publish();
}

// Seldom, as it touches every entry. Only what the last CRL has listed after its certificate's end.
void CrlPublisher::drop_expired(Timestamp now) {
  if (!last_) return;
  const Timestamp before = std::min(last_->this_update, now);
  if (before - last_->dropped_before < kBetweenDrops) return;
  entries_.drop(last_->through, before);
  // Also if the next commit fails: these are gone from entries_.
  last_->dropped_through = last_->through;
  last_->dropped_before = before;
}

Result<store::CrlRecord> CrlPublisher::sign_next(std::chrono::sys_seconds now, Bytes& der) {
  const std::uint64_t number = last_ ? last_->number + 1 : 1;
  const auto next_update = now + settings_.lifetime;
  auto crl = issuer_.sign_encoded_crl(number, now, next_update, entries_.der());
  if (crl.has_error()) return crl.error();
  der = std::move(crl->der);
  return store::CrlRecord{.issuer = issuer_.id(),
                          .number = number,
                          .this_update = now,
                          .next_update = next_update,
                          .signature = std::move(crl->signature),
                          .through = entries_.through(),
                          .dropped_through = last_ ? last_->dropped_through : 0,
                          .dropped_before = last_ ? last_->dropped_before : Timestamp()};
}

Result<void> CrlPublisher::publish_next() {
  const auto began = std::chrono::steady_clock::now();
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now());
  drop_expired(now);
  const auto oldest = take_new();
  if (oldest.has_error()) return oldest.error();
  if (*oldest) waiting_ = std::min(waiting_.value_or(**oldest), **oldest);
  Bytes der;
  auto full = sign_next(now, der);
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
  if (committed.has_error()) {
    // Its outcome may be unknown, and a number must not be given twice.
    stale_ = true;
    return committed.error();
  }

  const bool infra_changed = infra.has_value();
  if (infra_changed) infra_.adopt(std::move(*infra));
  last_ = std::move(*full);
  {
    const std::lock_guard lock(mutex_);
    der_ = std::make_shared<const std::string>(as_text(der));
    this_update_ = now;
    next_update_ = last_->next_update;
  }
  der = {};
  serve(infra_changed);
  note_figures(std::chrono::steady_clock::now() - began);
  log::info("crl_published", {{"number", last_->number}, {"entries", entries_.size()}});
  return {};
}

void CrlPublisher::note_figures(std::chrono::steady_clock::duration build) {
  using std::chrono::milliseconds;
  const Timestamp now = clock_.now();
  const std::lock_guard lock(mutex_);
  figures_.entries = entries_.size();
  figures_.build = std::chrono::duration_cast<milliseconds>(build);
  if (!waiting_) return;
  figures_.delay = std::max(milliseconds(0), now - *waiting_);
  waiting_.reset();
  figures_.max_delay = std::max(figures_.max_delay, figures_.delay);
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
  if (good.has_error()) return good.error();
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
  if (committed.has_error()) return committed.error();
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

CrlFigures CrlPublisher::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

std::vector<std::string> CrlPublisher::problems() const {
  const Timestamp now = clock_.now();
  std::vector<std::string> list;
  const std::lock_guard lock(mutex_);
  const bool infra_ended = infra_.enabled() && now >= infra_this_update_ + settings_.lifetime;
  if (infra_ended || now >= next_update_) {
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
