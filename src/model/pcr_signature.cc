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

/// The string under NAME; empty when there is none.
std::string StringIn(const Json& entry, const char* name) {
  auto found = entry.find(name);
  return found != entry.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<PolicySignature> ParseEntry(const Json& entry) {
  if (!entry.is_object()) return std::nullopt;
  std::optional<Bytes> policy = FromHex(StringIn(entry, "pol"));
  std::optional<Bytes> signature = FromBase64(StringIn(entry, "sig"));
  PolicySignature parsed;
  if (!policy || policy->size() != parsed.policy.size() || !signature) return std::nullopt;
  std::ranges::copy(*policy, parsed.policy.begin());
  parsed.signature = std::move(*signature);
  return parsed;
}

}  // namespace

Result<std::vector<PolicySignature>> ParsePcrSignatures(std::string_view text) {
  if (text.size() > kPcrSignatureLimit) return NotSignatures("larger than 1 MiB");
  // systemd-stub hands over a section of a PE file, which may end in zeros.
  while (text.ends_with('\0')) text.remove_suffix(1);
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return NotSignatures("not a JSON object");
  std::vector<PolicySignature> signatures;
  for (const auto& [name, entries] : json.items()) {
    if (FindPcrBank(name) == nullptr) continue;
    if (!entries.is_array()) return NotSignatures("a bank without a list");
    for (const Json& entry : entries) {
      std::optional<PolicySignature> signature = ParseEntry(entry);
      if (signature) signatures.push_back(std::move(*signature));
    }
  }
  return signatures;
}

}  // namespace nvunlock
