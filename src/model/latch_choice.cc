// SPDX-License-Identifier: Apache-2.0
#include "src/model/latch_choice.h"

#include "src/base/text.h"

namespace nvunlock {

Result<LatchChoice> ParseLatchChoice(std::string_view text) {
  constexpr std::string_view kPcrPrefix = "pcr:";
  if (text == "none") return LatchChoice{LatchKind::kNone};
  if (text == "nv") return LatchChoice{LatchKind::kNv};
  std::optional<unsigned> pcr =
      text.starts_with(kPcrPrefix) ? ParseUnsigned(text.substr(kPcrPrefix.size())) : std::nullopt;
  if (!pcr) {
    return Fail(Errc::kUsage, "no latch '" + std::string(text) + "'; there are nv, pcr:N and none");
  }
  if (*pcr < 8 || *pcr > 15) {
    return Fail(Errc::kUsage, "PCR " + std::to_string(*pcr) +
                                  " is no latch: the firmware extends 0 to 7, and software can "
                                  "reset 16 and above; take one of 8 to 15");
  }
  return LatchChoice{LatchKind::kPcr, *pcr};
}

std::string ToText(const LatchChoice& choice) {
  switch (choice.kind) {
    case LatchKind::kNone:
      return "none";
    case LatchKind::kNv:
      return "nv";
    case LatchKind::kPcr:
      break;
  }
  return "pcr:" + std::to_string(choice.pcr);
}

}  // namespace nvunlock
