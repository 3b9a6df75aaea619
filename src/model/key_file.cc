// SPDX-License-Identifier: Apache-2.0
#include "src/model/key_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "src/base/hex.h"
#include "src/base/text.h"
#include "src/crypto/cms.h"
#include "src/crypto/hash.h"
#include "src/model/pem.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

constexpr std::string_view kTpmKeyLabel = "TSS2 PRIVATE KEY";
constexpr std::string_view kParentLabel = "TPM2 PARENT PUBLIC";
constexpr std::string_view kCmsLabel = "CMS";
constexpr std::string_view kUpdateKeyLabel = "NVUNLOCK UPDATE KEY";
constexpr std::string_view kSignerLabel = "PUBLIC KEY";

constexpr std::string_view kNameField = "kek: ";
constexpr std::string_view kCheckField = "kek-check: ";

constexpr size_t kCheckValueSize = 16;
constexpr size_t kWrappingKeySize = 32;

/// HKDF's info strings keep the uses of a secret apart; they are part of the format.
constexpr std::string_view kCheckInfo = "check";
constexpr std::string_view kWrapInfo = "nvunlock kek wrap";
constexpr std::string_view kUpdateInfo = "nvunlock update key";

Failure Bad(std::string reason) {
  return Fail(Errc::kBadKeyFile, std::move(reason));
}

/// Ties a slot's CMS message to its sealed object.
Result<Bytes> SlotId(const SealedObject& sealed) {
  return NameOf(TRY(UnmarshalPublic(sealed.public_area)));
}

/// HKDF over the slot's secret, followed by what comes from the PIN where there is one.
Result<Secret> WrappingKey(const Secret& slot_secret, const PinKeys* pin_keys) {
  if (pin_keys == nullptr) return HkdfSha256(slot_secret.bytes(), kWrapInfo, kWrappingKeySize);
  ByteView first = slot_secret.bytes();
  ByteView second = pin_keys->wrapping.bytes();
  Secret both = TRY(Secret::Create(first.size() + second.size()));
  std::copy(second.begin(), second.end(),
            std::copy(first.begin(), first.end(), both.bytes().begin()));
  return HkdfSha256(both.bytes(), kWrapInfo, kWrappingKeySize);
}

/// The scrypt parameters in the slot's CMS message.
Result<void> ReadScrypt(TpmSlot& slot) {
  if (!slot.key.policy.pin) return {};
  CmsAddress address = TRY(ReadAddress(slot.kek_cms));
  slot.scrypt = TRY(DecodeScryptParameters(address.scrypt));
  return {};
}

/// What stands behind FIELD in each line outside of the PEM blocks that starts with it.
std::vector<std::string_view> FindFields(std::string_view text, std::string_view field) {
  std::vector<std::string_view> values;
  for (std::string_view line : Split(text, '\n')) {
    if (line.starts_with(field)) values.push_back(Trim(line.substr(field.size())));
  }
  return values;
}

Result<std::string> FormatSlot(const TpmSlot& slot) {
  Bytes tpm_key = TRY(EncodeTpmKey(slot.key));
  char intro[200];
  snprintf(intro, sizeof(intro),
           "\nA secret sealed by the TPM of this machine (parent 0x%08x), the public part of that\n"
           "parent, and the kek encrypted under the sealed secret:\n",
           slot.key.parent_handle);
  return intro + FormatPem(kTpmKeyLabel, tpm_key) +
         FormatPem(kParentLabel, MarshalPublic(slot.parent)) + FormatPem(kCmsLabel, slot.kek_cms);
}

/// BLOCKS[i] starts a slot: a TPM key, its parent, and its CMS message, in this order.
Result<TpmSlot> ParseSlot(const std::vector<PemBlock>& blocks, size_t i) {
  if (blocks.size() - i < 3 || blocks[i + 1].label != kParentLabel ||
      blocks[i + 2].label != kCmsLabel) {
    return Bad("a TSS2 PRIVATE KEY block without its TPM2 PARENT PUBLIC and CMS blocks");
  }
  TpmSlot slot;
  slot.key = TRY(DecodeTpmKey(blocks[i].der));
  slot.parent = TRY(UnmarshalPublic(blocks[i + 1].der));
  slot.kek_cms = blocks[i + 2].der;
  if (NameOf(slot.parent).empty()) return Bad("TPM2 PARENT PUBLIC: its name hash is not SHA-256");
  TRY(SlotId(slot.key.sealed));
  TRY(ReadScrypt(slot));
  return slot;
}

