#ifndef NVUNLOCK_COMMANDS_FINDINGS_JSON_H_
#define NVUNLOCK_COMMANDS_FINDINGS_JSON_H_

#include <string>

#include "src/status/status.h"
#include "src/status/verdict.h"

namespace nvunlock {

/// What `verify --json` prints.
std::string FormatJudgement(const Judgement& judgement);

/// What `status --json` prints: the same, and all findings.
std::string FormatFindings(const Findings& findings, const Judgement& judgement);

/// What `check-image --json` prints.
std::string FormatImageChecks(const std::vector<ImageCheck>& checks);

}  // namespace nvunlock

#endif  // NVUNLOCK_COMMANDS_FINDINGS_JSON_H_
