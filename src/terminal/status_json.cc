// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/status_json.h"

#include <nlohmann/json.hpp>

#include "src/base/hex.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const Error& error) {
  return {{"code", ExitCode(error.code)}, {"message", error.message}};
}

Json ToJson(const Check& check);
Json ToJson(const PcrComparison& row);
Json ToJson(const BranchStatus& branch);
Json ToJson(const TpmSlotStatus& slot);
Json ToJson(const KekStatus& kek);
Json ToJson(const BlobStatus& blob);
Json ToJson(const DimmStatus& status);
Json ToJson(const ImageCheck& image);

template <typename T>
Json ToArray(const std::vector<T>& all) {
  Json array = Json::array();
  for (const T& one : all) array.push_back(ToJson(one));
  return array;
}

Json ToJson(const std::optional<Bytes>& value) {
  return value ? Json(ToHex(*value)) : Json();
}

Json ToJson(const Check& check) {
  Json json = {{"subject", check.subject}, {"state", check.state}};
  if (check.problem) json["problem"] = ToJson(*check.problem);
  return json;
}

const char* ToWord(PcrBasis basis) {
  switch (basis) {
    case PcrBasis::kRecorded:
      return "recorded";
    case PcrBasis::kPredicted:
      return "predicted";
    case PcrBasis::kCurrent:
      return "current";
    case PcrBasis::kNothing:
      break;
  }
  return "nothing";
}

Json ToJson(const PcrComparison& row) {
  return {{"pcr", row.pcr},
          {"bank", row.bank->name},
          {"approved", ToJson(row.approved)},
          {"recorded", ToJson(row.recorded)},
          {"predicted", ToJson(row.predicted)},
          {"current", ToJson(row.current)},
          {"judged_by", ToWord(row.basis)}};
}

Json ToJson(const BranchStatus& branch) {
  return {{"description", branch.description},
          {"holds", FirstProblem(branch.checks) == nullptr},
          {"checks", ToArray(branch.checks)},
          {"pcrs", ToArray(branch.pcrs)},
          {"signed_pcrs", ToArray(branch.signed_pcrs)}};
}

Json ToJson(const TpmSlotStatus& slot) {
  return {{"kind", "tpm2"},
          {"opens", FirstProblem(slot.checks) == nullptr},
          {"pin", slot.pin},
          {"policy_digest", ToHex(slot.policy_digest)},
          {"checks", ToArray(slot.checks)},
          {"approved", ToArray(slot.approved)}};
}

Json ToJson(const RecoverySlotStatus& slot) {
  Json json = {{"kind", ToWord(slot.kind)}};
  if (!slot.issuer.empty()) json["issuer"] = slot.issuer;
  return json;
}

Json ToJson(const KekStatus& kek) {
  Json json = {{"kek", kek.kek.ToString()}, {"key_file", kek.path}, {"needed", kek.needed}};
  if (kek.unreadable) {
    json["problem"] = ToJson(*kek.unreadable);
    return json;
  }
  json["image"] = kek.image;
  json["slots"] = ToArray(kek.slots);
  for (const RecoverySlotStatus& slot : kek.recovery) json["slots"].push_back(ToJson(slot));
  json["problems"] = ToArray(kek.problems);
  return json;
}

Json ToJson(const BlobStatus& blob) {
  return {{"id", blob.dimm_id.canonical()},
          {"blob", blob.file},
          {"kek", blob.kek},
          {"checks", ToArray(blob.checks)}};
}

/// With the keys and words of `ndctl list -D`, but for the problem.
Json ToJson(const DimmStatus& status) {
  const Dimm& dimm = status.dimm;
  Json json = {{"dev", dimm.nmem},
               {"id", dimm.id.spelling()},
               {"enabled", dimm.bound},
               {"security", ToWord(dimm.security)},
               {"security_frozen", dimm.frozen}};
  if (status.problem) json["problem"] = ToJson(*status.problem);
  return json;
}

const char* ToWord(ImageKind kind) {
  switch (kind) {
    case ImageKind::kUnlocking:
      return "unlocking";
    case ImageKind::kGuarded:
      return "guard-only";
    case ImageKind::kUnguarded:
      return "unguarded";
    case ImageKind::kUnreadable:
      break;
  }
  return "unreadable";
}

/// null for what could not be read.
Json ToJson(const ImageCheck& image) {
  Json json = {{"path", image.path},
               {"kind", ToWord(image.kind)},
               {"nvunlock", nullptr},
               {"guard", nullptr}};
  if (image.kind != ImageKind::kUnreadable) {
    json["nvunlock"] = image.kind == ImageKind::kUnlocking;
    json["guard"] = image.kind != ImageKind::kUnguarded;
  }
  json["unlocks"] = image.kind == ImageKind::kUnlocking && image.problems.empty();
  json["problems"] = image.problems;
  json["old_keys"] = image.old_keys;
  return json;
}

Json ToJson(const BootVerdict& verdict) {
  std::optional<Errc> failure = verdict.Verdict();
  return {{"unlocks", !failure},
          {"exit_code", failure ? ExitCode(*failure) : 0},
          {"pin", verdict.pin},
          {"problems", ToArray(verdict.problems)},
          {"remarks", verdict.remarks}};
}

Json DescribeSources(const PcrSources& pcrs) {
  Json recorded;
  if (pcrs.recorded) recorded = pcrs.recorded->in_initramfs ? "initramfs" : "running system";
  return {{"recorded_in", recorded}, {"events", pcrs.events}};
}

Json DescribeMemory(const std::optional<MemoryProtection>& memory) {
  if (!memory) return {};
  return *memory == MemoryProtection::kSecretMemory ? "memfd_secret" : "locked";
}

}  // namespace

std::string FormatVerdict(const BootVerdict& verdict) {
  return FormatJson(ToJson(verdict));
}

std::string FormatImageChecks(const std::vector<ImageCheck>& checks) {
  return FormatJson(ToArray(checks));
}

std::string FormatStatus(const MachineStatus& status, const BootVerdict& verdict) {
  Json json = {{"verdict", ToJson(verdict)}, {"tpm", Json::object()}};
  json["tpm"]["present"] = !status.no_tpm;
  if (status.lockout) {
    json["tpm"]["tries_left"] = status.lockout->tries_left;
    json["tpm"]["seconds_for_a_try"] = status.lockout->seconds_for_a_try;
  }
  json["pcr_sources"] = DescribeSources(status.pcrs);
  json["memory"] = DescribeMemory(status.memory);
  json["keks"] = ToArray(status.keks);
  json["blobs"] = ToArray(status.blobs);
  json["dimms"] = ToArray(status.dimms);
  json["images"] = ToArray(status.images);
  return FormatJson(json);
}

}  // namespace nvunlock
