#include "src/model/enc32.h"

#include <algorithm>
#include <vector>

#include "src/base/hex.h"
#include "src/base/text.h"
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

/// SHA-256 over label, NUL and key, padded with zeros to 32 bytes at least (get_derived_key).
Sha256Digest AuthenticationKey(const Secret& kek) {
  static constexpr char kLabel[] = "AUTH_KEY";
  static constexpr uint8_t kZeros[32] = {};
  size_t size = sizeof(kLabel) + kek.size();
  size_t padding = size < sizeof(kZeros) ? sizeof(kZeros) - size : 0;
  ByteView label(reinterpret_cast<const uint8_t*>(kLabel), sizeof(kLabel));
  return Sha256({label, kek.bytes(), ByteView(kZeros, padding)});
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
  return Enc32Blob{std::string(text), std::move(kek), std::move(*payload)};
}

bool VerifyEnc32(const Enc32Blob& blob, const Secret& kek) {
  Sha256Digest key = AuthenticationKey(kek);
  ByteView payload(blob.payload);
  ByteView authenticated = payload.first(kPayloadSize - kHmacSize);
  Sha256Digest expected = HmacSha256(
      key, {WithNul("enc32"), WithNul(blob.kek.ToString()), WithNul("32"), authenticated});
  std::fill(key.begin(), key.end(), 0);
  return EqualInConstantTime(expected, payload.last(kHmacSize));
}

}  // namespace nvunlock
