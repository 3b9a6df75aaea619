// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_PASSPHRASE_DIMM_RESULT_H_
#define NVUNLOCK_PASSPHRASE_DIMM_RESULT_H_

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/dimm.h"

namespace nvunlock {

/// What became of one DIMM that a command was to work on.
struct DimmResult {
  Dimm dimm;                         ///< as it is afterwards
  std::vector<std::string> planned;  ///< what would be done, when nothing was to be done
  std::optional<Error> problem;
};

/// What became of all of them.
struct DimmReport {
  std::vector<DimmResult> dimms;
  std::vector<Error> problems;  ///< that are not one DIMM's
  std::vector<std::string> notes;

  [[nodiscard]] size_t CountDone() const {
    return static_cast<size_t>(std::count_if(
        dimms.begin(), dimms.end(), [](const DimmResult& result) { return !result.problem; }));
  }

  [[nodiscard]] bool Succeeded() const { return problems.empty() && CountDone() == dimms.size(); }
};

/// Is told each step when it is done.
using StepListener = std::function<void(const std::string& step)>;

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_DIMM_RESULT_H_
