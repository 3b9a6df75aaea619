// SPDX-License-Identifier: Apache-2.0
#include "src/os/kmsg.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "src/base/unique_fd.h"

namespace nvunlock {

void WriteKernelLog(LogLevel level, std::string_view line) {
  UniqueFd fd(open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return;
  std::string record = "<" + std::to_string(static_cast<int>(level)) + ">nvunlock: ";
  record.append(line);
  [[maybe_unused]] ssize_t written = write(fd.get(), record.data(), record.size());
}

}  // namespace nvunlock
