// Rules for the extensions of a certificate (RFC 5280 4.2).
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "x509/lint_checks.h"

namespace countersign::x509 {

template <>
struct Deleter<::AUTHORITY_KEYID> : ReleaseWith<::AUTHORITY_KEYID_free> {};
template <>
struct Deleter<::ASN1_OBJECT> : ReleaseWith<::ASN1_OBJECT_free> {};
template <>
struct Deleter<::BASIC_CONSTRAINTS> : ReleaseWith<::BASIC_CONSTRAINTS_free> {};
template <>
struct Deleter<::GENERAL_NAMES> : ReleaseWith<::GENERAL_NAMES_free> {};
template <>
struct Deleter<::EXTENDED_KEY_USAGE> : ReleaseWith<::EXTENDED_KEY_USAGE_free> {};

namespace lints {
namespace {

// An extension as OpenSSL decodes it. `state` as X509V3_get_d2i reports it: 1 critical, 0 not,
// -1 absent, -2 several.
template <class T>
struct Decoded {
  Owned<T> value;
  int state = -1;
};

template <class T>
Decoded<T> decode(const Subject& subject, int nid) {
  Decoded<T> out;
  out.value.reset(
      static_cast<T*>(::X509V3_get_d2i(subject.extensions.get(), nid, &out.state, nullptr)));
  return out;
}

// RFC 1034 3.5 with RFC 1123 2.1, the underscore that Windows names have, and one '*' in front.
bool is_dns_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
      return false;
    }
    const bool fits = std::ranges::all_of(label, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_';
    });
    if (!fits) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

std::string dotted(const ::ASN1_OBJECT* object) {
  std::array<char, 128> text{};
  ::OBJ_obj2txt(text.data(), static_cast<int>(text.size()), object, 1);
  return text.data();
}

}  // namespace

std::string duplicate_extensions(const Subject& subject) {
  const ::X509_EXTENSIONS* all = subject.extensions.get();
  for (int i = 0; i < ::X509v3_get_ext_count(all); ++i) {
    const ::ASN1_OBJECT* oid = ::X509_EXTENSION_get_object(::X509v3_get_ext(all, i));
    // Another one after it?
    if (::X509v3_get_ext_by_OBJ(all, oid, i) >= 0) {
      return "the extension " + dotted(oid) + " is there twice";
    }
  }
  return "";
}

std::string critical_extensions(const Subject& subject) {
  for (int i = 0; i < ::X509v3_get_ext_count(subject.extensions.get()); ++i) {
    ::X509_EXTENSION* extension = ::X509v3_get_ext(subject.extensions.get(), i);
    const int nid = ::OBJ_obj2nid(::X509_EXTENSION_get_object(extension));
    // Known, but OpenSSL does not count them as such: they are never critical, by rules of their
    // own.
    if (nid == NID_subject_key_identifier || nid == NID_authority_key_identifier) continue;
    if (::X509_EXTENSION_get_critical(extension) == 1 &&
        ::X509_supported_extension(extension) != 1) {
      return "the extension " + dotted(::X509_EXTENSION_get_object(extension)) +
             " is critical and no verifier knows it";
    }
  }
  return "";
}

std::string subject_key_id(const Subject& subject) {
  const auto id = decode<::ASN1_OCTET_STRING>(subject, NID_subject_key_identifier);
  if (!id.value || content(id.value.get()).empty()) return "subjectKeyIdentifier is missing";
  return id.state == 0 ? "" : "subjectKeyIdentifier is critical";
}

std::string authority_key_id(const Subject& subject) {
  const auto id = decode<::AUTHORITY_KEYID>(subject, NID_authority_key_identifier);
  if (!id.value || id.value->keyid == nullptr) return "authorityKeyIdentifier is missing";
  if (id.state != 0) return "authorityKeyIdentifier is critical";
  return std::ranges::equal(content(id.value->keyid), subject.expected.authority_key_id)
             ? ""
             : "authorityKeyIdentifier is not the issuer's key";
}

std::string basic_constraints(const Subject& subject) {
  const auto constraints = decode<::BASIC_CONSTRAINTS>(subject, NID_basic_constraints);
  if (!constraints.value) return "basicConstraints is missing";
  if (constraints.state != 1) return "basicConstraints is not critical";
  if (constraints.value->ca != 0) return "basicConstraints says that a leaf is a CA";
  return constraints.value->pathlen == nullptr ? "" : "a leaf has a path length";
}

std::string key_usage(const Subject& subject) {
  constexpr int kCertSignBit = 5;
  constexpr int kCrlSignBit = 6;
  const auto usage = decode<::ASN1_BIT_STRING>(subject, NID_key_usage);
  if (!usage.value) return "keyUsage is missing";
  if (usage.state != 1) return "keyUsage is not critical";
  if (::ASN1_BIT_STRING_get_bit(usage.value.get(), kCertSignBit) == 1) {
    return "keyUsage of a leaf has keyCertSign";
  }
  if (::ASN1_BIT_STRING_get_bit(usage.value.get(), kCrlSignBit) == 1) {
    return "keyUsage of a leaf has cRLSign";
  }
  return content(usage.value.get()).empty() ? "keyUsage allows nothing" : "";
}

std::string extended_key_usage(const Subject& subject) {
  const auto usage = decode<::EXTENDED_KEY_USAGE>(subject, NID_ext_key_usage);
  if (!usage.value) return "extKeyUsage is missing";
  if (sk_ASN1_OBJECT_num(usage.value.get()) == 0) return "extKeyUsage is empty";
  for (int i = 0; i < sk_ASN1_OBJECT_num(usage.value.get()); ++i) {
    if (::OBJ_obj2nid(sk_ASN1_OBJECT_value(usage.value.get(), i)) == NID_anyExtendedKeyUsage) {
      return "extKeyUsage has anyExtendedKeyUsage";
    }
  }
  return "";
}

std::string subject_alt_name(const Subject& subject) {
  const auto names = decode<::GENERAL_NAMES>(subject, NID_subject_alt_name);
  if (!names.value) return "subjectAltName is missing";
  if (sk_GENERAL_NAME_num(names.value.get()) == 0) return "subjectAltName is empty";
  for (int i = 0; i < sk_GENERAL_NAME_num(names.value.get()); ++i) {
    const ::GENERAL_NAME* name = sk_GENERAL_NAME_value(names.value.get(), i);
    if (name->type != GEN_DNS) continue;
    const std::string_view text = as_text(content(name->d.dNSName));
    // The certname keeps to Puppet's rules, which are a little wider ("rootca.", "a.-b"); every
    // agent looks for it here.
    if (text != subject.expected.common_name && !is_dns_name(text)) {
      return "subjectAltName has a DNS name that is none";
    }
  }
  return "";
}

std::string privilege(const Subject& subject) {
  if (subject.expected.privileged) return "";
  // pp_cli_auth, by which Puppet's tools and ours know an administrator.
  const Owned<::ASN1_OBJECT> oid(::OBJ_txt2obj("1.3.6.1.4.1.34380.1.3.39", 1));
  return ::X509v3_get_ext_by_OBJ(subject.extensions.get(), oid.get(), -1) < 0
             ? ""
             : "pp_cli_auth is there without having been granted";
}

}  // namespace lints
}  // namespace countersign::x509
