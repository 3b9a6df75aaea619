// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_RECORDS_UNLEARNT_H_
#define NVUNLOCK_RECORDS_UNLEARNT_H_

#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/kek_name.h"

namespace nvunlock {

/// The file in the run directory with those keks that a recovery slot opened in this boot, or for
/// which boots were approved by their number.
/// nvunlock-learn.service waits for it.
inline constexpr char kUnlearntFile[] = "learn";

/// Adds KEK to them.
Result<void> RecordUnlearnt(const Environment& environment, const KekName& kek);

/// The keks of that file; empty when there is none.
Result<std::vector<KekName>> ReadUnlearnt(const Environment& environment);

/// Removes that file.
Result<void> ForgetUnlearnt(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_RECORDS_UNLEARNT_H_
