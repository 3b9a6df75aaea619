// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/pin.bats, test/cli/recovery.bats.
#ifndef NVUNLOCK_TERMINAL_QUESTIONS_H_
#define NVUNLOCK_TERMINAL_QUESTIONS_H_

#include <optional>
#include <string>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/kek_name.h"

namespace nvunlock {

/// The text that asks for what opens a recovery slot.
std::string RecoveryPrompt(const KekName& kek);

/// What somebody gives to open a recovery slot, asked for at the terminal.
Result<Secret> AskForRecovery(const KekName& kek);

/// The text that asks for a PIN.
std::string PinPrompt(const KekName& kek, const std::string& before, unsigned tries);

/// A PIN, asked for at the terminal.
Result<Secret> AskForPin(const KekName& kek, const std::string& before, unsigned tries);

/// A new PIN, asked for twice; nullopt unless WANTED.
Result<std::optional<Secret>> AskNewPin(bool wanted);

/// A new recovery passphrase, asked for twice, long enough to withstand offline guessing.
Result<Secret> AskNewPassphrase();

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_QUESTIONS_H_
