// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_PEM_H_
#define NVUNLOCK_MODEL_PEM_H_

#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/result.h"

namespace nvunlock {

/// One block of RFC 7468 textual encoding.
struct PemBlock {
  std::string label;
  Bytes der;
};

/// A block as text, its BEGIN and END lines included.
std::string FormatPem(std::string_view label, ByteView der);

/// All blocks of TEXT in order; lines between them are skipped. Fails with kBadKeyFile when a
/// block is cut short or damaged.
Result<std::vector<PemBlock>> ParsePem(std::string_view text);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_PEM_H_
