// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/status_input.h"

#include "src/status/inspect.h"
#include "src/terminal/enroll_options.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"
#include "src/unlock/read_config.h"

namespace nvunlock {

Result<StatusInput> ReadStatus(const Invocation& invocation, bool with_images) {
  Environment environment = EnvironmentBelow("");
  std::string tpm_device;
  StatusInput input;
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back(JsonOption(input.as_json));
  options.push_back(
      {"tpm2-device", "DEVICE", "overrides tpm2-device= of nvunlock.conf", Store(tpm_device)});
  options.push_back(SignatureFileOption(environment));
  TRY(ParseOptionsOnly(invocation, options));
  ParsedConfig parsed = ReadConfig(environment);
  environment.tpm_device = tpm_device.empty() ? parsed.config.tpm_device : tpm_device;
  input.status = Inspect(environment, {.config = parsed.config, .with_images = with_images});
  for (std::string& complaint : parsed.complaints) {
    input.status.remarks.push_back(std::move(complaint));
  }
  input.verdict = Judge(input.status);
  return input;
}

std::string DescribeVerdict(const BootVerdict& verdict) {
  std::optional<Errc> failure = verdict.Verdict();
  if (failure) {
    return "no: the next boot will not unlock all DIMMs (" + std::to_string(ExitCode(*failure)) +
           ")";
  }
  return verdict.pin ? "yes: the next boot will unlock, with a PIN"
                     : "yes: the next boot will unlock";
}

}  // namespace nvunlock
