// countersign audit verify: of a store, beside the service that writes it, or of an export.
#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>

#include "base/file_system.h"
#include "ca/audit_line.h"
#include "ca/audit_verifier.h"
#include "cli/failure.h"
#include "cli/service_config.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "store/sqlite/sqlite_store.h"
#include "x509/pem.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kPage = 1000;
constexpr std::size_t kPemBytes = 1U << 16U;

struct Options {
  std::string config;
  std::string file;
  std::string key;
  std::string checkpoint;
  bool json = false;
};

x509::PublicKey read_key(const fs::path& file) {
  const std::string pem = required(system_files().read(file, kPemBytes), kUsage);
  const Bytes spki = required(x509::pem_decode(pem, {x509::kPemPublicKey}), kUsage, file.string());
  return required(x509::PublicKey::parse(spki), kUsage, file.string());
}

// The lines of an export, one at a time: "-" is the standard input.
class Lines {
 public:
  explicit Lines(const std::string& file) : name_(file == "-" ? "standard input" : file) {
    if (file != "-") {
      opened_.open(file);
      if (!opened_) throw Failure(kUsage, "cannot read " + file + ".");
    }
  }

  // False at the end. Failure with the line's number if it is none.
  bool next(ca::AuditLine& line) {
    std::istream& in = opened_.is_open() ? opened_ : std::cin;
    while (in.getline(buffer_.get(), static_cast<std::streamsize>(kBuffer))) {
      ++number_;
      // The delimiter is counted if there was one.
      const auto read = static_cast<std::size_t>(in.gcount());
      const std::string_view text(buffer_.get(), in.eof() ? read : read - 1);
      if (text.empty()) continue;
      line = required(ca::parse_audit_line(text), kFailed, place(number_));
      return true;
    }
    if (in.eof()) return false;
    throw Failure(kFailed, place(number_ + 1) + ": the line is too long, or cannot be read.");
  }

 private:
  static constexpr std::size_t kBuffer = ca::kAuditLineBytes + 2;
  std::string place(std::size_t line) const { return name_ + ":" + std::to_string(line); }

  const std::string name_;
  std::ifstream opened_;
  std::size_t number_ = 0;
  const std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(kBuffer);
};

// Checkpoints that were kept elsewhere; rows beside them are of no interest.
void add_kept_checkpoints(ca::AuditVerifier& verifier, const std::string& file) {
  if (file.empty()) return;
  Lines lines(file);
  ca::AuditLine line;
  std::size_t found = 0;
  while (lines.next(line)) {
    auto* checkpoint = std::get_if<store::AuditCheckpoint>(&line);
    if (checkpoint == nullptr) continue;
    verifier.checkpoint(std::move(*checkpoint));
    ++found;
  }
  if (found == 0) throw Failure(kUsage, file + " holds no checkpoint.");
}

ca::AuditReport verify_file(const Options& options) {
  ca::AuditVerifier verifier(read_key(options.key), ca::AuditVerifier::Extent::part);
  add_kept_checkpoints(verifier, options.checkpoint);
  Lines lines(options.file);
  ca::AuditLine line;
  bool rows = false;
  while (lines.next(line)) {
    if (const auto* row = std::get_if<store::AuditRecord>(&line)) {
      verifier.row(*row);
      rows = true;
    } else if (rows) {
      throw Failure(kFailed, options.file +
                                 ": a checkpoint stands behind rows. This is not an export, or "
                                 "several that were joined.");
    } else {
      verifier.checkpoint(std::get<store::AuditCheckpoint>(std::move(line)));
    }
  }
  return verifier.finish();
}

