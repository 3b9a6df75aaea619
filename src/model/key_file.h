#ifndef NVUNLOCK_MODEL_KEY_FILE_H_
#define NVUNLOCK_MODEL_KEY_FILE_H_

#include <tss2/tss2_tpm2_types.h>

#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/kek_name.h"
#include "src/model/tpm_key.h"

namespace nvunlock {

/// Largest key file that is read.
inline constexpr size_t kKeyFileLimit = 64 << 10;

/// The size of the secret S that a TPM slot seals.
inline constexpr size_t kSlotSecretSize = 32;

/// One way to the kek through a TPM: S, sealed, and the kek encrypted under a key made of S.
struct TpmSlot {
  TpmKey key;
  TPM2B_PUBLIC parent = {};  ///< pins the storage root key by its Name
  Bytes kek_cms;             ///< DER of the CMS message that holds the kek

  /// The PCR values behind the policy, in the grammar of --tpm2-pcrs. For people only: the policy
  /// holds their digest. Empty when the file does not say.
  std::string pcr_values;
};

/// A key file (doc/key-file.md): a bundle of PEM blocks that holds one kek, encrypted.
struct KeyFile {
  KekName kek;
  Bytes check_value;  ///< of the kek, see KekCheckValue
  std::vector<TpmSlot> slots;
};

/// 16 bytes that tell whether a kek is the right one and tell nothing else about it.
Result<Bytes> KekCheckValue(const Secret& kek);

/// Encrypts KEK for the slot whose sealed object holds SLOT_SECRET.
Result<Bytes> EncryptKekForSlot(const Secret& kek, const Secret& slot_secret,
                                const SealedObject& sealed);

/// The kek of SLOT, whose check value is verified against that of FILE.
Result<Secret> OpenSlot(const KeyFile& file, const TpmSlot& slot, const Secret& slot_secret);

/// The text of a key file.
Result<std::string> FormatKeyFile(const KeyFile& file);

/// Reads the text of a key file as hostile input. Fails with kBadKeyFile and one cause. A block
/// of a kind that this version does not know is skipped, since another way may still open.
Result<KeyFile> ParseKeyFile(std::string_view text);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_KEY_FILE_H_
