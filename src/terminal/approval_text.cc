// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/approval_text.h"

#include <nlohmann/json.hpp>

#include "src/base/hex.h"
#include "src/model/pcr_terms.h"
#include "src/seal/plan_approval.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

using Json = nlohmann::ordered_json;

Json BranchToJson(const Branch& branch) {
  Json json = {{"description", Describe(branch)}};
  if (branch.signed_pcrs)
    json["signed_pcrs"] = FormatPcrs(branch.signed_pcrs->pcrs.pcrSelections[0]);
  if (branch.boots) json["boots"] = {branch.boots->after.resets + 1, branch.boots->last};
  if (branch.pcrs) {
    json["pcrs"] = FormatPcrs(branch.pcrs->pcrs.pcrSelections[0]);
    json["pcr_digest"] = ToHex(branch.pcrs->pcr_digest);
  }
  return json;
}

}  // namespace

void PrintApproval(const Approval& approval) {
  for (const Branch& branch : approval.branches) Print("approved: " + Describe(branch) + "\n");
}

Json ToJson(const Approval& approval) {
  Json branches = Json::array();
  for (const Branch& branch : approval.branches) branches.push_back(BranchToJson(branch));
  return branches;
}

}  // namespace nvunlock
