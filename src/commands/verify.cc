// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/output.h"
#include "src/terminal/status_input.h"
#include "src/terminal/status_json.h"

namespace nvunlock {

Result<int> RunVerify(const Invocation& invocation) {
  StatusInput input = TRY(ReadStatus(invocation, /*with_images=*/false));
  const BootVerdict& verdict = input.verdict;
  if (input.as_json) {
    Print(FormatVerdict(verdict));
  } else {
    for (const Error& problem : verdict.problems) Print(Explain(problem) + "\n");
    for (const std::string& remark : verdict.remarks) Print("remark: " + remark + "\n");
    Print(DescribeVerdict(verdict) + "\n");
  }
  std::optional<Errc> failure = verdict.Verdict();
  return failure ? ExitCode(*failure) : 0;
}

}  // namespace nvunlock
