// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_OS_WORK_LIMIT_H_
#define NVUNLOCK_OS_WORK_LIMIT_H_

namespace nvunlock {

/// Enough for what must run before a machine can boot: the kernel waits two minutes at most for an
/// answer of the TPM, and some seconds for one of a DIMM.
inline constexpr unsigned kWorkSeconds = 600;

/// From now on the process ends, with a line on stderr and exit code 1, when it has taken longer
/// than SECONDS, WorkPauses not counted. 0: whenever it likes.
void LimitWork(unsigned seconds);

/// A wait that has a limit of its own, for a person or a device, as long as it lives.
class WorkPause {
 public:
  WorkPause();
  WorkPause(const WorkPause&) = delete;
  WorkPause& operator=(const WorkPause&) = delete;
  ~WorkPause();

 private:
  unsigned seconds_left_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_WORK_LIMIT_H_
