// SPDX-License-Identifier: Apache-2.0
#include "src/seal/kek_for_change.h"

#include "src/os/keyring.h"
#include "src/seal/signed_pcrs.h"

namespace nvunlock {
namespace {

Result<Secret> UnsealOnly(const Environment& environment, Tpm& tpm, const KeyFile& file,
                          const Questions& questions) {
  if (file.slots.empty()) return Fail(Errc::kBadKeyFile, "no TPM slot");
  std::vector<std::string> ignored;
  PcrSignatures signatures = ReadPcrSignatures(environment.signature_files, file.signers, ignored);
  return std::move(TRY(UnsealKek(tpm, file, signatures, questions.pin)).kek);
}

}  // namespace

Result<Secret> ObtainKekForChange(const Environment& environment, Tpm& tpm, const KeyFile& file,
                                  const Questions& questions) {
  std::optional<Key> present = TRY(Keyring(environment.keyring).Find("user", file.kek.description));
  if (present) {
    Result<Secret> kek = present->Read();
    if (kek && TRY(KekCheckValue(*kek)) == file.check_value) return kek;
  }
  Result<Secret> unsealed = UnsealOnly(environment, tpm, file, questions);
  if (unsealed || !questions.recovery || file.recovery.empty()) return unsealed;
  Secret typed = TRY(questions.recovery(file.kek, unsealed.error()));
  return OpenRecovery(file, typed);
}

}  // namespace nvunlock
