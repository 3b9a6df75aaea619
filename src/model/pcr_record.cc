// SPDX-License-Identifier: Apache-2.0
#include "src/model/pcr_record.h"

#include <nlohmann/json.hpp>

#include "src/base/hex.h"
#include "src/base/text.h"

namespace nvunlock {
namespace {

using Json = nlohmann::ordered_json;

Failure NotARecord() {
  return Fail("not a PCR record of nvunlock");
}

Result<PcrValues> ParseBank(const std::string& name, const Json& entries) {
  const PcrBank* bank = FindPcrBank(name);
  if (bank == nullptr || !entries.is_object()) return NotARecord();
  PcrValues values;
  for (const auto& [index, digest] : entries.items()) {
    std::optional<unsigned> pcr = ParseUnsigned(index);
    if (!pcr || *pcr >= kPcrCount || !digest.is_string()) return NotARecord();
    std::optional<Bytes> value = FromHex(digest.get_ref<const std::string&>());
    if (!value || value->size() != bank->digest_size) return NotARecord();
    values.emplace(*pcr, std::move(*value));
  }
  return values;
}

}  // namespace

std::string FormatPcrRecord(const PcrRecord& record) {
  Json json = {{"in_initramfs", record.in_initramfs}, {"banks", Json::object()}};
  for (const auto& [bank, values] : record.banks) {
    for (const auto& [pcr, value] : values) json["banks"][bank][std::to_string(pcr)] = ToHex(value);
  }
  return json.dump(2) + "\n";
}

Result<PcrRecord> ParsePcrRecord(std::string_view json_text) {
  Json json = Json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("banks") || !json["banks"].is_object()) {
    return NotARecord();
  }
  PcrRecord record = {.in_initramfs = json.value("in_initramfs", Json()) == true, .banks = {}};
  for (const auto& [name, entries] : json["banks"].items()) {
    record.banks[name] = TRY(ParseBank(name, entries));
  }
  return record;
}

}  // namespace nvunlock
