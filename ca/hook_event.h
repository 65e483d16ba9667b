// What a hook is told, as JSON.
#ifndef COUNTERSIGN_CA_HOOK_EVENT_H_
#define COUNTERSIGN_CA_HOOK_EVENT_H_

#include <string>

#include "ca/hook_settings.h"
#include "store/records.h"

namespace countersign::ca {

// Either may be null. Without the CSR and without secrets; docs/operations.md shows it.
struct HookSubject {
  const store::RequestRecord* request = nullptr;
  const store::CertificateRecord* certificate = nullptr;

  const std::string& certname() const;
  const std::string& rule() const;
};

std::string hook_body(const std::string& id, HookEvent event, Timestamp at,
                      const HookSubject& subject);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_HOOK_EVENT_H_
