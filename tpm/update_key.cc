// SPDX-License-Identifier: Apache-2.0
#include "tpm/update_key.h"

#include <algorithm>
#include <cstring>

#include "tpm/rc.h"
#include "tpm/session.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

constexpr char kAuthorize[] = "authorize a change of the policy";

TPM2B_PUBLIC VerifyingKey(const NumberPair& point) {
  TPM2B_PUBLIC key = {};
  TPMT_PUBLIC& area = key.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH;
  area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
  area.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
  area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  TPMS_ECC_POINT& ecc = area.unique.ecc;
  ecc.x.size = static_cast<UINT16>(point.first.size());
  ecc.y.size = static_cast<UINT16>(point.second.size());
  memcpy(ecc.x.buffer, point.first.data(), point.first.size());
  memcpy(ecc.y.buffer, point.second.data(), point.second.size());
  return key;
}

TPMT_SIGNATURE ToSignature(const NumberPair& numbers) {
  TPMT_SIGNATURE signature = {.sigAlg = TPM2_ALG_ECDSA, .signature = {}};
  TPMS_SIGNATURE_ECDSA& ecdsa = signature.signature.ecdsa;
  ecdsa.hash = TPM2_ALG_SHA256;
  ecdsa.signatureR.size = static_cast<UINT16>(numbers.first.size());
  ecdsa.signatureS.size = static_cast<UINT16>(numbers.second.size());
  memcpy(ecdsa.signatureR.buffer, numbers.first.data(), numbers.first.size());
  memcpy(ecdsa.signatureS.buffer, numbers.second.data(), numbers.second.size());
  return signature;
}

Result<TpmObject> LoadVerifier(Tpm& tpm, const TPM2B_PUBLIC& area) {
  ESYS_TR verifier = ESYS_TR_NONE;
  TRY_TPM(kAuthorize, Esys_LoadExternal(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                        nullptr, &area, ESYS_TR_RH_NULL, &verifier));
  return TpmObject(tpm, verifier);
}

Result<EsysPtr<TPM2B_NONCE>> NonceOf(Tpm& tpm, ESYS_TR session) {
  TPM2B_NONCE* nonce = nullptr;
  TRY_TPM(kAuthorize, Esys_TRSess_GetNonceTPM(tpm.esys(), session, &nonce));
  return EsysPtr<TPM2B_NONCE>(nonce);
}

}  // namespace

Result<UpdateKey> UpdateKey::Generate() {
  return Describe(TRY(SigningKey::Generate()));
}

Result<UpdateKey> UpdateKey::Import(const Secret& exported) {
  return Describe(TRY(SigningKey::Import(exported)));
}

Result<UpdateKey> UpdateKey::Describe(SigningKey key) {
  TPM2B_PUBLIC area = VerifyingKey(TRY(key.PublicPoint()));
  return UpdateKey(std::move(key), area);
}

Sha256Digest UpdateKey::WritePolicy() const {
  static constexpr Sha256Digest kEmptyPolicy = {};
  Sha256Digest digest = Sha256({kEmptyPolicy, BigEndian(TPM2_CC_PolicySigned, 4), NameOf(area_)});
  return Sha256({digest});  // and once more with the policyRef
}

Result<TpmObject> UpdateKey::Authorize(Tpm& tpm, ESYS_TR parent,
                                       const Sha256Digest& command) const {
  TpmObject verifier = TRY(LoadVerifier(tpm, area_));
  TpmObject session = TRY(StartSession(tpm, parent, TPM2_SE_POLICY, 0));
  EsysPtr<TPM2B_NONCE> nonce = TRY(NonceOf(tpm, session.tr()));
  TPMT_SIGNATURE signature =
      ToSignature(TRY(key_.Sign({{nonce->buffer, nonce->size}, BigEndian(0, 4), command})));
  TPM2B_DIGEST command_hash = {.size = static_cast<UINT16>(command.size()), .buffer = {}};
  std::ranges::copy(command, command_hash.buffer);
  TPM2B_NONCE no_reference = {};
  TRY_TPM(kAuthorize, Esys_PolicySigned(tpm.esys(), verifier.tr(), session.tr(), ESYS_TR_NONE,
                                        ESYS_TR_NONE, ESYS_TR_NONE, nonce.get(), &command_hash,
                                        &no_reference, 0, &signature, nullptr, nullptr));
  return session;
}

}  // namespace nvunlock
