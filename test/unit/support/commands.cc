// SPDX-License-Identifier: Apache-2.0
#include "test/unit/support/commands.h"

#include <sys/wait.h>

#include <cstdio>
#include <stdexcept>

namespace nvunlock {

CommandOutcome TryCommand(const std::string& command) {
  FILE* pipe = popen(("{ " + command + "\n} 2>&1 </dev/null").c_str(), "re");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  CommandOutcome outcome;
  char buffer[4096];
  while (size_t count = fread(buffer, 1, sizeof(buffer), pipe)) {
    outcome.output.append(buffer, count);
  }
  int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

std::string RunCommand(const std::string& command) {
  CommandOutcome outcome = TryCommand(command);
  if (outcome.status != 0) {
    throw std::runtime_error(command + ": exit " + std::to_string(outcome.status) + "\n" +
                             outcome.output);
  }
  return outcome.output;
}

}  // namespace nvunlock
