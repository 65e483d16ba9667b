// The part of `countersign token` that is about enrolment tokens.
#ifndef COUNTERSIGN_CLI_ENROLMENT_TOKEN_H_
#define COUNTERSIGN_CLI_ENROLMENT_TOKEN_H_

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "cli/client.h"

namespace countersign::cli {

struct EnrolmentOptions {
  std::vector<std::string> names;
  std::string file;
  std::string match;
  std::int64_t uses = 1;
  std::vector<std::string> dns;
  std::vector<std::string> ip;
  std::vector<std::string> extensions;  // "pp_role=web"
  std::vector<std::string> source;
  std::string key_sha256;
  std::string profile;
};

// NAME..., --file, --match, --uses and what a token can be bound to.
void add_enrolment_options(CLI::App& verb, EnrolmentOptions& options);
// Are these the options of an order for enrolment tokens?
bool orders_enrolment(const EnrolmentOptions& options);

// Mints them and prints the bare secret of one, or a line NAME<tab>SECRET for each of several, as
// they come. `order` holds what every kind of token can have. Throws Failure.
int create_enrolment_tokens(Client& client, const EnrolmentOptions& options,
                            boost::json::object order, bool json);
int list_enrolment_tokens(Client& client, const std::string& match, bool json);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLI_ENROLMENT_TOKEN_H_