Result<KeyFile> ParseFields(std::string_view text) {
  std::vector<std::string_view> names = FindFields(text, kNameField);
  std::vector<std::string_view> checks = FindFields(text, kCheckField);
  if (names.size() != 1 || checks.size() != 1) {
    return Bad("it does not have one 'kek:' and one 'kek-check:' line; it is incomplete");
  }
  std::optional<Bytes> check_value = FromHex(checks[0]);
  if (!check_value || check_value->size() != kCheckValueSize)
    return Bad("its 'kek-check:' line is malformed");
  Result<KekName> kek = ParseKekName(names[0]);
  if (!kek) return Bad("its 'kek:' line: " + kek.error().message);
  KeyFile file;
  file.kek = *kek;
  file.check_value = *check_value;
  return file;
}

Result<std::string> FormatSigner(const RsaKey& key) {
  return "\nA key whose PCR signatures may be approved:\n" +
         FormatPem(kSignerLabel, TRY(EncodeRsaKey(key)));
}

const char* Introduction(RecoveryKind kind) {
  switch (kind) {
    case RecoveryKind::kKey:
      return "\nThe kek encrypted to the recovery key (doc/recovery.md):\n";
    case RecoveryKind::kPassphrase:
      return "\nThe kek encrypted to the recovery passphrase (doc/recovery.md):\n";
    case RecoveryKind::kEscrow:
      break;
  }
  return "\nThe kek encrypted to an escrow certificate (doc/recovery.md):\n";
}

/// What TakeSlot does with BLOCKS[i], but for what cannot be read.
Result<void> ReadSlot(const std::vector<PemBlock>& blocks, size_t i, KeyFile& file) {
  if (blocks[i].label == kTpmKeyLabel) {
    file.slots.push_back(TRY(ParseSlot(blocks, i)));
  } else if (blocks[i].label == kUpdateKeyLabel) {
    file.update_key_cms = blocks[i].der;
  } else if (blocks[i].label == kSignerLabel) {
    file.signers.push_back(TRY(ParseRsaKey(FormatPem(kSignerLabel, blocks[i].der))));
  } else if (blocks[i].label == kCmsLabel) {
    file.recovery.push_back(TRY(ReadRecoverySlot(blocks[i].der)));
  } else {
    return Bad("a block " + blocks[i].label + ", which this version does not know");
  }
  return {};
}

/// Puts the way to the kek that starts with BLOCKS[i] into FILE. Returns how many blocks it has.
size_t TakeSlot(const std::vector<PemBlock>& blocks, size_t i, KeyFile& file) {
  bool is_tpm_slot = blocks[i].label == kTpmKeyLabel && blocks.size() - i >= 3 &&
                     blocks[i + 1].label == kParentLabel && blocks[i + 2].label == kCmsLabel;
  size_t count = is_tpm_slot ? 3 : 1;
  Result<void> read = ReadSlot(blocks, i, file);
  if (!read) {
    file.problems.push_back(std::move(read.error()));
    auto first = blocks.begin() + static_cast<ptrdiff_t>(i);
    file.unreadable.insert(file.unreadable.end(), first, first + static_cast<ptrdiff_t>(count));
  }
  return count;
}

bool IsKekOf(const KeyFile& file, const Result<Secret>& kek) {
  if (!kek) return false;
  Result<Bytes> check_value = KekCheckValue(*kek);
  return check_value && *check_value == file.check_value;
}

}  // namespace

std::string DescribePolicy(const TpmSlot& slot) {
  char index[12];
  snprintf(index, sizeof(index), "0x%08x", slot.key.policy.index.area.nvPublic.nvIndex);
  return std::string("as approved in NV index ") + index + (slot.key.policy.pin ? ", PIN" : "");
}

Result<Bytes> EncryptUpdateKey(const Secret& update_key, const Secret& kek) {
  Secret wrapping_key = TRY(HkdfSha256(kek.bytes(), kUpdateInfo, kWrappingKeySize));
  return EncryptToKey(update_key, wrapping_key, AsBytes(kUpdateInfo));
}

