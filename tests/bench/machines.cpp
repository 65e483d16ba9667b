#include "tests/bench/machines.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdexcept>
#include <string_view>

namespace countersign::bench {
namespace {

using Bio = std::unique_ptr<::BIO, ReleaseWith<::BIO_free_all>>;
using StoreContext = std::unique_ptr<::X509_STORE_CTX, ReleaseWith<::X509_STORE_CTX_free>>;

std::string request_pem(const std::string& name, ::EVP_PKEY* key) {
  const X509Request request(::X509_REQ_new());
  ::X509_NAME* subject = ::X509_REQ_get_subject_name(request.get());
  const auto* text = reinterpret_cast<const unsigned char*>(name.data());
  const Bio out(::BIO_new(::BIO_s_mem()));
  if (::X509_NAME_add_entry_by_txt(subject, "CN", V_ASN1_UTF8STRING, text,
                                   static_cast<int>(name.size()), -1, 0) != 1 ||
      ::X509_REQ_set_pubkey(request.get(), key) != 1 ||
      ::X509_REQ_sign(request.get(), key, ::EVP_sha256()) == 0 ||
      ::PEM_write_bio_X509_REQ(out.get(), request.get()) != 1) {
    openssl_failed("making a request");
  }
  char* data = nullptr;
  const long size = ::BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

void openssl_failed(const std::string& doing) {
  char text[256] = "no reason given";
  if (const unsigned long code = ::ERR_get_error()) {
    ::ERR_error_string_n(code, text, sizeof text);
  }
  ::ERR_clear_error();
  throw std::runtime_error(doing + ": " + text);
}

std::vector<Machine> make_machines(const std::string& prefix, std::size_t count) {
  std::vector<Machine> machines(count);
  for (std::size_t i = 0; i < count; ++i) {
    Machine& machine = machines[i];
    machine.name = prefix + "-" + std::to_string(i) + ".bench.example.com";
    machine.key.reset(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    if (!machine.key) openssl_failed("making a key");
    machine.csr = request_pem(machine.name, machine.key.get());
  }
  return machines;
}

Verifier::Verifier(const std::string& chain_file) : store_(::X509_STORE_new()) {
  if (::X509_STORE_load_file(store_.get(), chain_file.c_str()) != 1) {
    openssl_failed("reading " + chain_file);
  }
}

Certificate certificate_of(const Machine& machine) {
  const Bio in(
      ::BIO_new_mem_buf(machine.certificate.data(), static_cast<int>(machine.certificate.size())));
  return Certificate(::PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
}

std::string Verifier::check(const Machine& machine) const {
  const Certificate certificate = certificate_of(machine);
  if (!certificate) return "this is no certificate";
  if (::X509_check_host(certificate.get(), machine.name.data(), machine.name.size(), 0, nullptr) !=
      1) {
    return "the certificate is for another name";
  }
  if (::EVP_PKEY_eq(::X509_get0_pubkey(certificate.get()), machine.key.get()) != 1) {
    return "the certificate is for another key";
  }
  const StoreContext context(::X509_STORE_CTX_new());
  if (::X509_STORE_CTX_init(context.get(), store_.get(), certificate.get(), nullptr) != 1 ||
      ::X509_verify_cert(context.get()) != 1) {
    return ::X509_verify_cert_error_string(::X509_STORE_CTX_get_error(context.get()));
  }
  return {};
}

}  // namespace countersign::bench
