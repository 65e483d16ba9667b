#include "store/memory/tables.h"

#include <algorithm>
#include <variant>

namespace countersign::store {
namespace {

Tables::SerialKey serial_key(ByteView serial, std::size_t issuer) {
  return {std::string(as_text(serial)), issuer};
}

bool may_renew(const CertificateRecord& held, const InsertCertificate& m) {
  return held.issuer == m.certificate.issuer && held.serial == m.renews && !held.revocation;
}

// Has the name an older certificate that is still good? The service's own never took the name.
bool outlived(const std::vector<CertificateRecord>& certificates, const std::string& certname,
              Timestamp at) {
  return std::ranges::any_of(certificates, [&](const CertificateRecord& row) {
    return row.certname == certname && !row.current && !row.revocation && row.not_after > at &&
           row.rule != "service";
  });
}

// But for the person's own.
std::int64_t approvals_for(const RequestRecord& request, const std::string& holds,
                           const std::string& but_for) {
  return std::ranges::count_if(request.approvals, [&](const ApprovalRecord& approval) {
    return approval.holds == holds && approval.person != but_for;
  });
}

}  // namespace

Result<void> Tables::apply(const WriteBatch& batch) {
  undo_.clear();
  for (const Mutation& mutation : batch) {
    auto done = std::visit([this](const auto& m) { return apply_one(m); }, mutation);
    if (done.has_error()) {
      for (auto step = undo_.rbegin(); step != undo_.rend(); ++step) (*step)();
      return done;
    }
  }
  return {};
}

std::size_t Tables::issuer_index(const std::string& id) const {
  const auto found = std::ranges::find(issuers, id, &IssuerRecord::id);
  return static_cast<std::size_t>(found - issuers.begin());
}

const CertificateRecord* Tables::find(const std::string& issuer, ByteView serial) const {
  const auto found = certificate_by_serial.find(serial_key(serial, issuer_index(issuer)));
  return found == certificate_by_serial.end() ? nullptr : &certificates[found->second];
}

Result<void> Tables::apply_one(const InsertIssuer& m) {
  const std::size_t index = issuer_index(m.issuer.id);
  if (index < issuers.size()) {
    if (issuers[index].certificate == m.issuer.certificate) return {};
    return fail(Code::conflict, "The issuer is known with another certificate.");
  }
  append(issuers, m.issuer);
  return {};
}

Result<void> Tables::apply_one(const InsertRequest& m) {
  const RequestRecord& r = m.request;
  if (requests.contains(r.id)) return fail(Code::conflict, "The request id is taken.");
  if (r.state == RequestState::queued) {
    if (queued.contains(r.certname)) {
      return fail(Code::request_exists, "The name has a queued request.");
    }
    put(queued, r.certname, r.id);
    set(counts.queued, counts.queued + 1);
  }
  RequestRecord row = r;
  row.approvals.clear();
  put(requests, r.id, std::move(row));
  return {};
}

RequestRecord& Tables::leave_queue(const std::string& id) {
  RequestRecord& request = requests.at(id);
  set(request, request);
  erase(queued, request.certname);
  set(counts.queued, counts.queued - 1);
  return request;
}

Result<void> Tables::apply_one(const DecideRequest& m) {
  const auto found = requests.find(m.id);
  if (found == requests.end()) return fail(Code::not_found, "There is no such request.");
  if (found->second.state != RequestState::queued) {
    return fail(Code::conflict, "The request is decided already.");
  }
  const std::int64_t needed = found->second.approvals_needed;
  if (m.state == RequestState::signed_ && needed > 1 &&
      approvals_for(found->second, m.holds, "") < needed) {
    return fail(Code::conflict, "The request needs more approvals.");
  }
  RequestRecord& request = leave_queue(m.id);
  request.state = m.state;
  request.reason = m.reason;
  request.decided_by = m.decided_by;
  request.decided_at = m.at;
  request.issuer = m.issuer;
  request.serial = m.serial;
  return {};
}

Result<void> Tables::apply_one(const AddApproval& m) {
  const auto found = requests.find(m.request);
  if (found == requests.end()) return fail(Code::not_found, "There is no such request.");
  if (found->second.state != RequestState::queued) {
    return fail(Code::conflict, "The request is decided already.");
  }
  const std::string& person = m.approval.person;
  auto list = found->second.approvals;
  const auto own = std::ranges::find(list, person, &ApprovalRecord::person);
  if (own != list.end() && own->holds == m.approval.holds) {
    return fail(Code::already_approved, person + " has approved it already.");
  }
  if (approvals_for(found->second, m.approval.holds, person) != m.before) {
    return fail(Code::conflict, "Somebody approved it meanwhile.");
  }
  if (own != list.end()) list.erase(own);
  list.push_back(m.approval);
  std::ranges::sort(list, {}, [](const ApprovalRecord& a) { return std::pair(a.at, a.person); });
  set(found->second.approvals, std::move(list));
  return {};
}

Result<void> Tables::apply_one(const WithdrawRequest& m) {
  const auto found = queued.find(m.certname);
  if (found == queued.end()) return fail(Code::not_found, "The name has no queued request.");
  const std::string id = found->second;
  RequestRecord& request = leave_queue(id);
  request.state = RequestState::withdrawn;
  request.decided_at = m.at;
  request.decided_by = m.by;
  return {};
}

void Tables::release(std::size_t certificate) {
  // By index: rows move when their vector grows.
  certificates[certificate].current = false;
  undo_.push_back([this, certificate] { certificates[certificate].current = true; });
  erase(current, certificates[certificate].certname);
}

Result<void> Tables::apply_one(const InsertCertificate& m) {
  const CertificateRecord& c = m.certificate;
  const std::size_t issuer = issuer_index(c.issuer);
  if (issuer == issuers.size()) {
    return fail(Code::not_found, "The store does not know the issuer " + c.issuer);
  }
  const SerialKey serial = serial_key(c.serial, issuer);
  if (certificate_by_serial.contains(serial)) return fail(Code::conflict, "The serial is taken.");
  if (c.current) {
    const auto holder = current.find(c.certname);
    const bool held = holder != current.end();
    if (!m.renews.empty() && !(held && may_renew(certificates[holder->second], m))) {
      return fail(Code::conflict, "The name does not stand for the renewed certificate.");
    }
    if (held) {
      const CertificateRecord& before = certificates[holder->second];
      const bool expired = !before.revocation && before.not_after <= c.issued_at;
      if (!m.replace && m.renews.empty() &&
          (!expired || outlived(certificates, c.certname, c.issued_at))) {
        return before.revocation ? fail(Code::revoked_exists, "The name has a revoked certificate.")
                                 : fail(Code::certificate_exists, "The name has a certificate.");
      }
      release(holder->second);
    }
    put(current, c.certname, certificates.size());
  }
  put(certificate_by_serial, serial, certificates.size());
  append(certificates, c);
  set(counts.certificates, counts.certificates + 1);
  if (c.revocation) {
    append(revocations, certificates.size() - 1);
    set(counts.revoked, counts.revoked + 1);
  }
  return {};
}

Result<void> Tables::apply_one(const RevokeCertificate& m) {
  const std::size_t issuer = issuer_index(m.issuer);
  if (issuer == issuers.size()) {
    return fail(Code::not_found, "The store does not know the issuer " + m.issuer);
  }
  const auto found = certificate_by_serial.find(serial_key(m.serial, issuer));
  if (found == certificate_by_serial.end()) {
    return fail(Code::not_found, "There is no such certificate.");
  }
  const std::size_t index = found->second;
  if (certificates[index].revocation) {
    return fail(Code::already_revoked, "The certificate is revoked already.");
  }
  certificates[index].revocation = m.revocation;
  undo_.push_back([this, index] { certificates[index].revocation.reset(); });
  append(revocations, index);
  set(counts.revoked, counts.revoked + 1);
  return {};
}

Result<void> Tables::apply_one(const ReleaseName& m) {
  const auto holder = current.find(m.certname);
  if (holder == current.end()) {
    return fail(Code::not_found, "The name has no current certificate.");
  }
  if (!m.serial.empty() && certificates[holder->second].serial != m.serial) {
    return fail(Code::conflict, "The name stands for another certificate.");
  }
  release(holder->second);
  return {};
}

Result<void> Tables::apply_one(const InsertCrl& m) {
  const auto last = crls.find(m.crl.issuer);
  if (last != crls.end() && last->second.number >= m.crl.number) {
    return fail(Code::conflict, "The CRL number does not rise.");
  }
  put(crls, m.crl.issuer, m.crl);
  return {};
}

Result<void> Tables::apply_one(const InsertToken& m) {
  const bool taken = std::ranges::any_of(tokens, [&](const auto& entry) {
    return entry.first == m.token.id || entry.second.hash == m.token.hash;
  });
  if (taken) return fail(Code::conflict, "The token is known already.");
  put(tokens, m.token.id, m.token);
  return {};
}

Result<void> Tables::apply_one(const RevokeToken& m) {
  const auto found = tokens.find(m.id);
  if (found == tokens.end()) return fail(Code::not_found, "There is no such token.");
  if (found->second.revoked_at) {
    return fail(Code::already_revoked, "The token is revoked already.");
  }
  set(found->second.revoked_at, std::optional(m.at));
  return {};
}

Result<void> Tables::apply_one(const InsertEnrolmentToken& m) {
  const EnrolmentTokenRecord& token = m.token;
  const std::string hash(as_text(token.hash));
  if (enrolment_tokens.contains(token.id) || enrolment_token_by_hash.contains(hash)) {
    return fail(Code::conflict, "The token is known already.");
  }
  put(enrolment_tokens, token.id, token);
  put(enrolment_token_by_hash, hash, token.id);
  return {};
}

Result<void> Tables::apply_one(const RedeemEnrolmentToken& m) {
  const auto found = enrolment_tokens.find(m.id);
  if (found == enrolment_tokens.end()) return fail(Code::not_found, "There is no such token.");
  EnrolmentTokenRecord& token = found->second;
  if (token.revoked_at || token.used >= token.uses || m.at >= token.expires_at) {
    return fail(Code::conflict, "The token is used up, revoked or expired.");
  }
  set(token.used, token.used + 1);
  return {};
}

Result<void> Tables::apply_one(const RevokeEnrolmentToken& m) {
  const auto found = enrolment_tokens.find(m.id);
  if (found == enrolment_tokens.end()) return fail(Code::not_found, "There is no such token.");
  if (found->second.revoked_at) {
    return fail(Code::already_revoked, "The token is revoked already.");
  }
  set(found->second.revoked_at, std::optional(m.at));
  return {};
}

Result<void> Tables::apply_one(const BindInstance& m) {
  const std::pair key(m.instance.kind, m.instance.subject);
  const auto found = instances.find(key);
  if ((found == instances.end() ? Bytes() : found->second.serial) != m.expected) {
    return fail(Code::conflict, "The instance got another certificate meanwhile.");
  }
  put(instances, key, m.instance);
  return {};
}

Result<void> Tables::apply_one(const TakeAllowance& m) {
  const auto found = allowances.find(m.key);
  const Allowance before = found == allowances.end() ? Allowance() : found->second.allowance;
  const Allowance left = at_time(before, m.at, m.period);
  if (free_at(left, m.most, m.period)) return fail(Code::rate_limited, "The limit is reached.");
  const Allowance now = taken(left, m.at, m.period);
  put(allowances, m.key, {now, end_of(now, m.period)});
  for (int i = 0; i < 2; ++i) {
    const auto stale =
        std::ranges::find_if(allowances, [&](const auto& row) { return row.second.ends <= m.at; });
    if (stale != allowances.end()) erase(allowances, std::string(stale->first));
  }
  return {};
}

Result<void> Tables::apply_one(const SettleAllowance& m) {
  const auto found = allowances.find(m.key);
  if (found == allowances.end() || !ahead(found->second.allowance, m.at, m.period)) return {};
  const Allowance now = at_time(found->second.allowance, m.at, m.period);
  put(allowances, m.key, {now, end_of(now, m.period)});
  return {};
}

Result<void> Tables::apply_one(const InsertHookEvent& m) {
  const auto known = hook_tallies.find(m.event.hook);
  HookTally tally = known == hook_tallies.end() ? HookTally() : known->second;
  tally.hook = m.event.hook;
  const auto oldest = std::ranges::find_if(
      hook_events, [&](const auto& row) { return row.second.hook == m.event.hook; });
  if (tally.waiting >= m.most && oldest != hook_events.end()) {
    erase(hook_events, std::int64_t{oldest->first});
    --tally.waiting;
    ++tally.dropped;
  }
  ++tally.waiting;
  put(hook_tallies, m.event.hook, tally);
  set(last_hook_event, last_hook_event + 1);
  HookEventRecord event = m.event;
  event.sequence = last_hook_event;
  put(hook_events, last_hook_event, std::move(event));
  return {};
}

Result<void> Tables::apply_one(const PostponeHookEvent& m) {
  const auto found = hook_events.find(m.sequence);
  if (found == hook_events.end()) return fail(Code::not_found, "There is no such event.");
  HookEventRecord event = found->second;
  ++event.attempts;
  event.next_at = m.next_at;
  event.last_error = m.error;
  put(hook_events, m.sequence, std::move(event));
  return {};
}

Result<void> Tables::apply_one(const RemoveHookEvent& m) {
  const auto found = hook_events.find(m.sequence);
  if (found == hook_events.end()) return fail(Code::not_found, "There is no such event.");
  HookTally tally = hook_tallies.at(found->second.hook);
  --tally.waiting;
  ++(m.delivered ? tally.delivered : tally.given_up);
  put(hook_tallies, std::string(tally.hook), tally);
  erase(hook_events, m.sequence);
  return {};
}

Result<void> Tables::apply_one(const AppendAudit& m) {
  AuditRecord row = m.row;
  row.sequence = static_cast<std::int64_t>(audit.size()) + 1;
  row.hash = chain_hash(sha256_, audit.empty() ? chain_start() : audit.back().hash, row);
  append(audit, std::move(row));
  return {};
}

Result<void> Tables::apply_one(const AppendAuditCheckpoint& m) {
  const auto last = audit_checkpoints.empty() ? 0 : audit_checkpoints.back().sequence;
  const std::int64_t sequence = m.checkpoint.sequence;
  if (sequence <= last || sequence > static_cast<std::int64_t>(audit.size())) {
    return fail(Code::conflict, "The checkpoint does not fit the audit.");
  }
  append(audit_checkpoints, m.checkpoint);
  return {};
}

Result<void> Tables::apply_one(const PutDocument& m) {
  const std::pair key(m.space, m.key);
  const auto found = documents.find(key);
  const std::int64_t version = found == documents.end() ? 0 : found->second.version;
  if (version != m.expected) return fail(Code::conflict, "The document changed meanwhile.");
  put(documents, key, {m.value, version + 1});
  return {};
}

}  // namespace countersign::store
