// SPDX-License-Identifier: Apache-2.0
#include "tpm/pcr_policy.h"

#include <tss2/tss2_mu.h>

#include <algorithm>

#include "tpm/rc.h"

namespace nvunlock {
namespace {

/// What the PCRs of POLICY hold now, beside it: "; PCR 4, 9 (sha256) differs".
std::string DescribeCurrent(Tpm& tpm, const PcrPolicy& policy) {
  const TPMS_PCR_SELECTION& selection = policy.pcrs.pcrSelections[0];
  const PcrBank* bank = FindPcrBank(selection.hash);
  if (bank == nullptr) return "";
  Result<PcrValues> current = ReadPcrs(tpm, *bank, MaskOf(selection));
  if (!current) return "";
  std::string differing = DescribeDifference(policy, PolicyForValues(*bank, *current));
  return differing.empty() ? "" : "; " + differing + " differs";
}

TSS2_RC RunPolicyPcr(Tpm& tpm, ESYS_TR session, const TPML_PCR_SELECTION& pcrs,
                     const TPM2B_DIGEST& digest) {
  return Esys_PolicyPCR(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &digest,
                        &pcrs);
}

}  // namespace

PcrPolicy PolicyForValues(const PcrBank& bank, const PcrValues& values) {
  uint32_t mask = 0;
  Bytes concatenated;
  PcrPolicy policy;
  for (const auto& [pcr, value] : values) {
    mask |= 1U << pcr;
    concatenated.insert(concatenated.end(), value.begin(), value.end());
    policy.beginnings.insert(policy.beginnings.end(), value.begin(),
                             value.begin() + kBeginningSize);
  }
  policy.pcrs.count = 1;
  policy.pcrs.pcrSelections[0] = SelectPcrs(bank, mask);
  policy.pcr_digest = Sha256({concatenated});
  return policy;
}

std::string DescribeDifference(const PcrPolicy& one, const PcrPolicy& other) {
  const TPMS_PCR_SELECTION& selection = one.pcrs.pcrSelections[0];
  const PcrBank* bank = FindPcrBank(selection.hash);
  bool is_same = MarshalSelection(one.pcrs) == MarshalSelection(other.pcrs) &&
                 one.beginnings.size() == other.beginnings.size();
  std::string text;
  auto mine = one.beginnings.begin();
  auto theirs = other.beginnings.begin();
  for (unsigned pcr = 0; pcr < kPcrCount && is_same && mine != one.beginnings.end(); pcr++) {
    if ((MaskOf(selection) & 1U << pcr) == 0) continue;
    if (!std::equal(mine, mine + kBeginningSize, theirs)) {
      text += (text.empty() ? "PCR " : ", ") + std::to_string(pcr);
    }
    mine += kBeginningSize;
    theirs += kBeginningSize;
  }
  return text.empty() || bank == nullptr ? "" : text + " (" + bank->name + ")";
}

Sha256Digest ExtendDigest(const Sha256Digest& digest, const PcrPolicy& policy) {
  return Sha256(
      {digest, BigEndian(TPM2_CC_PolicyPCR, 4), MarshalSelection(policy.pcrs), policy.pcr_digest});
}

Bytes MarshalSelection(const TPML_PCR_SELECTION& pcrs) {
  Bytes body(sizeof(TPML_PCR_SELECTION));
  size_t size = 0;
  if (Tss2_MU_TPML_PCR_SELECTION_Marshal(&pcrs, body.data(), body.size(), &size) != 0) size = 0;
  body.resize(size);
  return body;
}

Result<void> AssertPcrPolicy(Tpm& tpm, ESYS_TR session, const PcrPolicy& policy) {
  TPM2B_DIGEST digest = {.size = static_cast<UINT16>(policy.pcr_digest.size()), .buffer = {}};
  std::ranges::copy(policy.pcr_digest, digest.buffer);
  TSS2_RC rc = RunPolicyPcr(tpm, session, policy.pcrs, digest);
  // The TPM compares the digest that it is given: the answer is "bad parameter value".
  if (WithoutPosition(rc) == TPM2_RC_VALUE) {
    return Fail(Errc::kPolicyMismatch,
                "the PCRs do not hold the approved values" + DescribeCurrent(tpm, policy));
  }
  TRY_TPM("assert the PCR policy", rc);
  return {};
}

Result<void> AssertCurrentPcrs(Tpm& tpm, ESYS_TR session, const TPML_PCR_SELECTION& pcrs) {
  TRY_TPM("assert the PCRs", RunPolicyPcr(tpm, session, pcrs, TPM2B_DIGEST{}));
  return {};
}

}  // namespace nvunlock
