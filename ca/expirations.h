// Until when the CA certificates and the CRLs that machines are given are good.
#ifndef COUNTERSIGN_CA_EXPIRATIONS_H_
#define COUNTERSIGN_CA_EXPIRATIONS_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "x509/certificate.h"

namespace countersign::ca {

struct Expirations {
  std::map<std::string, Timestamp> certificates;  // notAfter, by CN
  std::map<std::string, Timestamp> crls;          // nextUpdate, by the issuer's CN
};

// Thread-safe. A CRL can be large and is asked for often: each is read once.
class ExpirationsReader {
 public:
  // `crls`: PEM, as served. Reads all of it if it is another text than last time: use the pool.
  Result<Expirations> read(const std::vector<std::shared_ptr<const x509::Certificate>>& chain,
                           std::shared_ptr<const std::string> crls);

 private:
  std::mutex mutex_;  // guards the rest
  std::shared_ptr<const std::string> seen_;
  Expirations last_;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_EXPIRATIONS_H_
