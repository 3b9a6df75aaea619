// SPDX-License-Identifier: Apache-2.0
#include "src/model/pcr_signature.h"

#include <openssl/evp.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "src/base/hex.h"

namespace nvunlock {
namespace {

using Json = nlohmann::json;

Failure NotSignatures(const char* reason) {
  return Fail(std::string("not a PCR signature file: ") + reason);
}

std::optional<Bytes> FromBase64(const std::string& text) {
  Bytes bytes(text.size());
  int size = EVP_DecodeBlock(bytes.data(), AsBytes(text).data(), static_cast<int>(text.size()));
  if (size < 0 || text.empty()) return std::nullopt;
  bytes.resize(static_cast<size_t>(size) - (text.ends_with("==")  ? 2
                                            : text.ends_with('=') ? 1
                                                                  : 0));
  return bytes;
}

std::optional<uint32_t> ParseMask(const Json& pcrs) {
  if (!pcrs.is_array()) return std::nullopt;
  uint32_t mask = 0;
  for (const Json& pcr : pcrs) {
    if (!pcr.is_number_unsigned() || pcr.get<uint64_t>() >= kPcrCount) return std::nullopt;
    mask |= 1U << pcr.get<unsigned>();
  }
  return mask == 0 ? std::nullopt : std::optional(mask);
}

/// The string under NAME; empty when there is none.
std::string StringIn(const Json& entry, const char* name) {
  auto found = entry.find(name);
  return found != entry.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<PcrSignature> ParseEntry(const PcrBank& bank, const Json& entry) {
  if (!entry.is_object() || !entry.contains("pcrs")) return std::nullopt;
  std::optional<uint32_t> mask = ParseMask(entry["pcrs"]);
  std::optional<Bytes> policy = FromHex(StringIn(entry, "pol"));
  std::optional<Bytes> signature = FromBase64(StringIn(entry, "sig"));
  PcrSignature parsed;
  if (!mask || !policy || policy->size() != parsed.signature.policy.size() || !signature) {
    return std::nullopt;
  }
  parsed.pcrs = SelectPcrs(bank, *mask);
  std::copy(policy->begin(), policy->end(), parsed.signature.policy.begin());
  parsed.signature.signature = std::move(*signature);
  return parsed;
}

bool IsSelectedBy(const SignedPolicy& policy, const TPMS_PCR_SELECTION& pcrs) {
  const TPMS_PCR_SELECTION& wanted = policy.pcrs.pcrSelections[0];
  return pcrs.hash == wanted.hash && MaskOf(pcrs) == MaskOf(wanted);
}

}  // namespace

Result<std::vector<PcrSignature>> ParsePcrSignatures(std::string_view text) {
  if (text.size() > kPcrSignatureLimit) return NotSignatures("larger than 1 MiB");
  // systemd-stub hands over a section of a PE file, which may end in zeros.
  while (text.ends_with('\0')) text.remove_suffix(1);
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return NotSignatures("not a JSON object");
  std::vector<PcrSignature> signatures;
  for (const auto& [name, entries] : json.items()) {
    const PcrBank* bank = FindPcrBank(name);
    if (bank == nullptr) continue;
    if (!entries.is_array()) return NotSignatures("a bank without a list");
    for (const Json& entry : entries) {
      std::optional<PcrSignature> signature = ParseEntry(*bank, entry);
      if (signature) signatures.push_back(std::move(*signature));
    }
  }
  return signatures;
}

std::vector<PolicySignature> SignaturesFor(const SignedPolicy& policy,
                                           const std::vector<PcrSignature>& signatures) {
  std::vector<PolicySignature> fitting;
  for (const PcrSignature& entry : signatures) {
    if (IsSelectedBy(policy, entry.pcrs) && IsSignedFor(policy, entry.signature)) {
      fitting.push_back(entry.signature);
    }
  }
  return fitting;
}

}  // namespace nvunlock
