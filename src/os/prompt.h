// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_OS_PROMPT_H_
#define NVUNLOCK_OS_PROMPT_H_

#include <string>

#include "src/base/result.h"
#include "src/base/secret.h"

namespace nvunlock {

struct Question {
  std::string text;
  unsigned timeout_seconds = 0;  ///< after it there is no answer; 0: waits for ever
};

/// What somebody types, without the newline, and not shown: on the terminal that standard input is,
/// or else a line of standard input. An empty or too long answer is an error.
Result<Secret> AskSecret(const Question& question);

/// AskSecret for a boot, where nobody has given us a terminal: through systemd-ask-password(1), and
/// so through plymouth, where that runs, else on the console.
Result<Secret> AskSecretAtBoot(const Question& question);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_PROMPT_H_
