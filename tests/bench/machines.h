// What enrols: machines with a key and a request each, made before the clock starts, and the check
// of what they got.
#ifndef COUNTERSIGN_TESTS_BENCH_MACHINES_H_
#define COUNTERSIGN_TESTS_BENCH_MACHINES_H_

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace countersign::bench {

template <auto release>
struct ReleaseWith {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using Key = std::unique_ptr<::EVP_PKEY, ReleaseWith<::EVP_PKEY_free>>;
using X509Request = std::unique_ptr<::X509_REQ, ReleaseWith<::X509_REQ_free>>;
using Certificate = std::unique_ptr<::X509, ReleaseWith<::X509_free>>;
using TrustStore = std::unique_ptr<::X509_STORE, ReleaseWith<::X509_STORE_free>>;
using Context = std::unique_ptr<::SSL_CTX, ReleaseWith<::SSL_CTX_free>>;
using Connection = std::unique_ptr<::SSL, ReleaseWith<::SSL_free>>;

// Throws std::runtime_error with OpenSSL's own words.
[[noreturn]] void openssl_failed(const std::string& doing);

struct Machine {
  std::string name;
  Key key;
  std::string csr;          // PEM
  std::string certificate;  // PEM, once it is enrolled
};

// `count` machines <prefix>-<n>.bench.example.com with a P-256 key each.
std::vector<Machine> make_machines(const std::string& prefix, std::size_t count);

// What it was enrolled with; null if it is no certificate.
Certificate certificate_of(const Machine& machine);

// Whether the machine's certificate is for its name and its key, and is signed by what `chain_file`
// holds. The reason if not; empty if it is.
class Verifier {
 public:
  explicit Verifier(const std::string& chain_file);
  std::string check(const Machine& machine) const;

 private:
  TrustStore store_;
};

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_MACHINES_H_
