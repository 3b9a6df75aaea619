// SPDX-License-Identifier: Apache-2.0
#include "src/model/config.h"

#include <algorithm>
#include <utility>

#include "src/base/text.h"

namespace nvunlock {
namespace {

struct Setting {
  std::string_view key;
  std::string_view value;
};

/// nullopt when LINE has no "=".
std::optional<Setting> ParseSetting(std::string_view line) {
  size_t equals = line.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  return Setting{Trim(line.substr(0, equals)), Trim(line.substr(equals + 1))};
}

bool IsBlankOrComment(std::string_view line) {
  return line.empty() || line.starts_with('#');
}

/// The value that goes with WORD, or false when there is none.
template <typename T, size_t N>
bool Choose(std::string_view word, const std::pair<const char*, T> (&choices)[N], T& chosen) {
  for (const auto& [name, value] : choices) {
    if (word != name) continue;
    chosen = value;
    return true;
  }
  return false;
}

constexpr std::pair<const char*, bool> kBooleans[] = {{"yes", true}, {"no", false}};
constexpr std::pair<const char*, bool> kSwitch[] = {{"on", false}, {"off", true}};
constexpr std::pair<const char*, KekKeyring> kKeyrings[] = {{"process", KekKeyring::kProcess},
                                                            {"user", KekKeyring::kUser}};
constexpr std::pair<const char*, Updates> kUpdates[] = {{"unattended", Updates::kUnattended},
                                                        {"attended", Updates::kAttended}};
constexpr std::pair<const char*, OnFailure> kFailurePolicies[] = {
    {"hold", OnFailure::kHold},
    {"proceed", OnFailure::kProceed},
    {"poweroff", OnFailure::kPowerOff}};

/// A day. What is waited for in milliseconds, or in steps, stays far from any limit of a number.
constexpr unsigned kMostSeconds = 86400;

bool ParseSeconds(std::string_view text, unsigned& seconds, unsigned least = 1) {
  std::optional<unsigned> number = ParseUnsigned(text);
  if (!number || *number < least || *number > kMostSeconds) return false;
  seconds = *number;
  return true;
}

bool Apply(const Setting& setting, Config& config) {
  if (setting.key == "kek-keyring") return Choose(setting.value, kKeyrings, config.kek_keyring);
  if (setting.key == "updates") return Choose(setting.value, kUpdates, config.updates);
  if (setting.key == "key-revalidate")
    return Choose(setting.value, kBooleans, config.key_revalidate);
  if (setting.key == "on-failure")
    return Choose(setting.value, kFailurePolicies, config.on_failure);
  if (setting.key == "recovery-prompt") {
    return Choose(setting.value, kBooleans, config.recovery_prompt);
  }
  if (setting.key == "recovery-passphrase-in-initramfs") {
    return Choose(setting.value, kBooleans, config.recovery_passphrase_in_initramfs);
  }
  if (setting.key == "recovery-timeout") {
    return ParseSeconds(setting.value, config.recovery_timeout);
  }
  if (setting.key == "tpm2-timeout") return ParseSeconds(setting.value, config.tpm_timeout, 0);
  if (setting.key == "tpm2-device" && !setting.value.empty()) {
    config.tpm_device = setting.value;
    return true;
  }
  if (setting.key == "rebuild-images" && !setting.value.empty()) {
    config.rebuild_images = setting.value;
    return true;
  }
  return false;
}

bool ApplyFromCommandLine(const Setting& setting, Config& config) {
  if (setting.key == "nvunlock") return Choose(setting.value, kSwitch, config.off);
  if (setting.key == "nvunlock.freeze") return Choose(setting.value, kBooleans, config.freeze);
  if (setting.key == "nvunlock.on-failure") {
    return Choose(setting.value, kFailurePolicies, config.on_failure);
  }
  if (setting.key == "nvunlock.timeout") {
    if (!ParseSeconds(setting.value, config.tpm_timeout)) return false;
    config.recovery_timeout = config.tpm_timeout;
    return true;
  }
  return false;
}

std::string Complaint(std::string_view what, const std::optional<Setting>& setting) {
  bool takes_seconds = setting && setting->key.ends_with("timeout");
  std::string why = takes_seconds ? "it takes seconds, at most " + std::to_string(kMostSeconds)
                                  : "no such setting or value";
  return "'" + std::string(what) + "' is ignored: " + why;
}

}  // namespace

void ApplyCommandLine(std::string_view command_line, ParsedConfig& parsed) {
  for (std::string_view word : Split(Trim(command_line), ' ')) {
    if (word == "--") return;  // what follows is init's
    std::string key(word.substr(0, word.find('=')));
    std::replace(key.begin(), key.end(), '_', '-');
    if (key != "nvunlock" && !key.starts_with("nvunlock.")) continue;
    std::optional<Setting> setting = ParseSetting(word);
    if (setting) setting->key = key;
    if (!setting || !ApplyFromCommandLine(*setting, parsed.config)) {
      parsed.complaints.push_back("kernel command line: " + Complaint(word, setting));
    }
  }
}

ParsedConfig ParseConfig(std::string_view text) {
  ParsedConfig parsed;
  for (std::string_view line : Split(text, '\n')) {
    line = Trim(line);
    if (IsBlankOrComment(line)) continue;
    std::optional<Setting> setting = ParseSetting(line);
    if (!setting || !Apply(*setting, parsed.config)) {
      parsed.complaints.push_back(Complaint(line, setting));
    }
  }
  return parsed;
}

Result<ImageFacts> ParseImageFacts(std::string_view text) {
  ImageFacts facts;
  bool has_enrolled = false;
  for (std::string_view line : Split(text, '\n')) {
    line = Trim(line);
    if (IsBlankOrComment(line)) continue;
    std::optional<Setting> setting = ParseSetting(line);
    if (setting && setting->key == "enrolled") {
      has_enrolled = Choose(setting->value, kBooleans, facts.enrolled);
    } else if (setting && setting->key == "host") {
      facts.host = setting->value;
    }
  }
  if (!has_enrolled) return Fail("it does not say enrolled=yes or enrolled=no");
  return facts;
}

}  // namespace nvunlock
