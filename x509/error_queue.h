// For what uses OpenSSL through another library.
#ifndef COUNTERSIGN_X509_ERROR_QUEUE_H_
#define COUNTERSIGN_X509_ERROR_QUEUE_H_

namespace countersign::x509 {

// Forgets what OpenSSL noted of failures on this thread, so that no error of one request is ever
// read during another.
void forget_errors();

}  // namespace countersign::x509

#endif  // COUNTERSIGN_X509_ERROR_QUEUE_H_
