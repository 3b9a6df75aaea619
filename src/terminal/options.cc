// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/options.h"

#include <getopt.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "src/base/text.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

/// getopt_long hands back 256 + index for the option at that index.
constexpr int kFirstOption = 256;

bool HasOptionalValue(const Option& option) {
  return option.value_name != nullptr && option.value_name[0] == '[';
}

int ArgumentOf(const Option& option) {
  if (option.value_name == nullptr) return no_argument;
  return HasOptionalValue(option) ? optional_argument : required_argument;
}

std::vector<struct option> LongOptions(const std::vector<Option>& options) {
  std::vector<struct option> table;
  for (size_t i = 0; i < options.size(); i++) {
    table.push_back(
        {options[i].name, ArgumentOf(options[i]), nullptr, kFirstOption + static_cast<int>(i)});
  }
  table.push_back({"help", no_argument, nullptr, 'h'});
  table.push_back({nullptr, 0, nullptr, 0});
  return table;
}

std::string ShortOptions(const std::vector<Option>& options) {
  std::string letters = ":h";  // the colon tells a missing value from an unknown option
  for (const Option& option : options) {
    if (option.letter == 0) continue;
    letters += option.letter;
    if (option.value_name != nullptr) letters += ':';
  }
  return letters;
}

const Option* FindOption(const std::vector<Option>& options, int found) {
  if (found >= kFirstOption) return &options[static_cast<size_t>(found - kFirstOption)];
  for (const Option& option : options) {
    if (option.letter == found) return &option;
  }
  return nullptr;
}

std::string FormatOptions(std::vector<Option> options) {
  options.push_back({"help", nullptr, "show this help", {}, 'h'});
  std::string text;
  for (const Option& option : options) {
    std::string left = option.letter != 0 ? std::string("  -") + option.letter + ", --" : "  --";
    left += option.name;
    if (option.value_name != nullptr) {
      left += std::string(HasOptionalValue(option) ? "" : "=") + option.value_name;
    }
    constexpr size_t kHelpColumn = 30;
    left.append(left.size() < kHelpColumn ? kHelpColumn - left.size() : 1, ' ');
    text += left + option.help + "\n";
  }
  return text;
}

void PrintHelp(const Command& command, const std::vector<Option>& options) {
  Print(std::string("usage: nvunlock ") + command.name + " " + command.synopsis + "\n" +
        command.summary + "\n\n" + FormatOptions(options));
}

bool IsAmbiguous(std::string_view word, const std::vector<Option>& options) {
  if (!word.starts_with("--")) return false;
  std::string_view name = word.substr(2, word.find('=') - 2);
  return std::count_if(options.begin(), options.end(), [&](const Option& option) {
           return std::string_view(option.name).starts_with(name);
         }) > 1;
}

/// What getopt_long found wrong: it has returned FOUND, and put the option's value into optopt.
std::string Complaint(const Invocation& invocation, const std::vector<Option>& options, int found) {
  std::string letter(1, static_cast<char>(optopt));
  bool is_letter = optopt > 0 && optopt < kFirstOption;
  std::string word = optind > 0 ? invocation.argv[optind - 1] : "";
  if (found == ':') return "option '" + (is_letter ? "-" + letter : word) + "' needs a value";
  if (optopt >= kFirstOption || word.starts_with("--help="))
    return "option '" + word + "' takes no value";
  if (is_letter) return "invalid option -- '" + letter + "'";
  return (IsAmbiguous(word, options) ? "ambiguous option '" : "unrecognized option '") + word + "'";
}

Failure UsageError(const Invocation& invocation, const std::string& complaint) {
  return Fail(Errc::kUsage, complaint + "; see 'nvunlock " + invocation.command.name + " --help'");
}

Result<void> SetKeyring(Environment& environment, std::string_view value) {
  if (value == "@u") {
    environment.keyring = KEY_SPEC_USER_KEYRING;
    return {};
  }
  key_serial_t serial = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), serial);
  if (error != std::errc() || end != value.data() + value.size() || serial <= 0) {
    return Fail(Errc::kUsage, "--keyring takes @u or the serial number of a keyring");
  }
  environment.keyring = serial;
  return {};
}

