// What a decider outside is told of a request.
#ifndef COUNTERSIGN_CA_DECIDER_QUESTION_H_
#define COUNTERSIGN_CA_DECIDER_QUESTION_H_

#include <string>

#include "ca/caller.h"
#include "ca/examination.h"
#include "ca/verdict.h"

namespace countersign::ca {

struct DeciderQuestion {
  std::string certname;
  std::string json;  // docs/operations.md shows it
  std::string csr;   // PEM, for programs
};

// No secret is in the JSON: neither the challenge password nor pp_preshared_key nor an enrolment
// token, in whatever attribute or extension it came. `send_csr`: with the CSR, unless that carries
// one.
DeciderQuestion decider_question(const Examined& request, const Verdict& verdict,
                                 const Caller& caller, bool send_csr);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_DECIDER_QUESTION_H_
