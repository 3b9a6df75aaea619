// SPDX-License-Identifier: Apache-2.0
#include "src/model/recovery.h"

#include <sys/random.h>

#include <cctype>
#include <cerrno>

#include "src/crypto/cms.h"

namespace nvunlock {
namespace {

constexpr size_t kKeySize = 32;
constexpr size_t kDigitsInGroup = 8;
constexpr std::string_view kModhex = "cbdefghijklnrtuv";

/// By it a message for a recovery key is told from that of a TPM slot; part of the format.
constexpr std::string_view kRecoveryKeyId = "nvunlock recovery key";

/// The 64 digits in TEXT, each as its number.
Result<Secret> ParseDigits(ByteView text) {
  Secret digits = TRY(Secret::Create(2 * kKeySize));
  size_t count = 0;
  for (uint8_t character : text) {
    if (character == '-' || isspace(character) != 0) continue;
    size_t digit = kModhex.find(static_cast<char>(tolower(character)));
    if (digit == std::string_view::npos || count == digits.size()) {
      return Fail(Errc::kUsage,
                  "that is not a recovery key: it takes 64 letters of cbdefghijklnrtuv");
    }
    digits.bytes()[count++] = static_cast<uint8_t>(digit);
  }
  if (count != digits.size()) {
    return Fail(Errc::kUsage, "that is not a recovery key: it has " + std::to_string(count) +
                                  " letters instead of 64");
  }
  return digits;
}

}  // namespace

const char* ToWord(RecoveryKind kind) {
  switch (kind) {
    case RecoveryKind::kKey:
      return "recovery-key";
    case RecoveryKind::kPassphrase:
      return "recovery-passphrase";
    case RecoveryKind::kEscrow:
      return "escrow";
  }
  return "";
}

Result<Secret> MakeRecoveryKey() {
  Secret key = TRY(Secret::Create(kKeySize));
  if (getrandom(key.bytes().data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    return FailErrno("make a recovery key", errno);
  }
  return key;
}

Result<Secret> FormatRecoveryKey(const Secret& key) {
  Secret text = TRY(Secret::Create(2 * kKeySize + 2 * kKeySize / kDigitsInGroup - 1));
  size_t at = 0;
  for (size_t i = 0; i < 2 * kKeySize; i++) {
    if (i > 0 && i % kDigitsInGroup == 0) text.bytes()[at++] = '-';
    uint8_t byte = key.bytes()[i / 2];
    text.bytes()[at++] = static_cast<uint8_t>(kModhex[i % 2 == 0 ? byte >> 4 : byte & 0xf]);
  }
  return text;
}

Result<Secret> ParseRecoveryKey(ByteView text) {
  Secret digits = TRY(ParseDigits(text));
  Secret key = TRY(Secret::Create(kKeySize));
  for (size_t i = 0; i < kKeySize; i++) {
    key.bytes()[i] = static_cast<uint8_t>(digits.bytes()[2 * i] << 4 | digits.bytes()[2 * i + 1]);
  }
  return key;
}

Result<RecoverySlot> MakeKeySlot(const Secret& kek, const Secret& recovery_key) {
  Bytes cms = TRY(EncryptToKey(kek, recovery_key, AsBytes(kRecoveryKeyId)));
  return ReadRecoverySlot(cms);
}

Result<RecoverySlot> MakePassphraseSlot(const Secret& kek, const Secret& passphrase) {
  Bytes cms = TRY(EncryptToPassphrase(kek, passphrase));
  return ReadRecoverySlot(cms);
}

Result<RecoverySlot> MakeEscrowSlot(const Secret& kek, std::string_view certificate) {
  Bytes cms = TRY(EncryptToCertificate(kek, certificate));
  return ReadRecoverySlot(cms);
}

Result<RecoverySlot> ReadRecoverySlot(const Bytes& cms) {
  CmsAddress address = TRY(ReadAddress(cms));
  switch (address.recipient) {
    case CmsRecipient::kKey:
      if (AsText(address.key_id) != kRecoveryKeyId) break;
      return RecoverySlot{RecoveryKind::kKey, cms, ""};
    case CmsRecipient::kPassphrase:
      return RecoverySlot{RecoveryKind::kPassphrase, cms, ""};
    case CmsRecipient::kCertificate:
      return RecoverySlot{RecoveryKind::kEscrow, cms, address.issuer};
  }
  return Fail(Errc::kBadKeyFile, "CMS block: encrypted to an unknown key");
}

Result<Secret> OpenRecoverySlot(const RecoverySlot& slot, const Secret& typed) {
  switch (slot.kind) {
    case RecoveryKind::kKey: {
      Secret key = TRY(ParseRecoveryKey(typed.bytes()));
      return DecryptWithKey(slot.kek_cms, key, AsBytes(kRecoveryKeyId));
    }
    case RecoveryKind::kPassphrase:
      return DecryptWithPassphrase(slot.kek_cms, typed);
    case RecoveryKind::kEscrow:
      break;
  }
  return Fail(Errc::kUsage, "only the certificate's private key opens an escrow slot");
}

}  // namespace nvunlock
