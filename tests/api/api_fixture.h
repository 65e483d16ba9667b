// The front ends on an authority of their own, called without sockets.
#ifndef COUNTERSIGN_TESTS_API_API_FIXTURE_H_
#define COUNTERSIGN_TESTS_API_API_FIXTURE_H_

#include <boost/json.hpp>
#include <memory>
#include <string>

#include "api/puppet/puppet_frontend.h"
#include "api/rest/rest_frontend.h"
#include "tests/ca/authority_fixture.h"

namespace countersign::api::testing {

using ca::testing::Asked;
using ca::testing::csr;
using ca::testing::dns;
using ca::testing::kWebPolicy;

// A client certificate as a front end gets it: who presents it is the TLS layer's business.
inline std::shared_ptr<const x509::Certificate> client(const std::string& name,
                                                       bool operator_mark) {
  x509::CertificateContent content = x509::testing::leaf_content();
  content.subject = x509::common_name_only(name);
  content.extensions.clear();
  if (operator_mark) {
    content.extensions = {x509::utf8_extension(policy::kCliAuthOid, "true")};
  }
  return x509::Certificate::parse(x509::testing::issue(content)).value();
}

enum class As { anonymous, node, op };

class ApiTest : public ca::testing::AuthorityTest {
 protected:
  void serve(const std::string& policy = kWebPolicy) {
    start(policy);
    rest = rest_frontend(*authority, settings);
    puppet = puppet_frontend(*authority);
  }

  Request request(const std::string& method, const std::string& target, std::string body = "",
                  As who = As::op) const {
    Request made;
    made.method = method;
    made.target = target;
    made.path = target.substr(0, target.find('?'));
    if (made.path.size() < target.size()) made.query = target.substr(made.path.size() + 1);
    made.body = std::move(body);
    made.source = "192.0.2.1";
    made.request_id = "feedbeef";
    if (who == As::node) made.client_certificate = node_certificate;
    if (who == As::op) made.client_certificate = operator_certificate;
    return made;
  }
  Response call(const Handler& handler, Request asked) { return run(handler(std::move(asked))); }

  // REST, with a JSON body.
  Response rest_call(const std::string& method, const std::string& target, std::string body = "",
                     As who = As::op) {
    Request asked = request(method, target, std::move(body), who);
    asked.headers.emplace_back("Content-Type", "application/json");
    return call(rest, std::move(asked));
  }
  Response submit_rest(const std::string& pem, As who = As::anonymous) {
    Request asked = request("POST", "/v1/requests", pem, who);
    asked.headers.emplace_back("Content-Type", "application/pkcs10");
    return call(rest, std::move(asked));
  }
  Response puppet_call(const std::string& method, const std::string& path, std::string body = "",
                       As who = As::op) {
    return call(puppet, request(method, "/puppet-ca/v1/" + path, std::move(body), who));
  }
  static std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }
  static boost::json::object json(const Response& response) {
    return boost::json::parse(response.body).as_object();
  }
  static std::string text(const boost::json::object& object, std::string_view key) {
    return std::string(object.at({key.data(), key.size()}).as_string());
  }

  RestSettings settings;
  Handler rest;
  Handler puppet;
  const std::shared_ptr<const x509::Certificate> node_certificate = client("node", false);
  const std::shared_ptr<const x509::Certificate> operator_certificate = client("ops", true);
};

}  // namespace countersign::api::testing

#endif  // COUNTERSIGN_TESTS_API_API_FIXTURE_H_
