// SPDX-License-Identifier: Apache-2.0
#include "tpm/sealed_object.h"

#include <tss2/tss2_mu.h>
#include <tss2/tss2_sys.h>

#include <algorithm>
#include <cstring>

#include "src/base/wipe_stack.h"
#include "src/base/wiped.h"
#include "tpm/nv_index.h"
#include "tpm/pcr_race.h"
#include "tpm/rc.h"
#include "tpm/session.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

/// userWithAuth stays clear, so that nothing but the policy authorizes the object. Only a PIN can
/// be guessed: without one, unclean shutdowns must not count as guesses.
TPMA_OBJECT AttributesFor(const Policy& policy) {
  TPMA_OBJECT attributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT;
  return policy.pin ? attributes : attributes | TPMA_OBJECT_NODA;
}

TPM2B_PUBLIC SealedTemplate(const Policy& policy) {
  TPM2B_PUBLIC object = {};
  TPMT_PUBLIC& area = object.publicArea;
  area.type = TPM2_ALG_KEYEDHASH;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = AttributesFor(policy);
  area.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  Sha256Digest digest = PolicyDigest(policy);
  area.authPolicy.size = static_cast<UINT16>(digest.size());
  std::copy(digest.begin(), digest.end(), area.authPolicy.buffer);
  return object;
}

/// What the TPM made must be what it was asked for, but for the field that only it can fill in.
bool MatchesTemplate(TPM2B_PUBLIC made, const TPM2B_PUBLIC& asked) {
  made.publicArea.unique = asked.publicArea.unique;
  return MarshalPublic(made) == MarshalPublic(asked);
}

Bytes MarshalPrivate(const TPM2B_PRIVATE& area) {
  Bytes bytes(sizeof(TPM2B_PRIVATE));
  size_t size = 0;
  if (Tss2_MU_TPM2B_PRIVATE_Marshal(&area, bytes.data(), bytes.size(), &size) != 0) size = 0;
  bytes.resize(size);
  return bytes;
}

Result<TpmObject> Load(Tpm& tpm, ESYS_TR parent, const SealedObject& sealed) {
  TPM2B_PUBLIC public_area = TRY(UnmarshalPublic(sealed.public_area));
  TPM2B_PRIVATE private_area = {};
  size_t size = 0;
  if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(sealed.private_area.data(), sealed.private_area.size(), &size,
                                      &private_area) != 0 ||
      size != sealed.private_area.size()) {
    return Fail(Errc::kBadKeyFile, "the sealed object's private area is malformed");
  }
  ESYS_TR object = ESYS_TR_NONE;
  TSS2_RC rc = Esys_Load(tpm.esys(), parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                         &private_area, &public_area, &object);
  if (IsAboutParameter(rc) && WithoutPosition(rc) != TPM2_RC_INTEGRITY) {
    return Fail(Errc::kBadKeyFile, "the sealed object is damaged: the TPM cannot read it");
  }
  TRY_TPM("load the sealed object", rc);
  return TpmObject(tpm, object);
}

/// Overwrites the command buffer of ESYS, in which the decrypted response lies until another
/// command is as long: a command is prepared there that is never sent.
void WipeCommandBuffer(Tpm& tpm) {
  TSS2_SYS_CONTEXT* sys = nullptr;
  static constexpr TPM2B_MAX_BUFFER kZeros = {.size = TPM2_MAX_DIGEST_BUFFER, .buffer = {}};
  if (Esys_GetSysContext(tpm.esys(), &sys) != TSS2_RC_SUCCESS) return;
  Tss2_Sys_Hash_Prepare(sys, &kZeros, TPM2_ALG_SHA256, TPM2_RH_NULL);
}

/// Unseals into SECRET, which is as large as any sealed data. There shall be no system call while
/// copies are left elsewhere: /proc/PID/mem would show them.
TSS2_RC UnsealInto(Secret& secret, Tpm& tpm, ESYS_TR object, ESYS_TR session) {
  TPM2B_SENSITIVE_DATA* data = nullptr;
  TSS2_RC rc = Esys_Unseal(tpm.esys(), object, session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
  if (rc != TSS2_RC_SUCCESS) return rc;
  EsysPtr<TPM2B_SENSITIVE_DATA> owned(data);
  memcpy(secret.bytes().data(), data->buffer, data->size);
  secret.Shrink(data->size);
  WipeCommandBuffer(tpm);
  WipeStack();
  return rc;
}

/// What is in the place of an index of ours, and holds what it did, explains why ERROR came.
Failure ExplainFailure(Tpm& tpm, const Policy& policy, Error error) {
  for (const TPM2B_NV_PUBLIC* index : {&policy.index.area, &policy.latch.index}) {
    Result<void> there = CheckIndex(tpm, *index);
    if (!there && there.error().code == Errc::kLatchGone) return Failure(std::move(there.error()));
  }
  return Failure(std::move(error));
}

Result<void> AssertAndUnseal(Unsealed& unsealed, Tpm& tpm, ESYS_TR parent, ESYS_TR object,
                             const Policy& policy, const PcrSignatures* signatures) {
  TpmObject session = TRY(StartPolicySession(tpm, parent));
  Result<AssertedBranch> by = AssertPolicy(tpm, session.tr(), policy,
                                           signatures == nullptr ? PcrSignatures() : *signatures);
  if (!by) return ExplainFailure(tpm, policy, std::move(by.error()));
  unsealed.by = std::move(*by);
  TSS2_RC rc = UnsealInto(unsealed.secret, tpm, object, session.tr());
  if (policy.pin && WithoutPosition(rc) == TPM2_RC_AUTH_FAIL) {
    return Fail(Errc::kWrongPin, "the PIN is wrong");
  }
  if (WithoutPosition(rc) == TPM2_RC_POLICY_FAIL) {
    return ExplainFailure(tpm, policy, FailTpm("unseal", rc).value());
  }
  TRY_TPM("unseal", rc);
  return {};
}

Result<void> CopyAuth(const Secret& value, TPM2B_AUTH& auth) {
  if (value.size() > 32) return Fail("the authorization value is longer than 32 bytes");
  auth.size = static_cast<UINT16>(value.size());
  memcpy(auth.buffer, value.bytes().data(), value.size());
  return {};
}

Result<void> SetAuth(Tpm& tpm, ESYS_TR object, const Secret& value) {
  Wiped<TPM2B_AUTH> auth;
  TRY(CopyAuth(value, *auth));
  TRY_TPM("set the authorization value", Esys_TR_SetAuth(tpm.esys(), object, auth.get()));
  return {};
}

/// The response code of TPM2_Unseal with this authorization; whatever it yields is wiped.
TSS2_RC TryUnseal(Tpm& tpm, ESYS_TR object, ESYS_TR authorization) {
  TPM2B_SENSITIVE_DATA* data = nullptr;
  TSS2_RC rc = Esys_Unseal(tpm.esys(), object, authorization, ESYS_TR_NONE, ESYS_TR_NONE, &data);
  EsysPtr<TPM2B_SENSITIVE_DATA> owned(data);
  return rc;
}

Result<void> ExpectRefusal(TSS2_RC rc, std::initializer_list<TSS2_RC> refusals) {
  if (rc == TSS2_RC_SUCCESS) return Fail("this TPM opens the sealed object without its policy");
  bool expected =
      std::find(refusals.begin(), refusals.end(), WithoutPosition(rc)) != refusals.end();
  if (!expected) return FailTpm("prove that the sealed object stays closed", rc);
  return {};
}

}  // namespace

