// SPDX-License-Identifier: Apache-2.0
#include "tpm/srk.h"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "src/crypto/hash.h"
#include "tpm/rc.h"

namespace nvunlock {
namespace {

/// What the TCG's H and L templates for storage keys have in common (EK Credential Profile B.4).
TPMT_PUBLIC StorageKey(TPM2_ALG_ID type) {
  TPMT_PUBLIC area = {};
  area.type = type;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                          TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                          TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  TPMT_SYM_DEF_OBJECT& symmetric = area.parameters.asymDetail.symmetric;
  symmetric.algorithm = TPM2_ALG_AES;
  symmetric.keyBits.aes = 128;
  symmetric.mode.aes = TPM2_ALG_CFB;
  area.parameters.asymDetail.scheme.scheme = TPM2_ALG_NULL;
  return area;
}

/// UNIQUE_SIZE is 0 in the H templates; the L templates have as many zero bytes as the key.
TPM2B_PUBLIC EccTemplate(UINT16 unique_size) {
  TPM2B_PUBLIC ecc = {.size = 0, .publicArea = StorageKey(TPM2_ALG_ECC)};
  ecc.publicArea.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  ecc.publicArea.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  ecc.publicArea.unique.ecc.x.size = unique_size;
  ecc.publicArea.unique.ecc.y.size = unique_size;
  return ecc;
}

TPM2B_PUBLIC RsaTemplate(UINT16 unique_size) {
  TPM2B_PUBLIC rsa = {.size = 0, .publicArea = StorageKey(TPM2_ALG_RSA)};
  rsa.publicArea.parameters.rsaDetail.keyBits = 2048;
  rsa.publicArea.unique.rsa.size = unique_size;
  return rsa;
}

std::vector<TPM2B_PUBLIC> TemplatesOf(TPM2_ALG_ID type) {
  if (type == TPM2_ALG_ECC) return {EccTemplate(0), EccTemplate(32)};
  if (type == TPM2_ALG_RSA) return {RsaTemplate(0), RsaTemplate(256)};
  return {};
}

struct Primary {
  TpmObject object;
  TPM2B_PUBLIC area;
};

/// The TPM's refusal of a template that it does not implement is for the caller to judge.
struct PrimaryAttempt {
  TSS2_RC rc;
  std::optional<Primary> primary;
};

PrimaryAttempt CreatePrimary(Tpm& tpm, const TPM2B_PUBLIC& key_template) {
  TPM2B_SENSITIVE_CREATE no_secret = {};
  TPM2B_DATA no_data = {};
  TPML_PCR_SELECTION no_pcrs = {};
  ESYS_TR handle = ESYS_TR_NONE;
  TPM2B_PUBLIC* area = nullptr;
  TSS2_RC rc = Esys_CreatePrimary(tpm.esys(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                  ESYS_TR_NONE, &no_secret, &key_template, &no_data, &no_pcrs,
                                  &handle, &area, nullptr, nullptr, nullptr);
  if (rc != TSS2_RC_SUCCESS) return {rc, std::nullopt};
  EsysPtr<TPM2B_PUBLIC> owned(area);
  return {rc, Primary{TpmObject(tpm, handle), *area}};
}

constexpr char kCreateSrk[] = "create the storage root key";

/// Every TPM 2.0 has RSA-2048; a few lack P-256.
PrimaryAttempt CreateEccOrRsaPrimary(Tpm& tpm) {
  PrimaryAttempt ecc = CreatePrimary(tpm, EccTemplate(0));
  TSS2_RC reason = WithoutPosition(ecc.rc);
  bool lacks_ecc =
      reason == TPM2_RC_CURVE || reason == TPM2_RC_ASYMMETRIC || reason == TPM2_RC_TYPE;
  return lacks_ecc ? CreatePrimary(tpm, RsaTemplate(0)) : std::move(ecc);
}

Result<TPM2B_PUBLIC> CreateSrk(Tpm& tpm) {
  PrimaryAttempt attempt = CreateEccOrRsaPrimary(tpm);
  TRY_TPM_OWNER(kCreateSrk, attempt.rc);
  ESYS_TR persistent = ESYS_TR_NONE;
  TRY_TPM_OWNER(
      "persist the storage root key",
      Esys_EvictControl(tpm.esys(), ESYS_TR_RH_OWNER, attempt.primary->object.tr(),
                        ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, kSrkHandle, &persistent));
  Esys_TR_Close(tpm.esys(), &persistent);
  return attempt.primary->area;
}

/// nullopt when nothing is at the handle.
Result<std::optional<TPM2B_PUBLIC>> ReadPersistent(Tpm& tpm, TPM2_HANDLE handle) {
  ESYS_TR tr = ESYS_TR_NONE;
  TSS2_RC rc =
      Esys_TR_FromTPMPublic(tpm.esys(), handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &tr);
  if (WithoutPosition(rc) == TPM2_RC_HANDLE) return std::optional<TPM2B_PUBLIC>();
  TRY_TPM("look for the storage root key", rc);
  TPM2B_PUBLIC* area = nullptr;
  rc = Esys_ReadPublic(tpm.esys(), tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, nullptr,
                       nullptr);
  Esys_TR_Close(tpm.esys(), &tr);
  TRY_TPM("read the storage root key", rc);
  EsysPtr<TPM2B_PUBLIC> owned(area);
  return std::optional(*area);
}

Result<void> CheckIsPrimary(Tpm& tpm, const TPM2B_PUBLIC& found) {
  for (const TPM2B_PUBLIC& key_template : TemplatesOf(found.publicArea.type)) {
    PrimaryAttempt attempt = CreatePrimary(tpm, key_template);
    TRY_TPM_OWNER("recreate the storage root key", attempt.rc);
    if (MarshalPublic(attempt.primary->area) == MarshalPublic(found)) return {};
  }
  return Fail(Errc::kWrongTpm,
              "the key at 0x81000001 is not the storage root key that this TPM makes from the "
              "standard templates; it may have been imported by somebody who knows it; "
              "remove it (tpm2_evictcontrol -C o -c 0x81000001) and try again");
}

}  // namespace

Bytes MarshalPublic(const TPM2B_PUBLIC& object) {
  Bytes bytes(sizeof(TPM2B_PUBLIC));
  size_t size = 0;
  if (Tss2_MU_TPM2B_PUBLIC_Marshal(&object, bytes.data(), bytes.size(), &size) != 0) size = 0;
  bytes.resize(size);
  return bytes;
}

Result<TPM2B_PUBLIC> UnmarshalPublic(ByteView bytes) {
  TPM2B_PUBLIC object = {};
  size_t size = 0;
  if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes.data(), bytes.size(), &size, &object) != 0 ||
      !std::ranges::equal(MarshalPublic(object), bytes)) {
    return Fail(Errc::kBadKeyFile, "a TPM public area is malformed");
  }
  return object;
}

