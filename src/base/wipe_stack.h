// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_BASE_WIPE_STACK_H_
#define NVUNLOCK_BASE_WIPE_STACK_H_

namespace nvunlock {

/// Overwrites the stack below the caller, where library functions that have returned leave what
/// they worked with. (OpenSSL copies the content of a CMS message through a buffer there.)
void WipeStack();

/// Calls WipeStack at the end of a scope.
class StackWiper {
 public:
  StackWiper() = default;
  StackWiper(const StackWiper&) = delete;
  StackWiper& operator=(const StackWiper&) = delete;
  ~StackWiper() { WipeStack(); }
};

}  // namespace nvunlock

#endif  // NVUNLOCK_BASE_WIPE_STACK_H_
