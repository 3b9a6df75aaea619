// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/latch_boot.h"

#include "src/model/key_store.h"
#include "src/os/file.h"
#include "src/seal/latch.h"
#include "src/unlock/await_tpm.h"
#include "src/unlock/drop_keys.h"
#include "src/unlock/guard.h"
#include "src/unlock/hold_resume.h"

namespace nvunlock {
namespace {

template <typename T>
void Append(Result<T> result, std::vector<Error>& problems) {
  if (!result) problems.push_back(std::move(result.error()));
}

/// The TPM is free for others afterwards. Machines without one have emergencies, too.
std::vector<Error> CloseAll(const Environment& environment, bool emergency) {
  TpmConnection tpm(environment.tpm_device);
  return emergency ? CloseLatchesAtBoot(environment, tpm) : CloseLatches(environment, tpm);
}

/// What a shell in the middle of a boot must not find. Where nothing is enrolled, there is nothing
/// to guard. Whatever fails, the rest is done.
void PrepareForShell(const Environment& environment, bool may_be_enrolled,
                     std::vector<Error>& problems) {
  if (GuardHolds(environment)) Append(HoldGuard(environment), problems);
  if (may_be_enrolled) Append(DropKeys(environment), problems);
}

}  // namespace

std::vector<Error> LatchBoot(const Environment& environment, const Config& config,
                             const LatchOptions& options) {
  Result<std::vector<KekName>> keks = KeyStore(environment.keys_dir).EnrolledKeks();
  bool may_be_enrolled = !keks || !keks->empty();
  Result<void> awaited = keks && may_be_enrolled ? AwaitTpm(environment, config) : Result<void>();
  std::vector<Error> problems = CloseAll(environment, options.emergency);
  if (!awaited) problems.insert(problems.begin(), std::move(awaited.error()));
  // An unlock leaves its report last. One that was killed before may have left keys.
  bool cut_short = options.after_unlock && !Exists(environment.run_dir + "/status.json");
  if (cut_short) Append(HoldResume(environment), problems);
  if (options.emergency || cut_short) PrepareForShell(environment, may_be_enrolled, problems);
  return problems;
}

}  // namespace nvunlock
