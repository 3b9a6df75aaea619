// SPDX-License-Identifier: Apache-2.0
#include "test/unit/support/tpm_samples.h"

#include "test/unit/support/byte_strings.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

void SetCoordinate(TPM2B_ECC_PARAMETER& parameter, std::string_view hex) {
  Bytes bytes = Hex(hex);
  parameter.size = static_cast<UINT16>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), parameter.buffer);
}

}  // namespace

TPM2B_PUBLIC SampleParent() {
  TPM2B_PUBLIC parent = {};
  TPMT_PUBLIC& area = parent.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_AES;
  area.parameters.eccDetail.symmetric.keyBits.aes = 128;
  area.parameters.eccDetail.symmetric.mode.aes = TPM2_ALG_CFB;
  area.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
  area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  SetCoordinate(area.unique.ecc.x,
                "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
  SetCoordinate(area.unique.ecc.y,
                "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
  return parent;
}

SealedObject SampleSealedObject() {
  TPM2B_PUBLIC object = {};
  TPMT_PUBLIC& area = object.publicArea;
  area.type = TPM2_ALG_KEYEDHASH;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA;
  area.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  area.unique.keyedHash.size = 32;
  return {MarshalPublic(object), Concatenate({BigEndian(160, 2), Bytes(160, 0x77)})};
}

PcrPolicy SamplePcrPolicy() {
  return PolicyForValues(Sha256Bank(), {{7, Bytes(32, 0x07)}, {11, Bytes(32, 0x11)}});
}

Approval SampleApproval() {
  PcrPolicy pcrs = SamplePcrPolicy();
  return {.pcrs = pcrs.pcrs.pcrSelections[0], .branches = {{.pcrs = pcrs}}};
}

PolicyIndex SampleIndex() {
  PolicyIndex index;
  TPMS_NV_PUBLIC& area = index.area.nvPublic;
  area.nvIndex = 0x01804e57;
  area.nameAlg = TPM2_ALG_SHA256;
  area.attributes = TPMA_NV_AUTHREAD | TPMA_NV_POLICYWRITE | TPMA_NV_NO_DA | TPMA_NV_WRITTEN;
  area.authPolicy.size = 32;
  area.dataSize = kPolicyIndexSize;
  return index;
}

NvLatch SampleLatch() {
  NvLatch latch = {.index = {}, .value = Hex("0102030405060708")};
  TPMS_NV_PUBLIC& area = latch.index.nvPublic;
  area.nvIndex = 0x01804e56;
  area.nameAlg = TPM2_ALG_SHA256;
  area.attributes = TPMA_NV_AUTHREAD | TPMA_NV_POLICYWRITE | TPMA_NV_READ_STCLEAR | TPMA_NV_NO_DA |
                    TPMA_NV_WRITTEN;
  area.authPolicy.size = 32;
  area.dataSize = 8;
  return latch;
}

Policy SamplePolicy() {
  return {.index = SampleIndex(), .latch = SampleLatch()};
}

}  // namespace nvunlock
