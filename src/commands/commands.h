// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_COMMANDS_COMMANDS_H_
#define NVUNLOCK_COMMANDS_COMMANDS_H_

#include "src/base/result.h"
#include "src/terminal/invocation.h"

namespace nvunlock {

Result<int> RunEnroll(const Invocation& invocation);
Result<int> RunUnlock(const Invocation& invocation);
Result<int> RunLoadKeys(const Invocation& invocation);
Result<int> RunFreezeSecurity(const Invocation& invocation);
Result<int> RunReseal(const Invocation& invocation);
Result<int> RunListSlots(const Invocation& invocation);
Result<int> RunWipeSlot(const Invocation& invocation);
Result<int> RunImageFiles(const Invocation& invocation);
Result<int> RunBackup(const Invocation& invocation);
Result<int> RunRestore(const Invocation& invocation);
Result<int> RunCheckImage(const Invocation& invocation);
Result<int> RunRefreshImages(const Invocation& invocation);
Result<int> RunLatch(const Invocation& invocation);
Result<int> RunApprove(const Invocation& invocation);
Result<int> RunStatus(const Invocation& invocation);
Result<int> RunVerify(const Invocation& invocation);
Result<int> RunSetupPassphrase(const Invocation& invocation);
Result<int> RunUpdatePassphrase(const Invocation& invocation);
Result<int> RunRemovePassphrase(const Invocation& invocation);
Result<int> RunSanitizeDimm(const Invocation& invocation);
Result<int> RunWaitOverwrite(const Invocation& invocation);
Result<int> RunEnableDimm(const Invocation& invocation);
Result<int> RunDisableDimm(const Invocation& invocation);
Result<int> RunRotateKek(const Invocation& invocation);
Result<int> RunSettle(const Invocation& invocation);
Result<int> RunList(const Invocation& invocation);

}  // namespace nvunlock

#endif  // NVUNLOCK_COMMANDS_COMMANDS_H_