Result<void> SetRoot(Environment& environment, std::string_view value) {
  Environment moved = EnvironmentBelow(std::string(value));
  moved.tpm_device = environment.tpm_device;
  moved.keyring = environment.keyring;
  bool keys_moved = environment.keys_dir != EnvironmentBelow(environment.root).keys_dir;
  if (keys_moved) moved.keys_dir = environment.keys_dir;
  environment = std::move(moved);
  return {};
}

}  // namespace

Result<std::vector<std::string>> ParseOptions(const Invocation& invocation,
                                              const std::vector<Option>& options) {
  std::vector<struct option> table = LongOptions(options);
  std::string letters = ShortOptions(options);
  optind = 1;
  opterr = 0;  // its own words begin with the command's name
  for (;;) {
    int found =
        getopt_long(invocation.argc, invocation.argv, letters.c_str(), table.data(), nullptr);
    if (found == -1) break;
    if (found == 'h') {
      PrintHelp(invocation.command, options);
      exit(0);
    }
    const Option* option = FindOption(options, found);
    if (option == nullptr) return UsageError(invocation, Complaint(invocation, options, found));
    TRY(option->apply(optarg != nullptr ? optarg : ""));
  }
  return std::vector<std::string>(invocation.argv + optind, invocation.argv + invocation.argc);
}

Result<void> ParseOptionsOnly(const Invocation& invocation, const std::vector<Option>& options) {
  std::vector<std::string> rest = TRY(ParseOptions(invocation, options));
  if (!rest.empty()) return UsageError(invocation, "unexpected argument '" + rest[0] + "'");
  return {};
}

std::function<Result<void>(std::string_view)> Store(std::string& target) {
  return [&target](std::string_view value) -> Result<void> {
    target = value;
    return {};
  };
}

std::function<Result<void>(std::string_view)> StoreName(std::string& target) {
  return [&target](std::string_view value) -> Result<void> {
    if (Trim(value).empty()) return Fail(Errc::kUsage, "an option has an empty name as its value");
    target = value;
    return {};
  };
}

std::function<Result<void>(std::string_view)> Set(bool& target) {
  return [&target](std::string_view) -> Result<void> {
    target = true;
    return {};
  };
}

Option TpmDeviceOption(Environment& environment) {
  return {"tpm2-device", "DEVICE", "auto, a device, or swtpm:path=SOCKET [auto]",
          Store(environment.tpm_device)};
}

Option KekOption(KekName& kek) {
  return {"kek", "TYPE:NAME", "the kek's name in the kernel [user:nvdimm-master]",
          [&kek](std::string_view value) -> Result<void> {
            Result<KekName> name = ParseKekName(value);
            if (!name) return Fail(Errc::kUsage, name.error().message);
            kek = std::move(*name);
            return {};
          }};
}

Option JsonOption(bool& as_json) {
  return {"json", nullptr, "print JSON", Set(as_json)};
}

Option WorkLimitOption(unsigned& seconds) {
  return {"work-limit", "SECONDS", "give up after this time, not counting prompts [600]",
          [&](std::string_view value) -> Result<void> {
            std::optional<unsigned> parsed = ParseUnsigned(value);
            if (!parsed) return Fail(Errc::kUsage, "--work-limit takes a number of seconds");
            seconds = *parsed;
            return {};
          }};
}

void Append(std::vector<Option>& options, std::vector<Option> more) {
  std::move(more.begin(), more.end(), std::back_inserter(options));
}

std::vector<Option> EnvironmentOptions(Environment& environment) {
  return {
      {"root", "DIR", "look for /sys, /etc, /run and /lib/modules below DIR",
       [&](std::string_view value) { return SetRoot(environment, value); }},
      {"keys-dir", "DIR", "keys directory [/etc/ndctl/keys]", Store(environment.keys_dir)},
      {"keyring", "KEYRING", "keyring for DIMM keys: @u or a serial number [@u]",
       [&](std::string_view value) { return SetKeyring(environment, value); }},
  };
}

}  // namespace nvunlock