Result<Secret> DecryptUpdateKey(const KeyFile& file, const Secret& kek) {
  if (file.update_key_cms.empty()) return Bad("it holds no update key");
  Secret wrapping_key = TRY(HkdfSha256(kek.bytes(), kUpdateInfo, kWrappingKeySize));
  return TRY_IN("its update key",
                DecryptWithKey(file.update_key_cms, wrapping_key, AsBytes(kUpdateInfo)));
}

Result<Bytes> KekCheckValue(const Secret& kek) {
  Secret value = TRY(HkdfSha256(kek.bytes(), kCheckInfo, kCheckValueSize));
  return Bytes(value.bytes().begin(), value.bytes().end());
}

Result<Bytes> EncryptKekForSlot(const Secret& kek, const Secret& slot_secret,
                                const SealedObject& sealed, const SlotPin* pin) {
  Secret wrapping_key = TRY(WrappingKey(slot_secret, pin == nullptr ? nullptr : &pin->keys));
  Bytes scrypt = pin == nullptr ? Bytes() : TRY(EncodeScryptParameters(pin->scrypt));
  return EncryptToKey(kek, wrapping_key, TRY(SlotId(sealed)), scrypt);
}

Result<Secret> OpenSlot(const KeyFile& file, const TpmSlot& slot, const Secret& slot_secret,
                        const PinKeys* pin_keys) {
  Secret wrapping_key = TRY(WrappingKey(slot_secret, pin_keys));
  Secret kek = TRY(DecryptWithKey(slot.kek_cms, wrapping_key, TRY(SlotId(slot.key.sealed))));
  if (TRY(KekCheckValue(kek)) != file.check_value) {
    return Bad("the kek does not match the 'kek-check:' line");
  }
  return kek;
}

Result<Secret> OpenRecovery(const KeyFile& file, const Secret& typed) {
  for (const RecoverySlot& slot : file.recovery) {
    Result<Secret> kek = OpenRecoverySlot(slot, typed);
    if (IsKekOf(file, kek)) return kek;
  }
  return Fail(Errc::kKeysIncomplete,
              file.recovery.empty() ? "there is no recovery slot" : "it opens no recovery slot");
}

KeyFile ForImage(KeyFile file, bool with_passphrase) {
  std::erase_if(file.recovery, [&](const RecoverySlot& slot) {
    return slot.kind == RecoveryKind::kEscrow ||
           (slot.kind == RecoveryKind::kPassphrase && !with_passphrase);
  });
  file.unreadable.clear();
  return file;
}

Result<std::string> FormatKeyFile(const KeyFile& file) {
  std::string text =
      "nvunlock key file; see nvunlock(8). It holds no secret in clear, but without it\n";
  text += "the DIMMs stay locked: keep it in your backups.\n\n";
  text += std::string(kNameField) + file.kek.ToString() + "\n";
  text += std::string(kCheckField) + ToHex(file.check_value) + "\n";
  for (const TpmSlot& slot : file.slots) text += TRY(FormatSlot(slot));
  for (const RecoverySlot& slot : file.recovery) {
    text += Introduction(slot.kind) + FormatPem(kCmsLabel, slot.kek_cms);
  }
  if (!file.update_key_cms.empty()) {
    text += "\nThe key that approves what boots (doc/key-file.md), encrypted under the kek:\n" +
            FormatPem(kUpdateKeyLabel, file.update_key_cms);
  }
  for (const RsaKey& signer : file.signers) text += TRY(FormatSigner(signer));
  if (!file.unreadable.empty()) text += "\nBlocks that nvunlock could not read:\n";
  for (const PemBlock& block : file.unreadable) text += FormatPem(block.label, block.der);
  return text;
}

Result<KeyFile> ParseKeyFile(std::string_view text) {
  if (text.size() > kKeyFileLimit) return Bad("larger than 64 KiB");
  KeyFile file = TRY(ParseFields(text));
  std::vector<PemBlock> blocks = TRY(ParsePem(text));
  for (size_t i = 0; i < blocks.size();) i += TakeSlot(blocks, i, file);
  if (file.slots.empty() && file.recovery.empty()) {
    if (!file.problems.empty()) return Failure(std::move(file.problems.front()));
    return Bad("it has no slot");
  }
  return file;
}

}  // namespace nvunlock
