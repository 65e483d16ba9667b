// The JSON object with which Puppet's status calls describe a certificate or request.
#ifndef COUNTERSIGN_API_PUPPET_STATUS_OBJECT_H_
#define COUNTERSIGN_API_PUPPET_STATUS_OBJECT_H_

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "store/records.h"

namespace countersign::api {

// JSON text. malformed if the stored DER cannot be read.
Result<std::string> status_object(const store::CertificateRecord& row);
Result<std::string> status_object(const store::RequestRecord& row);

// "2026-11-24T15:04:05UTC".
std::string puppet_time(Timestamp time);

// "123456", of a big-endian unsigned number of any size.
std::string decimal(ByteView number);

}  // namespace countersign::api

#endif  // COUNTERSIGN_API_PUPPET_STATUS_OBJECT_H_
