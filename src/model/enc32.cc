// SPDX-License-Identifier: Apache-2.0
#include "src/model/enc32.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "src/base/hex.h"
#include "src/base/text.h"
#include "src/base/wipe_stack.h"
#include "src/base/wiped.h"
#include "src/crypto/aes.h"
#include "src/crypto/hash.h"

namespace nvunlock {
namespace {

constexpr size_t kIvSize = 16;
constexpr size_t kHmacSize = 32;
/// The byte after the IV: encrypted.c's terminator of the IV, which goes into the payload.
constexpr size_t kTerminatorSize = 1;
constexpr size_t kPassphraseSize = 32;
constexpr size_t kPayloadSize = kIvSize + kTerminatorSize + kPassphraseSize + kHmacSize;

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words = Split(text, ' ');
  std::erase(words, "");
  return words;
}

/// TEXT with the NUL that the kernel's HMAC covers too.
Bytes WithNul(const std::string& text) {
  Bytes bytes(text.begin(), text.end());
  bytes.push_back(0);
  return bytes;
}

constexpr std::string_view kAuthenticationLabel = "AUTH_KEY";
constexpr std::string_view kEncryptionLabel = "ENC_KEY";

/// SHA-256 over label, NUL and kek, in a buffer of zeros that is as long as the longer label and
/// the kek need, and 32 bytes at least (get_derived_key).
Sha256Digest DeriveKey(std::string_view label, const Secret& kek) {
  static constexpr uint8_t kZeros[32] = {};
  size_t buffer = std::max(kAuthenticationLabel.size() + 1 + kek.size(), sizeof(kZeros));
  size_t padding = buffer - label.size() - 1 - kek.size();
  return Sha256({AsBytes(label), ByteView(kZeros, 1), kek.bytes(), ByteView(kZeros, padding)});
}

/// The HMAC over all that stands before it in the payload, and the words of the text.
Sha256Digest Authenticate(const KekName& kek_name, const Secret& kek, ByteView authenticated) {
  Wiped<Sha256Digest> key;
  *key = DeriveKey(kAuthenticationLabel, kek);
  return HmacSha256(*key,
                    {WithNul("enc32"), WithNul(kek_name.ToString()), WithNul("32"), authenticated});
}

std::string Format(const KekName& kek, ByteView payload) {
  return "enc32 " + kek.ToString() + " 32 " + ToHex(payload);
}

Result<Bytes> MakeIv() {
  Bytes iv(kIvSize);
  if (getrandom(iv.data(), iv.size(), 0) != static_cast<ssize_t>(iv.size())) {
    return FailErrno("make an IV", errno);
  }
  return iv;
}

}  // namespace

Result<Enc32Blob> ParseEnc32(std::string_view text) {
  text = Trim(text);
  std::vector<std::string_view> words = Words(text);
  if (words.size() != 4) {
    return Fail("it has " + std::to_string(words.size()) +
                " fields instead of four (enc32, kek, 32, payload)");
  }
  if (words[0] != "enc32") return Fail("its format is not enc32");
  KekName kek = TRY(ParseKekName(words[1]));
  if (words[2] != "32") return Fail("its passphrase length is not 32");
  std::optional<Bytes> payload = FromHex(words[3]);
  if (!payload) return Fail("its payload is not hexadecimal");
  if (payload->size() != kPayloadSize) {
    return Fail("its payload has " + std::to_string(payload->size()) + " bytes instead of " +
                std::to_string(kPayloadSize));
  }
  std::string canonical = Format(kek, *payload);
  return Enc32Blob{std::move(canonical), std::move(kek), std::move(*payload)};
}

bool VerifyEnc32(const Enc32Blob& blob, const Secret& kek) {
  StackWiper wiper;
  ByteView payload(blob.payload);
  Sha256Digest expected = Authenticate(blob.kek, kek, payload.first(kPayloadSize - kHmacSize));
  return EqualInConstantTime(expected, payload.last(kHmacSize));
}

Result<Enc32Blob> WrapPassphrase(const KekName& kek_name, const Secret& kek,
                                 const Secret& passphrase) {
  StackWiper wiper;
  if (passphrase.size() != kPassphraseSize) return Fail("a passphrase that is not 32 bytes long");
  Wiped<Sha256Digest> key;
  *key = DeriveKey(kEncryptionLabel, kek);
  Bytes payload = TRY(MakeIv());
  Bytes ciphertext = TRY(EncryptAesCbc(passphrase, *key, payload));
  payload.push_back(0);
  payload.insert(payload.end(), ciphertext.begin(), ciphertext.end());
  Sha256Digest hmac = Authenticate(kek_name, kek, payload);
  payload.insert(payload.end(), hmac.begin(), hmac.end());
  return Enc32Blob{Format(kek_name, payload), kek_name, payload};
}

Result<Secret> PassphraseFromText(ByteView text) {
  if (!text.empty() && text.back() == '\n') text = text.first(text.size() - 1);
  if (text.empty()) return Fail(Errc::kUsage, "the passphrase is empty");
  if (text.size() > kPassphraseSize) {
    return Fail(Errc::kUsage, "the passphrase is longer than 32 bytes");
  }
  if (std::find(text.begin(), text.end(), 0) != text.end()) {
    return Fail(Errc::kUsage, "the passphrase holds a zero byte");
  }
  Secret passphrase = TRY(Secret::Create(kPassphraseSize));
  std::copy(text.begin(), text.end(), passphrase.bytes().begin());
  return passphrase;
}

}  // namespace nvunlock
