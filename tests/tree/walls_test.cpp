// The arrows between folders, held at the level of #include. The link lists of CMakeLists.txt hold
// them too, but a header alone can cross a wall without a link.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = ".";

// folder -> folders whose headers it may include.
const std::map<std::string, std::set<std::string>> kArrows = {
    {"base", {"base"}},
    {"x509", {"x509", "base"}},
    {"policy", {"policy", "base"}},
    {"store", {"store", "base"}},
    {"ca", {"ca", "policy", "store", "x509", "base"}},
    {"api", {"api", "ca", "x509", "policy", "store", "base"}},
    {"cli", {"cli", "api", "ca", "policy", "store", "x509", "base"}},
};

// What belongs behind one wall only: a prefix of the include, and the paths that may have it.
const std::vector<std::pair<std::string, std::vector<std::string>>> kLibraries = {
    {"openssl/", {"x509/", "api/http/"}},         {"sqlite3.h", {"store/sqlite/"}},
    {"libpq-fe.h", {"store/postgres/"}},          {"boost/beast", {"api/http/"}},
    {"curl/", {"cli/", "base/https_client.cpp"}}, {"re2/", {"policy/", "ca/name_filter.cpp"}},
    {"toml++/", {"base/config_reader.cpp"}},      {"CLI/", {"cli/"}},
};

struct Include {
  std::string file;  // relative to the root
  std::string what;
};

std::vector<Include> includes() {
  static const std::regex line_form(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<Include> found;
  for (const auto& [folder, targets] : kArrows) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      std::ifstream stream(entry.path());
      std::string line;
      std::smatch match;
      while (std::getline(stream, line)) {
        if (std::regex_search(line, match, line_form)) {
          found.push_back({fs::relative(entry.path(), kRoot).string(), match[1].str()});
        }
      }
    }
  }
  return found;
}

TEST(Walls, EveryIncludeOfOursFollowsTheArrows) {
  std::size_t checked = 0;
  for (const Include& include : includes()) {
    const std::string from = include.file.substr(0, include.file.find('/'));
    const std::string to = include.what.substr(0, include.what.find('/'));
    if (!kArrows.contains(to)) continue;
    ++checked;
    EXPECT_TRUE(kArrows.at(from).contains(to)) << include.file << " includes " << include.what;
  }
  EXPECT_GT(checked, 100U) << "the sources were not found";
}

TEST(Walls, EachLibraryStaysBehindItsWall) {
  for (const Include& include : includes()) {
    for (const auto& [prefix, homes] : kLibraries) {
      if (!include.what.starts_with(prefix)) continue;
      bool home = false;
      for (const std::string& path : homes) home = home || include.file.starts_with(path);
      EXPECT_TRUE(home) << include.file << " includes " << include.what;
    }
  }
}

TEST(Walls, StoreEnginesAreNamedOnlyByTheCommandLine) {
  for (const Include& include : includes()) {
    const bool engine =
        include.what.starts_with("store/sqlite/") || include.what.starts_with("store/memory/");
    if (!engine || include.file.starts_with("store/")) continue;
    EXPECT_TRUE(include.file.starts_with("cli/")) << include.file << " includes " << include.what;
  }
}

TEST(Walls, FrontEndsDoNotKnowEachOther) {
  for (const Include& include : includes()) {
    if (include.file.starts_with("api/puppet/")) {
      EXPECT_FALSE(include.what.starts_with("api/rest/")) << include.file;
    }
    if (include.file.starts_with("api/rest/")) {
      EXPECT_FALSE(include.what.starts_with("api/puppet/")) << include.file;
    }
  }
}

}  // namespace
