// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_RECORD_LINES_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_RECORD_LINES_H_

#include <initializer_list>
#include <string>

#include "src/model/blob_record.h"
#include "test/unit/support/results.h"

namespace nvunlock {

/// A blob, as it is written, that differs from others by DIGIT.
inline std::string BlobText(char digit, const std::string& kek = "user:nvdimm-master") {
  return "enc32 " + kek + " 32 " + std::string(162, digit);
}

/// The line that says that the blob with TEXT, which KEK wraps, is DIMM_ID's.
inline RecordLine LineFor(const std::string& dimm_id, const std::string& text, const Secret& kek,
                          PassphraseRole role = PassphraseRole::kUser) {
  return Must(MakeRecordLine(PassphraseName(role, dimm_id), Must(ParseEnc32(text)), kek));
}

inline RecordedBlobs Recorded(std::initializer_list<RecordLine> lines) {
  RecordedBlobs recorded;
  for (const RecordLine& line : lines) recorded.Add(line);
  return recorded;
}

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_RECORD_LINES_H_
