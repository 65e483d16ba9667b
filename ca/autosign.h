// Puppet's own `autosign` setting: true, false, a list, or an executable.
#ifndef COUNTERSIGN_CA_AUTOSIGN_H_
#define COUNTERSIGN_CA_AUTOSIGN_H_

#include <string>

#include "base/result.h"
#include "ca/authority.h"

namespace countersign::ca {

struct AutosignAnswer {
  bool sign = false;
  std::string reason;  // why not
};

// Does the setting name an executable? Then ask_autosign waits for it.
bool autosign_runs_program(const PuppetSettings& settings);

// Would Puppet sign a request of this name? `csr` goes to the executable as it came. An error is
// no answer: the request is then queued, never signed. Blocks; thread-safe.
Result<AutosignAnswer> ask_autosign(const PuppetSettings& settings, const std::string& certname,
                                    const std::string& csr);

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_AUTOSIGN_H_
