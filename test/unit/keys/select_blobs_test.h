// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_KEYS_SELECT_BLOBS_TEST_H_
#define NVUNLOCK_TEST_UNIT_KEYS_SELECT_BLOBS_TEST_H_

#include <gtest/gtest.h>

#include <string>

#include "src/keys/select_blobs.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/record_lines.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {

class ChooseBlobsTest : public testing::Test {
 protected:
  static constexpr char kId[] = "8089-a2-1740-00000133";
  static constexpr char kOtherId[] = "8089-a2-1740-00000134";

  void AddBlob(const std::string& id, const std::string& host, const std::string& text) const {
    directory_.Write("nvdimm_" + id + "_" + host + ".blob", text);
  }

  void AddSpare(const std::string& word, const std::string& host, const std::string& text) const {
    directory_.Write(word + "_" + kId + "_" + host + ".blob", text);
  }

  /// The spare's text, or that there is none.
  [[nodiscard]] static std::string SpareOf(const BlobChoice& choice) {
    const std::optional<Candidate>& spare = choice.chosen.at(kId).spare;
    return spare ? spare->blob.text : "none";
  }

  [[nodiscard]] BlobChoice Choose(const RecordedBlobs& recorded = {}) const {
    return Must(ChooseBlobs(KeyStore(directory_.path()), "here", recorded));
  }

  /// The line that gives the blob of DIGIT to the DIMM ID.
  [[nodiscard]] static RecordLine Line(const std::string& id, char digit) {
    return LineFor(id, BlobText(digit), SampleSecret(32));
  }

  TemporaryDirectory directory_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_KEYS_SELECT_BLOBS_TEST_H_
