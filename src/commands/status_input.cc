#include "src/commands/status_input.h"

#include "src/commands/enroll_options.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/status/inspect.h"
#include "src/unlock/read_config.h"

namespace nvunlock {

Result<Look> TakeALook(const Invocation& invocation, bool with_images) {
  Environment environment = EnvironmentBelow("");
  std::string tpm_device;
  Look look;
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back(JsonOption(look.as_json));
  options.push_back(
      {"tpm2-device", "DEVICE", "overrides tpm2-device= of nvunlock.conf", Store(tpm_device)});
  options.push_back(SignatureFileOption(environment));
  TRY(ParseOptionsOnly(invocation, options));
  ParsedConfig parsed = ReadConfig(environment);
  environment.tpm_device = tpm_device.empty() ? parsed.config.tpm_device : tpm_device;
  look.findings = Inspect(environment, {.config = parsed.config, .with_images = with_images});
  for (std::string& complaint : parsed.complaints) {
    look.findings.remarks.push_back(std::move(complaint));
  }
  look.judgement = Judge(look.findings);
  return look;
}

std::string DescribeVerdict(const Judgement& judgement) {
  std::optional<Errc> verdict = judgement.Verdict();
  if (verdict) {
    return "no: the next boot will not unlock all DIMMs (" + std::to_string(ExitCode(*verdict)) +
           ")";
  }
  return judgement.pin ? "yes: the next boot will unlock, with a PIN"
                       : "yes: the next boot will unlock";
}

}  // namespace nvunlock
