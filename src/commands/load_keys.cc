// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/load_keys.h"

#include "src/commands/commands.h"
#include "src/os/file.h"
#include "src/terminal/enroll_options.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"
#include "src/terminal/questions.h"

namespace nvunlock {
namespace {

/// Time for DIMM operations after boot; then the keys are gone from the keyring again.
constexpr unsigned kRecoveredSeconds = 900;

Option TpmHandleOption() {
  return {
      "tpm-handle", "HANDLE", "the TPM's key for a trusted kek (not supported yet)",
      [](std::string_view) -> Result<void> {
        return Fail(
            "--tpm-handle is for trusted keks, which are not supported yet; use 'ndctl load-keys'");
      },
      't'};
}

/// ndctl's words, and the failures that it does not count.
int PrintResult(const LoadedKeys& loaded) {
  for (const std::string& note : loaded.notes) PrintError(note);
  if (loaded.keks_loaded > 0) Print("nvdimm master key loaded.\n");
  Print(std::to_string(loaded.keys.size()) + " nvdimm keys loaded\n");
  int exit_code = 0;
  for (const Error& problem : loaded.problems) exit_code = Report(problem);
  for (const auto& [id, error] : loaded.failed) {
    int code = Report(Error(error).Within("nvdimm:" + id.canonical()));
    if (exit_code == 0) exit_code = code;
  }
  return exit_code;
}

Result<LoadedKeys> LoadAll(const Environment& environment, bool recovery) {
  if (!IsDirectory(environment.keys_dir)) {
    return Fail("there is no keys directory " + environment.keys_dir);
  }
  TRY(JoinSessionWith(Keyring(environment.keyring)));
  TpmConnection tpm(environment.tpm_device);
  LoadKeysOptions options = {.keyring = Keyring(environment.keyring),
                             .keep_kek = true,
                             .all_keks = true,
                             .clear_keks = true,
                             .host = environment.host,
                             .signature_files = environment.signature_files,
                             .ask_pin = AskForPin};
  if (recovery) {
    options.recovery_only = true;
    options.expire_seconds = kRecoveredSeconds;
    options.ask_recovery = [](const KekName& kek, const Error& /*why*/) {
      return AskForRecovery(kek);
    };
  }
  return LoadKeys(KeyStore(environment.keys_dir), tpm, options);
}

}  // namespace

Result<int> RunLoadKeys(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back(
      {"key-path", "DIR", "the same as --keys-dir", Store(environment.keys_dir), 'p'});
  options.push_back(TpmDeviceOption(environment));
  options.push_back(TpmHandleOption());
  options.push_back(SignatureFileOption(environment));
  bool recovery = false;
  options.push_back(
      {"recovery", nullptr,
       "ask for a recovery key or passphrase instead of the TPM; the keys expire after 15 minutes",
       Set(recovery)});
  TRY(ParseOptionsOnly(invocation, options));
  LoadedKeys loaded = TRY(LoadAll(environment, recovery));
  return PrintResult(loaded);
}

}  // namespace nvunlock
