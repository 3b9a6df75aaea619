// SPDX-License-Identifier: Apache-2.0
#include "src/model/kek_name.h"

#include <algorithm>

namespace nvunlock {
namespace {

bool IsUsableInFileName(std::string_view description) {
  constexpr size_t kLongest = 200;
  if (description.empty() || description.size() > kLongest || description.front() == '.') {
    return false;
  }
  return std::all_of(description.begin(), description.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && c != '/' && c != ':'; });
}

}  // namespace

Result<KekName> ParseKekName(std::string_view text) {
  size_t colon = text.find(':');
  std::string_view type = text.substr(0, colon);
  if (colon == std::string_view::npos || (type != "user" && type != "trusted")) {
    return Fail("'" + std::string(text) + "' is not a kek name like user:nvdimm-master");
  }
  std::string_view description = text.substr(colon + 1);
  if (!IsUsableInFileName(description)) {
    return Fail("'" + std::string(text) + "': its description cannot be a file name");
  }
  return KekName{std::string(type), std::string(description)};
}

}  // namespace nvunlock
