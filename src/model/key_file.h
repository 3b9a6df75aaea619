// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_KEY_FILE_H_
#define NVUNLOCK_MODEL_KEY_FILE_H_

#include <tss2/tss2_tpm2_types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/crypto/rsa_key.h"
#include "src/model/kek_name.h"
#include "src/model/pem.h"
#include "src/model/pin.h"
#include "src/model/recovery.h"
#include "src/model/tpm_key.h"

namespace nvunlock {

/// Largest key file that is read.
inline constexpr size_t kKeyFileLimit = 64 << 10;

/// The size of the secret S that a TPM slot seals.
inline constexpr size_t kSlotSecretSize = 32;

/// One way to the kek through a TPM: S, sealed, and the kek encrypted under a key made of S.
struct TpmSlot {
  TpmKey key;
  TPM2B_PUBLIC parent = {};                ///< pins the storage root key by its Name
  Bytes kek_cms;                           ///< DER of the CMS message that holds the kek
  std::optional<ScryptParameters> scrypt;  ///< what makes keys of the PIN, in a slot with one
};

/// A key file (doc/key-file.md): a bundle of PEM blocks that holds one kek, encrypted.
struct KeyFile {
  KekName kek;
  Bytes check_value;  ///< of the kek, see KekCheckValue
  std::vector<TpmSlot> slots;
  std::vector<RecoverySlot> recovery;

  /// The update key, encrypted under the kek: whoever has the kek may approve what boots.
  Bytes update_key_cms;
  std::vector<RsaKey> signers;  ///< keys whose PCR signatures may be approved

  /// Blocks that cannot be read, and why; they are kept when the file is written anew.
  std::vector<PemBlock> unreadable;
  std::vector<Error> problems;
};

/// "as approved in NV index 0x01804e56, PIN": what SLOT is bound to, for people.
std::string DescribePolicy(const TpmSlot& slot);

/// Encrypts UPDATE_KEY, as UpdateKey::Export gives it, under KEK, and decrypts it. Fails with
/// kBadKeyFile when FILE has none or was changed.
Result<Bytes> EncryptUpdateKey(const Secret& update_key, const Secret& kek);
Result<Secret> DecryptUpdateKey(const KeyFile& file, const Secret& kek);

/// 16 bytes that tell whether a kek is the right one and tell nothing else about it.
Result<Bytes> KekCheckValue(const Secret& kek);

/// A PIN that a slot wants, as it is and as it goes into the file.
struct SlotPin {
  ScryptParameters scrypt;
  PinKeys keys;
};

/// Encrypts KEK for the slot whose sealed object holds SLOT_SECRET, and under PIN where there is
/// one.
Result<Bytes> EncryptKekForSlot(const Secret& kek, const Secret& slot_secret,
                                const SealedObject& sealed, const SlotPin* pin = nullptr);

/// The kek of a recovery slot that TYPED opens, whose check value is verified. Fails with
/// kKeysIncomplete when none opens.
Result<Secret> OpenRecovery(const KeyFile& file, const Secret& typed);

/// The kek of SLOT, whose check value is verified against that of FILE. PIN_KEYS go with a slot
/// that wants a PIN.
Result<Secret> OpenSlot(const KeyFile& file, const TpmSlot& slot, const Secret& slot_secret,
                        const PinKeys* pin_keys = nullptr);

/// FILE as it goes into an initramfs image, which more people get to see: without escrow slots, and
/// without passphrase slots unless WITH_PASSPHRASE, since these can be guessed offline.
KeyFile ForImage(KeyFile file, bool with_passphrase);

/// The text of a key file.
Result<std::string> FormatKeyFile(const KeyFile& file);

/// Reads the text of a key file as hostile input. Fails with kBadKeyFile and one cause. What cannot
/// be read is passed over as long as one way to the kek is left, since that may still open.
Result<KeyFile> ParseKeyFile(std::string_view text);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_KEY_FILE_H_
