#include "store/store.h"

namespace countersign::store {

std::string_view to_string(CertificateState state) {
  switch (state) {
    case CertificateState::signed_:
      return "signed";
    case CertificateState::revoked:
      return "revoked";
    case CertificateState::expired:
      return "expired";
  }
  return "signed";
}

std::optional<CertificateState> parse_certificate_state(std::string_view text) {
  for (const auto state :
       {CertificateState::signed_, CertificateState::revoked, CertificateState::expired}) {
    if (to_string(state) == text) return state;
  }
  return std::nullopt;
}

bool meets(const RequestRecord& row, const RequestQuery& query) {
  const bool queue = query.order == RequestOrder::certname;
  if (queue && row.state != RequestState::queued) return false;
  if (query.state && !queue && row.state != *query.state) return false;
  if (query.certname && row.certname != *query.certname) return false;
  if (query.rule && row.rule != *query.rule) return false;
  if (query.profile && row.profile != *query.profile) return false;
  if (query.key && row.key != *query.key) return false;
  if (query.created_before && row.created_at >= *query.created_before) return false;
  if (query.created_after && row.created_at <= *query.created_after) return false;
  if (query.source && !query.source(row.source)) return false;
  return !query.match || query.match(row.certname);
}

bool meets(const CertificateRecord& row, const CertificateQuery& query, Timestamp now) {
  if (query.certname && row.certname != *query.certname) return false;
  if (query.state && state_of(row, now) != *query.state) return false;
  if (query.expires_from && row.not_after < *query.expires_from) return false;
  if (query.expires_before && row.not_after >= *query.expires_before) return false;
  if (query.current && row.current != *query.current) return false;
  return !query.match || query.match(row.certname);
}

bool meets(const AuditRecord& row, const AuditQuery& query) {
  if (query.subject && row.subject != *query.subject) return false;
  if (query.actor && row.actor != *query.actor) return false;
  if (query.action && row.action != *query.action) return false;
  return !query.since || row.at >= *query.since;
}

CertificateState state_of(const CertificateRecord& certificate, Timestamp now) {
  if (certificate.revocation) return CertificateState::revoked;
  return now >= certificate.not_after ? CertificateState::expired : CertificateState::signed_;
}

}  // namespace countersign::store
