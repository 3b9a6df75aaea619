// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_CLEAR_BUS_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_CLEAR_BUS_H_

namespace nvunlock {

/// As long as it lives, sessions with a TPM are neither salted nor do they encrypt parameters. It
/// works through the linker, which lets the unit tests' program, and no other, call our functions
/// where ESYS's are meant.
class ClearBus {
 public:
  ClearBus();
  ClearBus(const ClearBus&) = delete;
  ClearBus& operator=(const ClearBus&) = delete;
  ~ClearBus();
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_CLEAR_BUS_H_
