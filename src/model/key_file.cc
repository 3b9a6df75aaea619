#include "src/model/key_file.h"

#include <optional>

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

constexpr std::string_view kNameField = "kek: ";
constexpr std::string_view kCheckField = "kek-check: ";
constexpr std::string_view kPcrsField = "pcrs: ";

constexpr size_t kCheckValueSize = 16;
constexpr size_t kWrappingKeySize = 32;

/// HKDF's info strings keep the uses of a secret apart; they are part of the format.
constexpr std::string_view kCheckInfo = "check";
constexpr std::string_view kWrapInfo = "nvunlock kek wrap";

Failure Bad(std::string reason) {
  return Fail(Errc::kBadKeyFile, std::move(reason));
}

/// Ties a slot's CMS message to its sealed object.
Result<Bytes> SlotId(const SealedObject& sealed) {
  return NameOf(TRY(UnmarshalPublic(sealed.public_area)));
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
  return intro + std::string(kPcrsField) + slot.pcr_values + "\n" +
         FormatPem(kTpmKeyLabel, tpm_key) + FormatPem(kParentLabel, MarshalPublic(slot.parent)) +
         FormatPem(kCmsLabel, slot.kek_cms);
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
  return slot;
}

Result<KeyFile> ParseFields(std::string_view text) {
  std::vector<std::string_view> names = FindFields(text, kNameField);
  std::vector<std::string_view> checks = FindFields(text, kCheckField);
  if (names.size() != 1 || checks.size() != 1) {
    return Bad("not one 'kek:' and one 'kek-check:' line; not a whole key file");
  }
  std::optional<Bytes> check_value = FromHex(checks[0]);
  if (!check_value || check_value->size() != kCheckValueSize) return Bad("its 'kek-check:' is bad");
  Result<KekName> kek = ParseKekName(names[0]);
  if (!kek) return Bad("its 'kek:' line: " + kek.error().message);
  return KeyFile{.kek = *kek, .check_value = *check_value, .slots = {}};
}

}  // namespace

Result<Bytes> KekCheckValue(const Secret& kek) {
  Secret value = TRY(HkdfSha256(kek.bytes(), kCheckInfo, kCheckValueSize));
  return Bytes(value.bytes().begin(), value.bytes().end());
}

Result<Bytes> EncryptKekForSlot(const Secret& kek, const Secret& slot_secret,
                                const SealedObject& sealed) {
  Secret wrapping_key = TRY(HkdfSha256(slot_secret.bytes(), kWrapInfo, kWrappingKeySize));
  return EncryptToKey(kek, wrapping_key, TRY(SlotId(sealed)));
}

Result<Secret> OpenSlot(const KeyFile& file, const TpmSlot& slot, const Secret& slot_secret) {
  Secret wrapping_key = TRY(HkdfSha256(slot_secret.bytes(), kWrapInfo, kWrappingKeySize));
  Secret kek = TRY(DecryptWithKey(slot.kek_cms, wrapping_key, TRY(SlotId(slot.key.sealed))));
  if (TRY(KekCheckValue(kek)) != file.check_value) {
    return Bad("the kek that comes out is not the one of the 'kek-check:' line");
  }
  return kek;
}

Result<std::string> FormatKeyFile(const KeyFile& file) {
  std::string text =
      "nvunlock key file; see nvunlock(8). It holds no secret in clear, but without it\n";
  text += "the DIMMs stay locked: keep it in your backups.\n\n";
  text += std::string(kNameField) + file.kek.ToString() + "\n";
  text += std::string(kCheckField) + ToHex(file.check_value) + "\n";
  for (const TpmSlot& slot : file.slots) text += TRY(FormatSlot(slot));
  return text;
}

Result<KeyFile> ParseKeyFile(std::string_view text) {
  if (text.size() > kKeyFileLimit) return Bad("larger than 64 KiB");
  KeyFile file = TRY(ParseFields(text));
  std::vector<PemBlock> blocks = TRY(ParsePem(text));
  for (size_t i = 0; i < blocks.size(); i++) {
    if (blocks[i].label != kTpmKeyLabel) continue;
    file.slots.push_back(TRY(ParseSlot(blocks, i)));
    i += 2;
  }
  if (file.slots.empty()) return Bad("it holds no TPM slot");
  std::vector<std::string_view> pcr_values = FindFields(text, kPcrsField);
  for (size_t i = 0; i < file.slots.size() && i < pcr_values.size(); i++) {
    file.slots[i].pcr_values = pcr_values[i];
  }
  return file;
}

}  // namespace nvunlock
