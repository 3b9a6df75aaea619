#include "src/commands/findings_json.h"
#include "src/commands/output.h"
#include "src/commands/status_input.h"

namespace nvunlock {

Result<int> RunVerify(const Invocation& invocation) {
  Look look = TRY(TakeALook(invocation, /*with_images=*/false));
  const Judgement& judgement = look.judgement;
  if (look.as_json) {
    Print(FormatJudgement(judgement));
  } else {
    for (const Error& problem : judgement.problems) Print(Explain(problem) + "\n");
    for (const std::string& remark : judgement.remarks) Print("remark: " + remark + "\n");
    Print(DescribeVerdict(judgement) + "\n");
  }
  std::optional<Errc> verdict = judgement.Verdict();
  return verdict ? ExitCode(*verdict) : 0;
}

}  // namespace nvunlock
