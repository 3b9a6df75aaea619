// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/usage.bats.
#ifndef NVUNLOCK_TERMINAL_OPTIONS_H_
#define NVUNLOCK_TERMINAL_OPTIONS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/kek_name.h"
#include "src/terminal/invocation.h"

namespace nvunlock {

/// One option of a command: what getopt_long(3) gets to know, and what --help says.
struct Option {
  const char* name;
  const char* value_name;  ///< nullptr: it takes no value; "[=NAME]": it may have one
  const char* help;
  std::function<Result<void>(std::string_view value)> apply;
  char letter = 0;
};

/// Calls `apply` for each option of the invocation. Returns the other arguments. Anything unknown
/// fails with kUsage; -h and --help print the command's help and end the program.
Result<std::vector<std::string>> ParseOptions(const Invocation& invocation,
                                              const std::vector<Option>& options);

/// For commands that take nothing but options.
Result<void> ParseOptionsOnly(const Invocation& invocation, const std::vector<Option>& options);

/// An apply function that stores the value as it is.
std::function<Result<void>(std::string_view)> Store(std::string& target);

/// The same for the name of a device, which cannot be empty: an empty variable of a script must not
/// mean all of them.
std::function<Result<void>(std::string_view)> StoreName(std::string& target);

/// An apply function that sets a flag.
std::function<Result<void>(std::string_view)> Set(bool& target);

/// --kek.
Option KekOption(KekName& kek);

/// --tpm2-device.
Option TpmDeviceOption(Environment& environment);

/// --json.
Option JsonOption(bool& as_json);

/// --work-limit, for the LimitWork that follows.
Option WorkLimitOption(unsigned& seconds);

/// Adds MORE to OPTIONS.
void Append(std::vector<Option>& options, std::vector<Option> more);

/// The options that move ENVIRONMENT, which must outlive them: --root, --keys-dir, --keyring.
std::vector<Option> EnvironmentOptions(Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_OPTIONS_H_
