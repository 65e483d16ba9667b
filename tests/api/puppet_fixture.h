// Puppet's front end on an authority of its own, and the calls that its tests make.
#ifndef COUNTERSIGN_TESTS_API_PUPPET_FIXTURE_H_
#define COUNTERSIGN_TESTS_API_PUPPET_FIXTURE_H_

#include <string>

#include "tests/api/api_fixture.h"

namespace countersign::api::testing {

class PuppetTest : public ApiTest {
 protected:
  // `autosign` as in puppet.conf.
  void serve_puppet(bool autosign) {
    config.puppet.autosign =
        autosign ? ca::PuppetSettings::Autosign::all : ca::PuppetSettings::Autosign::none;
    serve("default = 'queue'\n");
  }
  Response put(const std::string& name, const std::string& pem, As who = As::anonymous) {
    return puppet_call("PUT", "certificate_request/" + name, pem, who);
  }
  Response get(const std::string& path, As who = As::anonymous) {
    return puppet_call("GET", path, "", who);
  }
  Response status(const std::string& name, const std::string& body,
                  const std::string& type = "application/json") {
    Request asked = request("PUT", "/puppet-ca/v1/certificate_status/" + name, body);
    if (!type.empty()) asked.headers.emplace_back("Content-Type", type);
    asked.headers.emplace_back("Accept", "application/json");
    return call(puppet, asked);
  }
  Response get_since(const std::string& path, const std::string& date) {
    Request asked = request("GET", "/puppet-ca/v1/" + path, "", As::anonymous);
    asked.headers.emplace_back("If-Modified-Since", date);
    return call(puppet, asked);
  }
  void expect_answer(const Response& response, unsigned code, const std::string& body) {
    EXPECT_EQ(response.status, code);
    EXPECT_EQ(response.content(), body);
    EXPECT_EQ(header(response, "X-Puppet-Version"), "8.7.0");
  }
};

}  // namespace countersign::api::testing

#endif  // COUNTERSIGN_TESTS_API_PUPPET_FIXTURE_H_
