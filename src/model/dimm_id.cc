// SPDX-License-Identifier: Apache-2.0
#include "src/model/dimm_id.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace nvunlock {
namespace {

template <typename T>
std::optional<T> ParseWhole(std::string_view text) {
  T value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The serial number that a CXL id spells; nullopt for other ids, which have dashes inside.
std::optional<uint64_t> CxlSerial(std::string_view id) {
  if (id.starts_with('-')) return ParseWhole<int64_t>(id);
  return ParseWhole<uint64_t>(id);
}

std::string Hexadecimal(uint64_t number) {
  char digits[16];
  return {digits, std::to_chars(digits, digits + sizeof(digits), number, 16).ptr};
}

}  // namespace

DimmId::DimmId(std::string spelling) : spelling_(std::move(spelling)) {
  std::optional<uint64_t> serial = CxlSerial(spelling_);
  canonical_ = serial ? std::to_string(*serial) : spelling_;
}

std::vector<std::string> DimmId::KeyDescriptions() const {
  std::optional<uint64_t> serial = CxlSerial(spelling_);
  if (!serial) return {"nvdimm:" + spelling_};
  std::vector<std::string> descriptions = {
      "nvdimm:" + std::to_string(static_cast<int64_t>(*serial)),
      "nvdimm:" + std::to_string(*serial),
      "nvdimm:" + Hexadecimal(*serial),
  };
  std::sort(descriptions.begin(), descriptions.end());
  descriptions.erase(std::unique(descriptions.begin(), descriptions.end()), descriptions.end());
  return descriptions;
}

}  // namespace nvunlock