Bytes NameOf(const TPM2B_PUBLIC& object) {
  if (object.publicArea.nameAlg != TPM2_ALG_SHA256) return {};
  Bytes area(sizeof(TPMT_PUBLIC));
  size_t size = 0;
  if (Tss2_MU_TPMT_PUBLIC_Marshal(&object.publicArea, area.data(), area.size(), &size) != 0) {
    return {};
  }
  area.resize(size);
  Sha256Digest digest = Sha256({area});
  Bytes name = {TPM2_ALG_SHA256 >> 8, TPM2_ALG_SHA256 & 0xff};
  name.insert(name.end(), digest.begin(), digest.end());
  return name;
}

Result<TPM2B_PUBLIC> ProvisionSrk(Tpm& tpm) {
  std::optional<TPM2B_PUBLIC> found = TRY(ReadPersistent(tpm, kSrkHandle));
  if (!found) return CreateSrk(tpm);
  TRY(CheckIsPrimary(tpm, *found));
  return *found;
}

Result<void> CheckParent(Tpm& tpm, TPM2_HANDLE handle, const TPM2B_PUBLIC& parent) {
  std::optional<TPM2B_PUBLIC> found = TRY(ReadPersistent(tpm, handle));
  if (!found) {
    return Fail(Errc::kWrongTpm,
                "the TPM has no storage root key any more: another TPM, or it was cleared");
  }
  Bytes name = NameOf(parent);
  if (!name.empty() && NameOf(*found) == name) return {};
  return Fail(Errc::kWrongTpm, "the storage root key is another one than at enrollment");
}

Result<ESYS_TR> PinParent(Tpm& tpm, TPM2_HANDLE handle, const TPM2B_PUBLIC& parent) {
  Bytes name = NameOf(parent);
  if (name.empty())
    return Fail(Errc::kBadKeyFile, "the parent key's name algorithm is not SHA-256");
  // What Esys_TR_Serialize writes for a key: handle, name, resource type 1, public area.
  constexpr UINT32 kKeyResource = 1;
  TPM2B_NAME sized_name = {.size = static_cast<UINT16>(name.size()), .name = {}};
  memcpy(sized_name.name, name.data(), name.size());
  Bytes serialized(sizeof(TPM2B_PUBLIC) + sizeof(TPM2B_NAME) + 2 * sizeof(UINT32));
  size_t size = 0;
  if (Tss2_MU_UINT32_Marshal(handle, serialized.data(), serialized.size(), &size) != 0 ||
      Tss2_MU_TPM2B_NAME_Marshal(&sized_name, serialized.data(), serialized.size(), &size) != 0 ||
      Tss2_MU_UINT32_Marshal(kKeyResource, serialized.data(), serialized.size(), &size) != 0 ||
      Tss2_MU_TPM2B_PUBLIC_Marshal(&parent, serialized.data(), serialized.size(), &size) != 0) {
    return Fail(Errc::kBadKeyFile, "the parent key's public area is malformed");
  }
  ESYS_TR tr = ESYS_TR_NONE;
  TRY_TPM("pin the parent key", Esys_TR_Deserialize(tpm.esys(), serialized.data(), size, &tr));
  return tr;
}

}  // namespace nvunlock
