#include "ca/autosign.h"

#include <unistd.h>

#include "base/file_system.h"
#include "base/log.h"
#include "ca/external_program.h"
#include "policy/puppet_autosign.h"

namespace countersign::ca {
namespace {

using Autosign = PuppetSettings::Autosign;

constexpr std::size_t kListBytes = 64U << 20U;

bool executable(const std::filesystem::path& file) { return ::access(file.c_str(), X_OK) == 0; }

Result<AutosignAnswer> ask_program(const PuppetSettings& settings, const std::string& certname,
                                   const std::string& csr) {
  const auto ran = run_program(settings.autosign_file, certname, csr, settings.autosign_deadline);
  if (ran.has_error()) return ran.error();
  if (!ran->error_output.empty()) {
    log::warn("autosign_program_stderr", {{"certname", certname}, {"stderr", ran->error_output}});
  }
  if (ran->exit_code == 0) return AutosignAnswer{true, ""};
  log::warn("autosign_program_rejected", {{"certname", certname}, {"exit_code", ran->exit_code}});
  return AutosignAnswer{
      false, "rejected by the autosign program, exit code " + std::to_string(ran->exit_code)};
}

Result<AutosignAnswer> ask_list(const std::filesystem::path& file, const std::string& certname) {
  const auto text = system_files().read(file, kListBytes);
  if (text.has_error()) {
    if (text.error().code != Code::not_found) return text.error();
    return AutosignAnswer{false, "the autosign file does not exist"};
  }
  const auto list = policy::AutosignList::parse(*text);
  for (const std::string& line : list.invalid()) {
    log::error("autosign_pattern_invalid", {{"file", file.native()}, {"line", line}});
  }
  if (list.matches(certname)) return AutosignAnswer{true, ""};
  return AutosignAnswer{false, "not in the autosign list"};
}

}  // namespace

bool autosign_runs_program(const PuppetSettings& settings) {
  return settings.autosign == Autosign::file && executable(settings.autosign_file);
}

Result<AutosignAnswer> ask_autosign(const PuppetSettings& settings, const std::string& certname,
                                    const std::string& csr) {
  switch (settings.autosign) {
    case Autosign::all:
      return AutosignAnswer{true, ""};
    case Autosign::file:
      if (executable(settings.autosign_file)) return ask_program(settings, certname, csr);
      return ask_list(settings.autosign_file, certname);
    case Autosign::none:
    case Autosign::unset:
      break;
  }
  return AutosignAnswer{false, "puppet autosign is off"};
}

}  // namespace countersign::ca