Result<SealedObject> Seal(Tpm& tpm, ESYS_TR parent, const Secret& secret, const Policy& policy,
                          const Secret* auth_value) {
  StackWiper wiper;
  Wiped<TPM2B_SENSITIVE_CREATE> sensitive;
  if (secret.size() > 128) return Fail("seal: the secret is longer than 128 bytes");
  sensitive->sensitive.data.size = static_cast<UINT16>(secret.size());
  memcpy(sensitive->sensitive.data.buffer, secret.bytes().data(), secret.size());
  if (auth_value != nullptr) TRY(CopyAuth(*auth_value, sensitive->sensitive.userAuth));

  TPM2B_PUBLIC asked = SealedTemplate(policy);
  TPM2B_DATA no_data = {};
  TPML_PCR_SELECTION no_pcrs = {};
  TpmObject session = TRY(StartHmacSession(tpm, parent));
  TPM2B_PRIVATE* private_area = nullptr;
  TPM2B_PUBLIC* public_area = nullptr;
  TRY_TPM("seal", Esys_Create(tpm.esys(), parent, session.tr(), ESYS_TR_NONE, ESYS_TR_NONE,
                              sensitive.get(), &asked, &no_data, &no_pcrs, &private_area,
                              &public_area, nullptr, nullptr, nullptr));
  EsysPtr<TPM2B_PRIVATE> owned_private(private_area);
  EsysPtr<TPM2B_PUBLIC> owned_public(public_area);
  if (!MatchesTemplate(*public_area, asked)) {
    return Fail(Errc::kWrongTpm, "seal: the TPM made another object than it was asked for");
  }
  return SealedObject{MarshalPublic(*public_area), MarshalPrivate(*private_area)};
}

Result<Unsealed> Unseal(Tpm& tpm, ESYS_TR parent, const SealedObject& sealed, const Policy& policy,
                        const PolicyNeeds& needs) {
  Secret secret = TRY(Secret::Create(sizeof(TPM2B_SENSITIVE_DATA::buffer)));
  Unsealed unsealed = {.secret = std::move(secret), .by = {}};
  TpmObject object = TRY(Load(tpm, parent, sealed));
  if (needs.auth_value != nullptr) TRY(SetAuth(tpm, object.tr(), *needs.auth_value));
  TRY(OutrunPcrChanges([&] {
    return AssertAndUnseal(unsealed, tpm, parent, object.tr(), policy, needs.signatures);
  }));
  if (unsealed.secret.size() == 0) return Fail(Errc::kBadKeyFile, "the sealed object is empty");
  return unsealed;
}

Result<void> CheckLoads(Tpm& tpm, ESYS_TR parent, const SealedObject& sealed) {
  TpmObject object = TRY(Load(tpm, parent, sealed));
  return {};
}

Result<Bytes> AuthPolicyOf(const SealedObject& sealed) {
  TPM2B_PUBLIC area = TRY(UnmarshalPublic(sealed.public_area));
  const TPM2B_DIGEST& policy = area.publicArea.authPolicy;
  return Bytes(policy.buffer, policy.buffer + policy.size);
}

Result<void> ProveClosedWithoutPolicy(Tpm& tpm, ESYS_TR parent, const SealedObject& sealed) {
  TpmObject object = TRY(Load(tpm, parent, sealed));
  TpmObject session = TRY(StartPolicySession(tpm, parent));
  TRY(ExpectRefusal(TryUnseal(tpm, object.tr(), session.tr()), {TPM2_RC_POLICY_FAIL}));
  return ExpectRefusal(TryUnseal(tpm, object.tr(), ESYS_TR_PASSWORD),
                       {TPM2_RC_AUTH_UNAVAILABLE, TPM2_RC_AUTH_TYPE});
}

}  // namespace nvunlock
