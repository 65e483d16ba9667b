#include "cli/import_report.h"

#include <algorithm>
#include <boost/json.hpp>

#include "cli/terminal.h"

namespace countersign::cli {
namespace {

namespace json = boost::json;

std::string line(const char* name, const std::string& value) {
  std::string label = name;
  label.resize(16, ' ');
  return value.empty() ? std::string() : "  " + label + escaped(value) + "\n";
}

// JSON is UTF-8, and names of files are anything. Lines stay lines.
std::string utf8(std::string_view text) {
  std::string whole;
  for (;;) {
    const std::size_t end = text.find('\n');
    whole += escaped(text.substr(0, end));
    if (end == std::string_view::npos) return whole;
    whole += '\n';
    text.remove_prefix(end + 1);
  }
}

std::string counted(std::size_t count, const char* what) {
  return count == 0 ? std::string() : ", " + std::to_string(count) + " " + what;
}

std::string place(const Finding& at) {
  std::string text = escaped(at.file);
  if (at.line > 0) text += ":" + std::to_string(at.line);
  return text.empty() ? text : text + ": ";
}

// The keys of the table, without heading and comment.
std::string settings_text(std::string_view table) {
  std::string text;
  while (!table.empty()) {
    const std::string_view one = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(one.size() + 1, table.size()));
    if (!one.starts_with('[') && !one.starts_with('#')) {
      text += line(text.empty() ? "settings" : "", std::string(one));
    }
  }
  return text;
}

std::string findings_text(const Findings& findings, Severity severity, const char* heading) {
  std::string text;
  for (const auto& [kind, at] : findings.entries()) {
    if (kind == severity) text += "  " + place(at) + escaped(at.text) + "\n";
  }
  return text.empty() ? text : std::string(heading) + "\n" + text;
}

}  // namespace

std::string report_text(const ImportReport& report) {
  std::string text = "Puppet CA " + escaped(report.source) + "\n";
  if (!report.ca.empty()) {
    text += line("CA", report.ca + ", chain of " + std::to_string(report.chain));
    text += line("certificates",
                 std::to_string(report.certificates) + counted(report.current, "stand for a name") +
                     counted(report.without_file, "known by inventory or CRL alone") +
                     counted(report.revoked, "revoked") +
                     counted(report.revoked_unknown, "of them unknown but revoked"));
    text += line("requests", std::to_string(report.requests));
    text += line("next serial", report.next_serial);
    text += line("CRL number", std::to_string(report.crl_number));
    text += line("puppet.conf", report.puppet_conf);
    text += line("ca.conf", report.ca_conf);
    text += settings_text(report.settings);
    std::string names;
    for (const std::string& name : report.hostnames) names += (names.empty() ? "" : ", ") + name;
    text += line("host names", names);
    text += line("operator", report.first_operator);
  }
  return text + findings_text(report.findings, Severity::fatal, "Not possible") +
         findings_text(report.findings, Severity::damage, "Damaged") +
         findings_text(report.findings, Severity::warning, "Warnings") +
         findings_text(report.findings, Severity::left, "Not carried over") +
         findings_text(report.findings, Severity::note, "Notes");
}

std::string report_json(const ImportReport& report) {
  json::array findings;
  for (const auto& [severity, at] : report.findings.entries()) {
    findings.push_back(json::object{{"severity", to_string(severity)},
                                    {"file", utf8(at.file)},
                                    {"line", at.line},
                                    {"text", utf8(at.text)}});
  }
  json::array hostnames;
  for (const std::string& name : report.hostnames) hostnames.emplace_back(name);
  const json::object all{{"source", utf8(report.source)},
                         {"target", utf8(report.target)},
                         {"dry_run", report.dry_run},
                         {"refused", report.refused},
                         {"ca", utf8(report.ca)},
                         {"chain", report.chain},
                         {"next_serial", report.next_serial},
                         {"crl_number", report.crl_number},
                         {"certificates", report.certificates},
                         {"current", report.current},
                         {"without_file", report.without_file},
                         {"revoked", report.revoked},
                         {"revoked_unknown", report.revoked_unknown},
                         {"requests", report.requests},
                         {"puppet_conf", utf8(report.puppet_conf)},
                         {"ca_conf", utf8(report.ca_conf)},
                         {"settings", utf8(report.settings)},
                         {"hostnames", std::move(hostnames)},
                         {"operator", utf8(report.first_operator)},
                         {"findings", std::move(findings)}};
  return json::serialize(all) + "\n";
}

}  // namespace countersign::cli
