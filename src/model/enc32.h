// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_ENC32_H_
#define NVUNLOCK_MODEL_ENC32_H_

#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/kek_name.h"

namespace nvunlock {

/// A passphrase blob: the text of an encrypted key in format enc32, as the kernel prints it and
/// ndctl stores it: "enc32 user:nvdimm-master 32 " and 162 hexadecimal digits.
/// Layout and HMAC follow security/keys/encrypted-keys/encrypted.c of Linux 6.1.
struct Enc32Blob {
  std::string text;  ///< as the kernel prints it, however the file spells it
  KekName kek;       ///< the key that wraps the passphrase
  Bytes payload;     ///< IV[16], 0, ciphertext[32], HMAC[32]
};

/// Fails on anything that the kernel would refuse, or would load as a key that libnvdimm then
/// ignores (another format or length), and says which field is wrong.
Result<Enc32Blob> ParseEnc32(std::string_view text);

/// Whether KEK wraps this blob: its HMAC over format, kek name, length, IV and ciphertext holds.
bool VerifyEnc32(const Enc32Blob& blob, const Secret& kek);

/// The blob of a PASSPHRASE of 32 bytes that somebody else has set, wrapped by KEK under a random
/// IV as the kernel does it.
Result<Enc32Blob> WrapPassphrase(const KekName& kek_name, const Secret& kek,
                                 const Secret& passphrase);

/// The 32 bytes that firmware setups and ipmctl make of TEXT, a passphrase as somebody typed it:
/// zeros follow. A newline at its end does not count. Fails with kUsage unless it has 1 to 32
/// bytes, none of them zero.
Result<Secret> PassphraseFromText(ByteView text);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_ENC32_H_