ca::AuditReport verify_store(const Options& options) {
  const ServiceConfig config = required(load_service_config(options.config), kUsage);
  const fs::path key =
      options.key.empty() ? config.ca_dir / "audit.pub.pem" : fs::path(options.key);
  ca::AuditVerifier verifier(read_key(key), ca::AuditVerifier::Extent::whole);
  add_kept_checkpoints(verifier, options.checkpoint);
  const auto store = required(store::read_sqlite_store(config.store_file), kFailed);
  // The checkpoints first: a service may be writing, and what they cover is there from then on.
  // From below the first number that the service gives: who writes to the file may use others.
  constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
  for (std::int64_t after = kLowest;;) {
    auto page = required(store->audit_checkpoints(after, kPage), kFailed);
    if (page.empty()) break;
    after = page.back().sequence;
    for (auto& checkpoint : page) verifier.checkpoint(std::move(checkpoint));
  }
  for (store::AuditQuery query{.after = kLowest, .limit = kPage};;) {
    const auto page = required(store->audit_rows(query), kFailed);
    for (const auto& row : page.rows) verifier.row(row);
    if (page.next == 0) break;
    query.after = page.next;
  }
  return verifier.finish();
}

json::object report_object(const ca::AuditReport& report) {
  json::array findings;
  for (const auto& finding : report.findings) {
    findings.push_back(json::object{{"kind", ca::to_string(finding.kind)},
                                    {"first", finding.first},
                                    {"last", finding.last},
                                    {"text", finding.text}});
  }
  return {{"good", report.good()},
          {"rows", report.rows},
          {"first", report.first},
          {"last", report.last},
          {"checkpoints", report.checkpoints},
          {"signed_to", report.signed_to},
          {"before_chain", report.before_chain},
          {"findings", std::move(findings)},
          {"more_findings", report.more}};
}

std::string report_text(const ca::AuditReport& report) {
  std::string text = report.good() ? "good: " : "BAD: ";
  text += std::to_string(report.rows) + " rows, " + std::to_string(report.first) + " to " +
          std::to_string(report.last) + "; " + std::to_string(report.checkpoints) +
          " good checkpoints, the last at row " + std::to_string(report.signed_to) + "\n";
  for (const auto& finding : report.findings) {
    text += std::string(ca::to_string(finding.kind)) + ": " + finding.text + "\n";
  }
  if (report.more > 0) text += "and " + std::to_string(report.more) + " more\n";
  if (report.good() && report.signed_to < report.last) {
    text += "The " + std::to_string(report.last - report.signed_to) +
            " rows after the last checkpoint fit each other, but are not signed yet.\n";
  }
  if (report.before_chain > 0) {
    text +=
        std::to_string(report.before_chain) +
        " rows are from before there was a chain; they are signed since the first checkpoint.\n";
  }
  return text;
}

int verify(const Options& options, const std::string&) {
  if (options.config.empty() == options.file.empty()) {
    throw Failure(kUsage, "Say what to verify: --config countersign.toml, or --file EXPORT.");
  }
  if (!options.file.empty() && options.key.empty()) {
    throw Failure(kUsage, "--file needs --key: audit.pub.pem of the CA.");
  }
  const ca::AuditReport report =
      options.file.empty() ? verify_store(options) : verify_file(options);
  if (options.json) {
    print(json::serialize(report_object(report)) + "\n");
  } else if (report.rows == 0 && report.good()) {
    print_note("There is no row to verify.\n");
  } else {
    print(report_text(report));
  }
  if (!report.good()) return kFailed;
  return report.rows == 0 ? kNothing : kDone;
}

}  // namespace

void add_audit_verify(CLI::App& audit, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = audit.add_subcommand(
      "verify", "Find what was changed, taken out, moved or cut off; reads only");
  verb->add_option("--config", options->config,
                   "countersign.toml of the service; its store is read, also while it runs");
  verb->add_option("--file", options->file, "Instead: an export, - for the standard input");
  verb->add_option("--key", options->key, "audit.pub.pem (default with --config: the CA folder's)");
  verb->add_option("--checkpoint", options->checkpoint,
                   "Also hold it against checkpoints that were kept elsewhere: an older export");
  verb->add_flag("--json", options->json, "JSON");
  on_chosen(*verb, invocation, options, verify);
}

}  // namespace countersign::cli
