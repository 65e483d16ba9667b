// [decider.NAME] of the service's configuration.
#ifndef COUNTERSIGN_CA_DECIDER_SETTINGS_H_
#define COUNTERSIGN_CA_DECIDER_SETTINGS_H_

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>

namespace countersign::ca {

// Where HTTPS is asked or told something, and with which credentials.
struct Endpoint {
  std::string url;                         // "": none
  std::filesystem::path ca_file;           // PEM, trusted alone; "": what the system trusts
  std::filesystem::path client_cert_file;  // "": none
  std::filesystem::path client_key_file;   // "": in the same file
  std::filesystem::path token_file;        // a bearer token, read each time; "": none
};

struct DeciderSettings {
  Endpoint endpoint;
  std::filesystem::path program;  // instead of an endpoint
  std::chrono::milliseconds deadline{5000};
  std::size_t concurrency = 8;  // questions at a time
  std::size_t waiting = 64;     // more; then the machine is told to come again
  int failures = 5;             // in a row: then it is left alone
  std::chrono::seconds pause{30};
  bool send_csr = false;
};

}  // namespace countersign::ca

#endif  // COUNTERSIGN_CA_DECIDER_SETTINGS_H_
