// SPDX-License-Identifier: Apache-2.0
#include "tpm/approval.h"

#include <algorithm>

#include "src/base/endian_reader.h"
#include "tpm/policy_index.h"
#include "tpm/rc.h"

namespace nvunlock {
namespace {

constexpr uint8_t kVersion = 1;

/// Which parts a branch has.
constexpr uint8_t kSigned = 1;
constexpr uint8_t kBoots = 2;
constexpr uint8_t kPcrs = 4;

void Append(Bytes& bytes, ByteView more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

void AppendSelection(Bytes& bytes, const TPMS_PCR_SELECTION& pcrs) {
  Append(bytes, BigEndian(pcrs.hash, 2));
  Append(bytes, BigEndian(MaskOf(pcrs), 4));
}

void AppendBranch(Bytes& bytes, const Branch& branch) {
  bytes.push_back((branch.signed_pcrs ? kSigned : 0) | (branch.boots ? kBoots : 0) |
                  (branch.pcrs ? kPcrs : 0));
  if (branch.signed_pcrs) {
    AppendSelection(bytes, branch.signed_pcrs->pcrs.pcrSelections[0]);
    Append(bytes, branch.signed_pcrs->key_name);
    bytes.push_back(static_cast<uint8_t>(branch.signed_pcrs->reference.size()));
    Append(bytes, branch.signed_pcrs->reference);
  }
  if (branch.boots) {
    Append(bytes, BigEndian(branch.boots->after.resets, 4));
    Append(bytes, BigEndian(branch.boots->after.restarts, 4));
    Append(bytes, BigEndian(branch.boots->last, 4));
  }
  if (branch.pcrs) {
    AppendSelection(bytes, branch.pcrs->pcrs.pcrSelections[0]);
    Append(bytes, branch.pcrs->pcr_digest);
    Append(bytes, branch.pcrs->beginnings);
  }
}

Failure Malformed() {
  return Fail(Errc::kBadKeyFile, "the policy index holds no approval that this version knows");
}

Bytes TakeBytes(BigEndianReader& reader, size_t size) {
  ByteView taken = reader.Take(size);
  return Bytes(taken.begin(), taken.end());
}

/// Of a bank that is not known: an empty selection.
TPMS_PCR_SELECTION TakeSelection(BigEndianReader& reader) {
  const PcrBank* bank = FindPcrBank(static_cast<TPM2_ALG_ID>(reader.Number(2)));
  uint32_t mask = reader.Number(4);
  return bank == nullptr ? TPMS_PCR_SELECTION{} : SelectPcrs(*bank, mask);
}

TPML_PCR_SELECTION ListOf(const TPMS_PCR_SELECTION& pcrs) {
  return {.count = 1, .pcrSelections = {pcrs}};
}

SignedPolicy TakeSigned(BigEndianReader& reader) {
  SignedPolicy policy;
  policy.pcrs = ListOf(TakeSelection(reader));
  policy.key_name = TakeBytes(reader, kKeyNameSize);
  size_t size = reader.Number(1);
  policy.reference = TakeBytes(reader, std::min(size, kPolicyReferenceLimit));
  return policy;
}

PcrPolicy TakePcrs(BigEndianReader& reader) {
  PcrPolicy policy;
  policy.pcrs = ListOf(TakeSelection(reader));
  std::ranges::copy(reader.Take(policy.pcr_digest.size()), policy.pcr_digest.begin());
  size_t count = static_cast<size_t>(std::popcount(MaskOf(policy.pcrs.pcrSelections[0])));
  policy.beginnings = TakeBytes(reader, count * kBeginningSize);
  return policy;
}

BootLimit TakeBoots(BigEndianReader& reader) {
  BootLimit boots;
  boots.after.resets = reader.Number(4);
  boots.after.restarts = reader.Number(4);
  boots.last = reader.Number(4);
  return boots;
}

Branch TakeBranch(BigEndianReader& reader) {
  Branch branch;
  uint32_t parts = reader.Number(1);
  if ((parts & kSigned) != 0) branch.signed_pcrs = TakeSigned(reader);
  if ((parts & kBoots) != 0) branch.boots = TakeBoots(reader);
  if ((parts & kPcrs) != 0) branch.pcrs = TakePcrs(reader);
  return branch;
}

Result<void> AssertBranch(Tpm& tpm, ESYS_TR session, const Branch& branch,
                          const PcrSignatures& signatures) {
  if (branch.signed_pcrs) TRY(AssertSignedPolicy(tpm, session, *branch.signed_pcrs, signatures));
  if (branch.boots) TRY(AssertBootLimit(tpm, session, *branch.boots));
  if (branch.pcrs) TRY(AssertPcrPolicy(tpm, session, *branch.pcrs));
  return {};
}

Result<void> AssertAlternatives(Tpm& tpm, ESYS_TR session, const Approval& approval) {
  if (approval.branches.size() < 2) return {};
  TPML_DIGEST digests = {};
  for (const Branch& branch : approval.branches) {
    Sha256Digest digest = DigestOf(branch);
    TPM2B_DIGEST& entry = digests.digests[digests.count++];
    entry.size = static_cast<UINT16>(digest.size());
    std::ranges::copy(digest, entry.buffer);
  }
  TRY_TPM("assert alternatives",
          Esys_PolicyOR(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &digests));
  return {};
}

bool DoesNotHold(const Error& error) {
  return error.code == Errc::kPolicyMismatch || error.code == Errc::kNoSignature;
}

}  // namespace

Sha256Digest DigestOf(const Branch& branch) {
  Sha256Digest digest = {};
  if (branch.signed_pcrs) digest = DigestOf(*branch.signed_pcrs);
  if (branch.boots) digest = ExtendDigest(digest, *branch.boots);
  if (branch.pcrs) digest = ExtendDigest(digest, *branch.pcrs);
  return digest;
}

Sha256Digest DigestOf(const Approval& approval) {
  if (approval.branches.size() == 1) return DigestOf(approval.branches[0]);
  static constexpr Sha256Digest kEmptyPolicy = {};
  Bytes digests;
  for (const Branch& branch : approval.branches) Append(digests, DigestOf(branch));
  return Sha256({kEmptyPolicy, BigEndian(TPM2_CC_PolicyOR, 4), digests});
}

Result<Bytes> EncodeApproval(const Approval& approval) {
  if (approval.branches.empty()) return Fail("an approval without a boot that it approves");
  Bytes contents = BigEndian(TPM2_ALG_SHA256, 2);
  Append(contents, DigestOf(approval));
  contents.push_back(kVersion);
  AppendSelection(contents, approval.pcrs);
  contents.push_back(static_cast<uint8_t>(approval.branches.size()));
  for (const Branch& branch : approval.branches) AppendBranch(contents, branch);
  if (approval.branches.size() > kMostBranches || contents.size() > kPolicyIndexSize) {
    return Fail(Errc::kUsage,
                "the TPM cannot hold so many approvals at once; drop the old ones with 'nvunlock "
                "approve --now'");
  }
  return contents;
}

Result<Approval> DecodeApproval(ByteView contents) {
  BigEndianReader reader(contents);
  uint32_t algorithm = reader.Number(2);
  ByteView digest = reader.Take(sizeof(Sha256Digest));
  uint32_t version = reader.Number(1);
  Approval approval;
  approval.pcrs = TakeSelection(reader);
  uint32_t count = reader.Number(1);
  if (algorithm != TPM2_ALG_SHA256 || version != kVersion || count == 0 || count > kMostBranches) {
    return Malformed();
  }
  for (uint32_t i = 0; i < count; i++) approval.branches.push_back(TakeBranch(reader));
  if (!reader.ok() || !std::ranges::equal(DigestOf(approval), digest)) return Malformed();
  return approval;
}

Result<size_t> AssertApproval(Tpm& tpm, ESYS_TR session, const Approval& approval,
                              const PcrSignatures& signatures) {
  std::optional<Error> first;
  for (size_t i = 0; i < approval.branches.size(); i++) {
    Result<void> asserted = AssertBranch(tpm, session, approval.branches[i], signatures);
    if (asserted) {
      TRY(AssertAlternatives(tpm, session, approval));
      return i;
    }
    if (!DoesNotHold(asserted.error())) return Failure(std::move(asserted.error()));
    if (!first) first = std::move(asserted.error());
    TRY_TPM("start the policy anew",
            Esys_PolicyRestart(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE));
  }
  return Failure(std::move(*first));
}

}  // namespace nvunlock
