// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_LATCH_CHOICE_H_
#define NVUNLOCK_MODEL_LATCH_CHOICE_H_

#include <string>
#include <string_view>

#include "src/base/result.h"

namespace nvunlock {

enum class LatchKind {
  kNone,
  kNv,   ///< an NV index that is read-locked after use
  kPcr,  ///< a PCR that must be at zero and is extended after use
};

/// What makes a second unseal impossible until the TPM is reset.
struct LatchChoice {
  LatchKind kind = LatchKind::kNv;
  unsigned pcr = 0;  ///< of kPcr

  bool operator==(const LatchChoice&) const = default;
};

/// Parses "nv", "pcr:N" or "none". Fails with kUsage, also for PCRs that the firmware extends
/// (0 to 7) and for those that software can reset or that only a late launch extends (16 to 23).
Result<LatchChoice> ParseLatchChoice(std::string_view text);

/// The text that ParseLatchChoice takes.
std::string ToText(const LatchChoice& choice);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_LATCH_CHOICE_H_
