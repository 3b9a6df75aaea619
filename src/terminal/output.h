// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/recovery.bats, test/cli/remedies.bats, test/cli/usage.bats.
#ifndef NVUNLOCK_TERMINAL_OUTPUT_H_
#define NVUNLOCK_TERMINAL_OUTPUT_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/os/kmsg.h"

namespace nvunlock {

/// TEXT on stdout.
void Print(std::string_view text);

/// JSON as text, for whatever leaves this program. What is not UTF-8 in it, as in the name of a
/// file, becomes U+FFFD; the library's own dump would abort.
std::string FormatJson(const nlohmann::ordered_json& json);

/// FormatJson on stdout.
void PrintJson(const nlohmann::ordered_json& json);

/// TEXT on stdout, with no copy of it left in a buffer. Fails when nobody can have seen it.
Result<void> PrintSecret(const Secret& text);

/// Whether stdout is a terminal.
bool PrintsToTerminal();

/// Whether stderr is a terminal.
bool ErrorsGoToTerminal();

/// TEXT on stderr in place of the last progress; for terminals.
void PrintProgress(std::string_view text);
/// Takes the last progress away.
void EndProgress();

/// Whether all that was printed could be written.
Result<void> FinishOutput();

/// "nvunlock: LINE" on stderr.
void PrintError(std::string_view line);

/// PrintError, and the same in the kernel log, which outlives the initramfs.
void PrintAndLog(LogLevel level, std::string_view line);

/// Cause and remedy in one line: the error's message, and what to do about errors of its code.
std::string Explain(const Error& error);

/// Prints ERROR with its remedy. Returns the exit code that belongs to it.
int Report(const Error& error);

/// Report for each of ERRORS; the exit code is that of the one that lies deepest, 0 where there is
/// none.
int ReportAll(const std::vector<Error>& errors);

constexpr int ExitCode(Errc code) {
  return static_cast<int>(code);
}

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_OUTPUT_H_
