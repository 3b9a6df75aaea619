// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_SEALING_TPM_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_SEALING_TPM_H_

#include "test/unit/support/swtpm.h"
#include "test/unit/support/tpm_samples.h"
#include "tpm/sealed_object.h"
#include "tpm/session.h"
#include "tpm/srk.h"
#include "tpm/update_key.h"

namespace nvunlock {

/// A connection to a TPM together with its pinned storage root key, and an update key.
struct SealingTpm {
  Tpm tpm;
  TPM2B_PUBLIC srk;
  ESYS_TR parent;
  UpdateKey key;

  explicit SealingTpm(const std::string& device)
      : tpm(Must(Tpm::Connect(device))),
        srk(Must(ProvisionSrk(tpm))),
        parent(Must(PinParent(tpm, kSrkHandle, srk))),
        key(Must(UpdateKey::Generate())) {}

  /// What the PCRs of MASK hold now.
  PcrPolicy PcrsOfNow(uint32_t mask = 1U << 7 | 1U << 8) {
    return PolicyForValues(Sha256Bank(), Must(ReadPcrs(tpm, Sha256Bank(), mask)));
  }

  /// The approval of boots like this one.
  Approval ApprovalOfNow(uint32_t mask = 1U << 7 | 1U << 8) {
    PcrPolicy pcrs = PcrsOfNow(mask);
    return {.pcrs = pcrs.pcrs.pcrSelections[0], .branches = {{.pcrs = pcrs}}};
  }

  /// Writes APPROVAL into INDEX, which the update key must have made.
  void Approve(const PolicyIndex& index, const Approval& approval) {
    Must(WriteIndex(tpm, parent, index.area, key, Must(EncodeApproval(approval))));
  }

  PolicyIndex MakeIndex(const Approval& approval) {
    PolicyIndex index = {.area = Must(DefineIndex(tpm, key, kPolicyIndexSize, 0))};
    Approve(index, approval);
    return index;
  }

  /// A policy with a new index that holds APPROVAL, and a new latch.
  Policy MakePolicy(const Approval& approval) {
    return {.index = MakeIndex(approval), .latch = Must(MakeNvLatch(tpm, parent))};
  }

  /// The policy that the PCRs of MASK hold what they hold now.
  Policy PolicyOfNow(uint32_t mask = 1U << 7 | 1U << 8) { return MakePolicy(ApprovalOfNow(mask)); }

  SealedObject SealUnder(const Policy& policy, const Secret& secret) {
    return Must(Seal(tpm, parent, secret, policy));
  }

  /// What the TPM itself has computed in SESSION.
  Bytes DigestIn(const TpmObject& session) {
    TPM2B_DIGEST* digest = nullptr;
    Esys_PolicyGetDigest(tpm.esys(), session.tr(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                         &digest);
    EsysPtr<TPM2B_DIGEST> owned(digest);
    return digest == nullptr ? Bytes() : Bytes(digest->buffer, digest->buffer + digest->size);
  }
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_SEALING_TPM_H_
