#include "src/procedures/load_keys.h"

#include "src/commands/commands.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/os/process.h"

namespace nvunlock {
namespace {

/// ndctl's words, and the failures that it does not count.
int PrintResult(const LoadedKeys& loaded) {
  for (const std::string& note : loaded.notes) PrintError(note);
  if (loaded.keks_loaded > 0) Print("nvdimm master key loaded.\n");
  Print(std::to_string(loaded.keys.size()) + " nvdimm keys loaded\n");
  int exit_code = 0;
  for (const Error& problem : loaded.problems) exit_code = Report(problem);
  for (const auto& [id, error] : loaded.failed) {
    int code = Report(Error(error).Within("nvdimm:" + id));
    if (exit_code == 0) exit_code = code;
  }
  return exit_code;
}

Result<LoadedKeys> LoadAll(const Environment& environment) {
  TRY(JoinSessionWith(Keyring(environment.keyring)));
  TpmConnection tpm(environment.tpm_device);
  return LoadKeys(KeyStore(environment.keys_dir), tpm,
                  {.keyring = Keyring(environment.keyring),
                   .keep_kek = true,
                   .all_keks = true,
                   .host = HostName()});
}

}  // namespace

int RunLoadKeys(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back(
      {"key-path", "DIR", "the same as --keys-dir", Store(environment.keys_dir), 'p'});
  options.push_back({"tpm2-device", "DEVICE", "auto, a device, or swtpm:path=SOCKET [auto]",
                     Store(environment.tpm_device)});
  Result<void> parsed = ParseOptionsOnly(invocation, options);
  if (!parsed) return Report(parsed.error());
  Result<LoadedKeys> loaded = LoadAll(environment);
  if (!loaded) return Report(loaded.error());
  return PrintResult(*loaded);
}

}  // namespace nvunlock
