#include "ca/examination.h"

#include <algorithm>

#include "ca/enrolment.h"
#include "ca/facts.h"
#include "ca/presented_identity.h"
#include "ca/succession.h"

namespace countersign::ca {
namespace {

using store::CertificateState;

bool has_good_token(const Examined& request) {
  return request.facts.token && request.facts.token->problem.empty();
}

bool has_good_identity(const Examined& request) {
  return request.facts.identity && request.facts.identity->problem.empty();
}

bool has_good_credential(const Examined& request) {
  return has_good_token(request) || has_good_identity(request);
}

// It waits for a limit that may have room by now. Also after the clock was put back: the time that
// it was given may be far away.
bool may_ask_again(const store::RequestRecord& row, Timestamp now) {
  return row.retry_at && (now >= *row.retry_at || now < row.created_at);
}

// The same CSR again gets the same answer, as long as that answer still stands.
Result<void> find_repeated(const store::Store& store, Timestamp now, Examined& request) {
  auto before = store.request_by_csr(request.certname, request.csr->der());
  if (before.has_error()) return before.error();
  if (!*before) return {};
  store::RequestRecord& row = **before;
  switch (row.state) {
    case store::RequestState::queued: {
      // A token may have been minted, or come with it, since it was put into the queue; or a
      // document that was refused then is good now.
      const bool anew = has_good_credential(request) || may_ask_again(row, now);
      Submitted waiting{std::move(row), std::nullopt, true};
      (anew ? request.waiting : request.repeated) = std::move(waiting);
      break;
    }
    case store::RequestState::signed_: {
      auto certificate = store.certificate(row.issuer, row.serial);
      if (certificate.has_error()) return certificate.error();
      if (*certificate && (*certificate)->current &&
          store::state_of(**certificate, now) == CertificateState::signed_) {
        request.repeated = Submitted{std::move(row), std::move(**certificate), true};
      }
      break;
    }
    case store::RequestState::denied:
      // A person's word stands; a rule's is asked for again, for the policy may have changed.
      if (row.decided_by != "policy") {
        request.repeated = Submitted{std::move(row), std::nullopt, true};
      }
      break;
    case store::RequestState::withdrawn:
    case store::RequestState::expired:
      break;
  }
  return {};
}

// Fills what the store knows of the name. The constraints of the store decide in the end; this is
// for a good answer and for policy.
Result<void> look_up_name(const store::Store& store, bool duplicates, bool reuse, Timestamp now,
                          Examined& request) {
  auto current = holder_of(store, request.certname, now);
  if (current.has_error()) return current.error();
  if (*current) {
    const CertificateState state = store::state_of(**current, now);
    request.facts.has_live_certificate = state == CertificateState::signed_;
    const bool left_to_rules = reuse && state == CertificateState::signed_;
    if (!duplicates && !left_to_rules && state != CertificateState::expired) {
      return name_taken(
          state == CertificateState::revoked ? Code::revoked_exists : Code::certificate_exists,
          request.certname);
    }
    request.replaces_certificate = duplicates;
    if (left_to_rules) request.live = std::move(**current);
  }
  auto queued = store.queued_request(request.certname);
  if (queued.has_error()) return queued.error();
  if (*queued) {
    if (!request.waiting && may_ask_again(**queued, now) &&
        is_of_same_key(**queued, *request.csr)) {
      request.waiting = Submitted{std::move(**queued), std::nullopt, true};
    }
    request.replaces_request = duplicates || request.waiting;
    request.request_waits = !request.replaces_request;
    if (request.request_waits && !request.live && !has_good_credential(request)) {
      return name_taken(Code::request_exists, request.certname);
    }
  }
  return {};
}

}  // namespace

bool is_of_same_key(const store::RequestRecord& row, const x509::Csr& csr) {
  const auto before = x509::Csr::parse(row.csr);
  return before.has_value() &&
         std::ranges::equal((*before)->public_key().spki(), csr.public_key().spki());
}

Result<void> find_denied(const store::Store& store, Examined& request) {
  auto newest = store.requests_of(request.certname, 1);
  if (newest.has_error()) return newest.error();
  if (newest->empty()) return {};
  store::RequestRecord& row = newest->front();
  if (row.state == store::RequestState::denied && row.decided_by == "policy") {
    request.denied_before = std::move(row);
  }
  return {};
}

Result<std::shared_ptr<const x509::Csr>> read_csr(const std::string& text) {
  auto csr = x509::Csr::parse_pem(text);
  if (csr.has_error()) return csr.error();
  const auto key = x509::check_key((*csr)->public_key());
  if (key.has_error()) return key.error();
  const auto possession = (*csr)->verify_possession();
  if (possession.has_error()) return possession.error();
  return csr;
}

Result<void> put_aside_by_token(const policy::Decision& decision, Examined& request) {
  if (!request.request_waits) return {};
  const bool proven = (has_good_token(request) && decision.token) ||
                      (has_good_identity(request) && decision.identity);
  const bool signs = decision.action == policy::Action::sign &&
                     !(request.live && decision.reuse == policy::Reuse::queue);
  if (proven && signs) {
    request.replaces_request = true;
    request.request_waits = false;
  } else if (!request.live) {
    return name_taken(Code::request_exists, request.certname);
  }
  return {};
}

bool is_name_taken(Code code) {
  return code == Code::request_exists || code == Code::certificate_exists ||
         code == Code::revoked_exists;
}

Error name_taken(Code code, const std::string& certname) {
  const char* what = code == Code::request_exists       ? "requested"
                     : code == Code::certificate_exists ? "signed"
                                                        : "revoked";
  return fail(code,
              certname + " already has a " + what + " certificate; ignoring certificate request");
}

Result<Examined> examine(const store::Store& store, const Submission& submission,
                         const Caller& caller, const AuthorityConfig& config,
                         const IdentityProviders& identities, bool reuse, Timestamp now) {
  auto csr = read_csr(submission.csr);
  if (csr.has_error()) return csr.error();
  auto certname = certname_of(**csr, submission.name);
  if (certname.has_error()) return certname.error();
  // Before anything is said of the name.
  const auto within = in_scope(caller, *certname);
  if (within.has_error()) return within.error();
  Examined request{.csr = std::move(*csr), .certname = std::move(*certname)};
  request.facts = facts_of(*request.csr, caller.source);
  auto token = find_token(store, presented_secret(submission, *request.csr), request.facts, now);
  if (token.has_error()) return token.error();
  request.facts.token = std::move(*token);
  const auto identified =
      find_identity(store, identities, presented_document(submission, *request.csr), now, request);
  if (identified.has_error()) return identified.error();
  // A name that was never here, as most are, needs no other look-up of its own.
  const auto known = store.knows(request.certname);
  if (known.has_error()) return known.error();
  if (!*known) return request;
  for (const auto find : {find_repeated, find_redeemed, find_bound}) {
    const auto found = find(store, now, request);
    if (found.has_error()) return found.error();
    if (request.repeated) return request;
  }
  if (request.bound && !reuse) {
    request.repeated = std::move(request.bound);
    return request;
  }
  const bool duplicates = submission.puppet && config.puppet.allow_duplicate_certs;
  const auto looked_up = look_up_name(store, duplicates, reuse, now, request);
  if (looked_up.has_error()) {
    Error taken = looked_up.error();
    // For the audit: somebody with the document of another machine is more than a name in use.
    if (request.facts.identity) taken.cause = request.facts.identity->problem;
    return taken;
  }
  return request;
}

}  // namespace countersign::ca
