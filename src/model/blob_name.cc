// SPDX-License-Identifier: Apache-2.0
#include "src/model/blob_name.h"

#include <utility>

namespace nvunlock {
namespace {

/// ndctl's words but for "new".
constexpr std::pair<BlobKind, const char*> kKinds[] = {
    {{PassphraseRole::kUser, BlobStage::kCurrent}, "nvdimm"},
    {{PassphraseRole::kUser, BlobStage::kStaged}, "nvdimm-new"},
    {{PassphraseRole::kUser, BlobStage::kReplaced}, "nvdimm-old"},
    {{PassphraseRole::kMaster, BlobStage::kCurrent}, "nvdimm-master"},
    {{PassphraseRole::kMaster, BlobStage::kStaged}, "nvdimm-master-new"},
    {{PassphraseRole::kMaster, BlobStage::kReplaced}, "nvdimm-master-old"},
};

}  // namespace

const char* BlobKind::ToWord() const {
  for (const auto& [kind, word] : kKinds) {
    if (kind == *this) return word;
  }
  return "nvdimm";
}

std::string BlobKind::KeyDescription(const DimmId& dimm_id) const {
  return std::string(ToWord()) + ":" + dimm_id.spelling();
}

std::optional<BlobName> ParseBlobName(const std::string& name) {
  if (!name.ends_with(kBlobSuffix)) return std::nullopt;
  size_t word_end = name.find('_');
  if (word_end == std::string::npos) return std::nullopt;
  size_t id_end = name.find('_', word_end + 1);
  if (id_end == std::string::npos || id_end == word_end + 1) return std::nullopt;
  for (const auto& [kind, word] : kKinds) {
    if (name.substr(0, word_end) != word) continue;
    std::string id = name.substr(word_end + 1, id_end - word_end - 1);
    std::string host = name.substr(id_end + 1, name.size() - id_end - 1 - kBlobSuffix.size());
    return BlobName{name, std::move(id), std::move(host), kind};
  }
  return std::nullopt;
}

BlobName MakeBlobName(BlobKind kind, const DimmId& dimm_id, const std::string& host) {
  std::string name = std::string(kind.ToWord()) + "_" + dimm_id.spelling() + "_" + host;
  return {name.append(kBlobSuffix), dimm_id, host, kind};
}

}  // namespace nvunlock
