#include "ca/approval.h"

#include <algorithm>
#include <boost/json.hpp>

#include "ca/enrolment.h"
#include "policy/certname.h"

namespace countersign::ca {
namespace {

using x509::GeneralName;

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + item;
  return text;
}

// The names asked for beside the certname itself.
std::vector<GeneralName> extra_names(const x509::Csr& csr, const std::string& certname) {
  std::vector<GeneralName> extra;
  for (const GeneralName& name : csr.subject_alt_names()) {
    if (name == GeneralName{GeneralName::Type::dns, certname}) continue;
    extra.push_back(name);
  }
  return extra;
}

Result<void> check_names(const std::vector<GeneralName>& extra, const std::string& certname,
                         bool allowed) {
  if (extra.empty()) return {};
  std::vector<std::string> asked;
  asked.reserve(extra.size());
  for (const GeneralName& name : extra) asked.push_back(x509::to_string(name));
  if (!allowed) {
    return fail(Code::not_granted,
                "CSR '" + certname + "' contains extra subject alternative names (" +
                    joined(asked) +
                    "), which are disallowed. To allow subject alternative names, set "
                    "allow-subject-alt-names to true in your ca.conf file. Then restart the "
                    "puppetserver and try signing this certificate again.");
  }
  for (const GeneralName& name : extra) {
    const bool fine =
        name.type == GeneralName::Type::ip ||
        (name.type == GeneralName::Type::dns && policy::valid_dns_name(name.value, false));
    if (!fine) {
      return fail(Code::not_granted, "CSR '" + certname + "' asks for " + x509::to_string(name) +
                                         ". Only plain DNS names and IP addresses can be approved; "
                                         "a policy rule may grant more.");
    }
  }
  return {};
}

// An extension that gives rights was asked for, and the approval does not extend to it.
Error authorization_refused(const std::string& certname, const std::string& oid, bool puppet) {
  if (puppet) {
    return fail(Code::not_granted,
                "CSR '" + certname +
                    "' contains an authorization extension, which is disallowed. To allow "
                    "authorization extensions, set allow-authorization-extensions to true in your "
                    "ca.conf file. Then restart the puppetserver and try signing this "
                    "certificate again.");
  }
  return fail(Code::not_granted, "CSR '" + certname + "' asks for " + policy::short_name_of(oid) +
                                     ", which gives rights. If it shall have them, approve it with "
                                     "authorization_extensions (countersign sign NAME "
                                     "--authorization-extensions).");
}

Result<void> check_extensions(const x509::Csr& csr, const std::string& certname,
                              const Approval& approval) {
  std::vector<std::string> unknown;
  for (const x509::Extension& extension : csr.extensions()) {
    if (extension.oid == x509::oid::kSubjectAltName) continue;
    if (policy::is_authorization_extension(extension.oid) && !approval.authorization_extensions &&
        extension.oid != policy::kCliAuthOid) {
      return authorization_refused(certname, extension.oid, approval.puppet);
    }
    if (is_credential(extension)) {
      return fail(Code::not_granted,
                  "CSR '" + certname +
                      "' asks for an extension that holds an enrolment token or an identity "
                      "document. A certificate is public: those belong into the custom_attributes "
                      "of csr_attributes.yaml.");
    }
    const bool fine =
        extension.oid != policy::kCliAuthOid && (policy::is_puppet_extension(extension.oid) ||
                                                 policy::is_authorization_extension(extension.oid));
    if (!fine) unknown.push_back(extension.oid);
  }
  if (!unknown.empty()) {
    return fail(Code::not_granted, "Found extensions that are not permitted: " + joined(unknown));
  }
  return {};
}

// "pp_auth_auto_renew": an attribute of the CSR, not an extension.
constexpr std::string_view kRenewAttribute = "1.3.6.1.4.1.34380.1.3.2";

}  // namespace

bool renews_itself(const PuppetSettings& settings, const x509::Csr& csr) {
  if (!settings.allow_auto_renewal) return false;
  const auto& attributes = csr.attributes();
  const auto found = std::ranges::find(attributes, kRenewAttribute, &x509::Attribute::oid);
  return found != attributes.end() && !found->values.empty() && found->values.front() == "true";
}

std::optional<std::chrono::seconds> usual_validity(const PuppetSettings& settings,
                                                   const x509::Csr& csr) {
  if (renews_itself(settings, csr)) return settings.auto_renewal_cert_ttl;
  return settings.ca_ttl;
}

Result<Grant> grant_of_approval(const x509::Csr& csr, const std::string& certname,
                                const Approval& approval) {
  const std::vector<GeneralName> extra = extra_names(csr, certname);
  const auto names = check_names(extra, certname, approval.subject_alt_names);
  if (names.has_error()) return names.error();
  const auto extensions = check_extensions(csr, certname, approval);
  if (extensions.has_error()) return extensions.error();

  Grant grant{.certname = certname, .validity = approval.validity};
  // Puppet's order: as asked, the certname last unless it was among them.
  const auto add = [&grant](const GeneralName& name) {
    if (std::ranges::find(grant.names, name) == grant.names.end()) grant.names.push_back(name);
  };
  std::ranges::for_each(csr.subject_alt_names(), add);
  add({GeneralName::Type::dns, certname});
  for (const x509::Extension& extension : csr.extensions()) {
    if (extension.oid != x509::oid::kSubjectAltName) grant.extensions.push_back(extension);
  }
  return grant;
}

Grant grant_of_rule(const x509::Csr& csr, const std::string& certname,
                    const policy::Granted& granted) {
  Grant grant{.certname = certname};
  for (const policy::RequestedName& name : granted.names) {
    for (const auto type : {GeneralName::Type::dns, GeneralName::Type::ip, GeneralName::Type::email,
                            GeneralName::Type::uri}) {
      if (x509::to_string(type) == name.type) grant.names.push_back({type, name.value});
    }
  }
  for (const x509::Extension& extension : csr.extensions()) {
    const bool listed =
        std::ranges::find(granted.extensions, extension.oid) != granted.extensions.end();
    if (listed && extension.oid != policy::kCliAuthOid && !is_credential(extension)) {
      grant.extensions.push_back(extension);
    }
  }
  return grant;
}

std::string granted_to_json(const policy::Granted& granted) {
  boost::json::array names;
  for (const policy::RequestedName& name : granted.names) {
    names.push_back(boost::json::object{{"type", name.type}, {"value", name.value}});
  }
  boost::json::array extensions;
  for (const std::string& oid : granted.extensions) extensions.emplace_back(oid);
  return boost::json::serialize(
      boost::json::object{{"names", std::move(names)}, {"extensions", std::move(extensions)}});
}

Result<policy::Granted> granted_from_json(std::string_view json) {
  try {
    const boost::json::value document = boost::json::parse({json.data(), json.size()});
    policy::Granted granted;
    for (const auto& name : document.at("names").as_array()) {
      granted.names.push_back(
          {std::string(name.at("type").as_string()), std::string(name.at("value").as_string())});
    }
    for (const auto& oid : document.at("extensions").as_array()) {
      granted.extensions.emplace_back(oid.as_string());
    }
    return granted;
  } catch (const std::exception& error) {
    return fail(Code::internal, "The stored grant of the request cannot be read.", error.what());
  }
}

}  // namespace countersign::ca
