// SPDX-License-Identifier: Apache-2.0
#include "src/os/work_limit.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

namespace nvunlock {
namespace {

constexpr std::string_view kFarewell =
    "nvunlock: gave up: the TPM or a DIMM does not respond; power-cycle the machine\n";

/// Nothing but calls that are safe in a signal handler.
void GiveUp(int /*signal*/) {
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, kFarewell.data(), kFarewell.size());
  _exit(1);
}

}  // namespace

void LimitWork(unsigned seconds) {
  struct sigaction action = {};
  action.sa_handler = GiveUp;
  sigaction(SIGALRM, &action, nullptr);
  alarm(seconds);
}

WorkPause::WorkPause() : seconds_left_(alarm(0)) {}

WorkPause::~WorkPause() {
  alarm(seconds_left_);
}

}  // namespace nvunlock
