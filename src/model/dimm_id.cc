#include "src/model/dimm_id.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

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

std::string CanonicalDimmId(std::string_view id) {
  std::optional<uint64_t> serial = CxlSerial(id);
  return serial ? std::to_string(*serial) : std::string(id);
}

std::vector<std::string> DimmKeyDescriptions(std::string_view id) {
  std::optional<uint64_t> serial = CxlSerial(id);
  if (!serial) return {"nvdimm:" + std::string(id)};
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
