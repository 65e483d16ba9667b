#include "ca/certificate_row.h"

#include "ca/facts.h"

namespace countersign::ca {

store::CertificateRecord certificate_row(const std::string& issuer,
                                         const x509::Certificate& certificate, Timestamp now) {
  store::CertificateRecord row;
  row.issuer = issuer;
  row.serial = certificate.serial();
  row.certname = certificate.common_name();
  row.der = to_bytes(certificate.der());
  row.not_before = certificate.not_before();
  row.not_after = certificate.not_after();
  row.key = x509::to_string(certificate.public_key().spec());
  row.names = names_text(certificate.subject_alt_names());
  row.issued_at = now;
  return row;
}

}  // namespace countersign::ca
