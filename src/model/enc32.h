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
  std::string text;  ///< without white space at the end, which the kernel would refuse
  KekName kek;       ///< the key that wraps the passphrase
  Bytes payload;     ///< IV[16], 0, ciphertext[32], HMAC[32]
};

/// Fails on anything that the kernel would refuse, or would load as a key that libnvdimm then
/// ignores (another format or length), and says which field is wrong.
Result<Enc32Blob> ParseEnc32(std::string_view text);

/// Whether KEK wraps this blob: its HMAC over format, kek name, length, IV and ciphertext holds.
bool VerifyEnc32(const Enc32Blob& blob, const Secret& kek);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_ENC32_H_
