// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/ndctl_json.h"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "src/base/text.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

using Json = nlohmann::ordered_json;

/// Words of nfit/flags and ndctl's keys for them, in ndctl's order.
constexpr std::pair<const char*, const char*> kFlags[] = {
    {"map_fail", "flag_failed_map"},     {"save_fail", "flag_failed_save"},
    {"not_armed", "flag_failed_arm"},    {"restore_fail", "flag_failed_restore"},
    {"flush_fail", "flag_failed_flush"}, {"smart_event", "flag_smart_event"},
};

Json ToJson(unsigned number, bool human) {
  if (!human) return number;
  char text[16];
  snprintf(text, sizeof(text), "%#x", number);
  return text;
}

/// NONE is what stands for no number.
void AddNumber(Json& json, const char* key, const Result<std::string>& attribute, unsigned none,
               bool human) {
  std::string text = attribute.value_or("");
  std::optional<unsigned> number = ParseUnsigned(text, text.starts_with("0x") ? 16 : 10);
  if (number && *number < none) json[key] = ToJson(*number, human);
}

void AddFlags(Json& json, const Result<std::string>& attribute) {
  std::string text = attribute.value_or("");
  std::vector<std::string_view> words = Split(text, ' ');
  for (const auto& [word, key] : kFlags) {
    if (std::find(words.begin(), words.end(), word) != words.end()) json[key] = true;
  }
}

/// The library puts a space after each colon, json-c none.
std::string WithoutSpaces(const std::string& json) {
  std::string text;
  bool quoted = false;
  bool escaped = false;
  for (char c : json) {
    if (c == ' ' && !quoted && text.ends_with(':')) continue;
    if (c == '"' && !escaped) quoted = !quoted;
    escaped = c == '\\' && !escaped;
    text += c;
  }
  return text;
}

}  // namespace

Json DimmJson(const NdBus& bus, const Dimm& dimm, bool human) {
  Json json = {{"dev", dimm.nmem}};
  if (!dimm.id.empty()) json["id"] = dimm.id.spelling();
  AddNumber(json, "handle", bus.Attribute(dimm.nmem, "nfit/handle"), UINT_MAX, human);
  AddNumber(json, "phys_id", bus.Attribute(dimm.nmem, "nfit/phys_id"), USHRT_MAX, human);
  if (!dimm.bound) json["state"] = "disabled";
  AddFlags(json, bus.Attribute(dimm.nmem, "nfit/flags"));
  if (dimm.security != SecurityState::kUnsupported && dimm.security != SecurityState::kUnknown) {
    json["security"] = ToWord(dimm.security);
  }
  if (dimm.frozen) json["security_frozen"] = true;
  return json;
}

Json BusJson(const NdBus& bus, const std::string& ndbus) {
  Json json = {{"provider", bus.ProviderOf(ndbus).value_or("")}, {"dev", ndbus}};
  Result<std::string> scrub = bus.Attribute(ndbus, "nfit/scrub");  // "3", or "3+" while it runs
  if (scrub) json["scrub_state"] = scrub->ends_with('+') ? "active" : "idle";
  return json;
}

void PrintNdctlJson(const Json& entries, bool human) {
  const Json& shown = human && entries.size() == 1 ? entries[0] : entries;
  Print(WithoutSpaces(shown.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n");
}

}  // namespace nvunlock
