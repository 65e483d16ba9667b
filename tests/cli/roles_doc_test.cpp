// docs/roles.md shows the tables of the code. When they change, this test prints what to put there.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "api/rest/route.h"
#include "ca/permissions.h"
#include "cli/verb_actions.h"

namespace countersign::cli {
namespace {

std::string marks(const ca::Permission& row) {
  std::string cells;
  for (const ca::Role role : ca::kRoles) cells += row.of(role) ? " yes |" : " no |";
  return cells;
}

std::string actions_table() {
  std::string text =
      "| action | anonymous | agent | pipeline | auditor | operator | admin | narrowed |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const ca::Permission& row : ca::kPermissions) {
    text += "| " + std::string(row.what) + " |" + marks(row) + (row.narrowed ? " yes |" : " no |") +
            "\n";
  }
  return text;
}

std::string what_of(const std::vector<ca::Action>& actions) {
  std::string text;
  for (const ca::Action action : actions) {
    text += (text.empty() ? "" : " *or* ") + std::string(ca::permission(action).what);
  }
  return text.empty() ? "anyone" : text;
}

std::string routes_table() {
  std::string text = "| route | action |\n|---|---|\n";
  for (const api::RestRoute& route : api::rest_routes()) {
    text += "| `" + std::string(route.method) + " " + std::string(route.pattern) + "` | " +
            what_of(route.actions) + " |\n";
  }
  return text;
}

std::string verbs_table() {
  std::string text = "| verb | action |\n|---|---|\n";
  for (const VerbAction& row : kVerbActions) {
    text += "| `" + std::string(row.verb) + "` | " +
            (row.action ? std::string(ca::permission(*row.action).what) : "on this machine") +
            " |\n";
  }
  return text;
}

TEST(RolesDoc, ShowsTheTablesOfTheCode) {
  std::ifstream stream("docs/roles.md");
  std::stringstream content;
  content << stream.rdbuf();
  const std::string text = content.str();
  for (const std::string& table : {actions_table(), routes_table(), verbs_table()}) {
    EXPECT_NE(text.find(table), std::string::npos) << "docs/roles.md lacks:\n" << table;
  }
}

TEST(RolesDoc, EveryRouteIsForAnyoneOnPurposeOrSaysItsAction) {
  for (const api::RestRoute& route : api::rest_routes()) {
    EXPECT_EQ(route.actions.empty(), route.open) << route.operation;
  }
}

}  // namespace
}  // namespace countersign::cli
