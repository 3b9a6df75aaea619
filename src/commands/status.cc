// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "src/base/hex.h"
#include "src/terminal/dimm_table.h"
#include "src/terminal/output.h"
#include "src/terminal/status_input.h"
#include "src/terminal/status_json.h"

namespace nvunlock {
namespace {

/// As many digits of a PCR as tell values apart and leave room for four beside each other.
constexpr size_t kShownDigits = 12;

void PrintField(const std::string& indent, const std::string& name, const std::string& value) {
  std::string left = indent + name;
  left.resize(std::max<size_t>(left.size() + 1, 22), ' ');
  Print(left + value + "\n");
}

void PrintCheck(const std::string& indent, const Check& check) {
  PrintField(indent, check.subject,
             check.problem ? check.state + ": " + check.problem->message : check.state);
}

std::string Shorten(const std::optional<Bytes>& value) {
  return value ? ToHex(*value).substr(0, kShownDigits) : "-";
}

void PrintPcrLine(const std::string& name, const std::string& approved, const std::string& recorded,
                  const std::string& predicted, const std::string& current) {
  char line[120];
  snprintf(line, sizeof(line), "    %-10s  %-12s  %-12s  %-12s  %s\n", name.c_str(),
           approved.c_str(), recorded.c_str(), predicted.c_str(), current.c_str());
  Print(line);
}

void PrintPcr(const PcrComparison& row, const std::string& approved) {
  PrintPcrLine(std::to_string(row.pcr) + ":" + row.bank->name, approved, Shorten(row.recorded),
               Shorten(row.predicted), Shorten(row.current));
}

void PrintBranch(const BranchStatus& branch) {
  PrintField("    ", "approved", branch.description);
  for (const Check& check : branch.checks) PrintCheck("      ", check);
  if (branch.pcrs.empty() && branch.signed_pcrs.empty()) return;
  PrintPcrLine("PCR", "APPROVED", "RECORDED", "PREDICTED", "CURRENT");
  for (const PcrComparison& row : branch.signed_pcrs) PrintPcr(row, "signed");
  for (const PcrComparison& row : branch.pcrs) PrintPcr(row, Shorten(row.approved));
}

void PrintSlot(size_t number, const TpmSlotStatus& slot) {
  Print("  slot " + std::to_string(number) + ": tpm2" + (slot.pin ? ", PIN" : "") + "\n");
  for (const Check& check : slot.checks) PrintCheck("    ", check);
  for (const BranchStatus& branch : slot.approved) PrintBranch(branch);
}

void PrintKek(const KekStatus& kek) {
  Print(kek.kek.ToString() + (kek.needed ? "" : " (no blob needs it)") + "\n");
  if (kek.unreadable) return PrintField("  ", "key file", kek.unreadable->message);
  PrintField("  ", "key file", kek.path);
  PrintField("  ", "image", kek.image);
  size_t number = 0;
  for (const TpmSlotStatus& slot : kek.slots) PrintSlot(number++, slot);
  for (const RecoverySlotStatus& slot : kek.recovery) {
    Print("  slot " + std::to_string(number++) + ": " + ToWord(slot.kind) +
          (slot.issuer.empty() ? "" : ", " + slot.issuer) + "\n");
  }
  for (const Error& problem : kek.problems) PrintField("  ", "not readable", problem.message);
}

void PrintBlob(const BlobStatus& blob) {
  Print("blob of " + blob.dimm_id.canonical() + (blob.file.empty() ? "" : ": " + blob.file) + "\n");
  for (const Check& check : blob.checks) PrintCheck("  ", check);
}

void PrintMachine(const MachineStatus& status) {
  PrintField("", "TPM", status.no_tpm ? status.no_tpm->message : "answers");
  if (status.lockout) {
    PrintField("", "wrong PINs left", std::to_string(status.lockout->tries_left));
  }
  const PcrSources& pcrs = status.pcrs;
  PrintField("", "PCRs recorded",
             !pcrs.recorded                ? "not in this boot"
             : pcrs.recorded->in_initramfs ? "in the initramfs"
                                           : "in the running system");
  PrintField("", "PCRs predicted",
             pcrs.predicted.empty() ? "no, there is no event log"
                                    : "by " + std::to_string(pcrs.events) + " events");
  bool is_secret = status.memory == MemoryProtection::kSecretMemory;
  PrintField("", "memory for secrets",
             !status.memory ? "none"
             : is_secret    ? "memfd_secret"
                            : "locked");
}

void PrintImage(const ImageCheck& image) {
  bool tells = image.kind == ImageKind::kUnreadable || image.kind == ImageKind::kUnguarded;
  Print("image " + image.path + ": " + Describe(image.kind) +
        (image.problems.empty() || tells ? "" : ", but: " + image.problems.front()) + "\n");
}

void PrintStatus(const MachineStatus& status, const BootVerdict& verdict) {
  PrintMachine(status);
  for (const KekStatus& kek : status.keks) PrintKek(kek);
  for (const BlobStatus& blob : status.blobs) PrintBlob(blob);
  std::vector<Dimm> dimms;
  for (const DimmStatus& dimm : status.dimms) dimms.push_back(dimm.dimm);
  PrintDimmTable(dimms);
  for (const ImageCheck& image : status.images) PrintImage(image);
  for (const std::string& remark : verdict.remarks) Print("remark: " + remark + "\n");
  Print(DescribeVerdict(verdict) + "\n");
}

}  // namespace

Result<int> RunStatus(const Invocation& invocation) {
  StatusInput input = TRY(ReadStatus(invocation, /*with_images=*/true));
  if (input.as_json) {
    Print(FormatStatus(input.status, input.verdict));
  } else {
    PrintStatus(input.status, input.verdict);
  }
  return 0;
}

}  // namespace nvunlock
