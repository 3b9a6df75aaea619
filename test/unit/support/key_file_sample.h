// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_KEY_FILE_SAMPLE_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_KEY_FILE_SAMPLE_H_

#include <string>

#include "src/model/key_file.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {

inline Secret SampleKek() {
  return SampleSecret(32, 0x20);
}

/// What the TPM slots of the sample seal.
inline Secret SampleSlotSecret() {
  return SampleSecret(kSlotSecretSize, 0xa0);
}

inline TpmSlot SampleSlot() {
  SealedObject sealed = SampleSealedObject();
  Bytes kek_cms = Must(EncryptKekForSlot(SampleKek(), SampleSlotSecret(), sealed));
  return {.key = {.parent_handle = 0x81000001, .sealed = sealed, .policy = SamplePolicy()},
          .parent = SampleParent(),
          .kek_cms = kek_cms,
          .scrypt = std::nullopt};
}

/// A key file with one slot.
inline KeyFile SampleKeyFile() {
  return {.kek = {"user", "nvdimm-master"},
          .check_value = Must(KekCheckValue(SampleKek())),
          .slots = {SampleSlot()}};
}

inline std::string SampleKeyFileText() {
  return Must(FormatKeyFile(SampleKeyFile()));
}

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_KEY_FILE_SAMPLE_H_
