// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_EVENT_LOGS_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_EVENT_LOGS_H_

#include <string_view>
#include <utility>
#include <vector>

#include "src/base/bytes.h"
#include "tpm/pcr.h"

namespace nvunlock {

inline constexpr uint32_t kNoActionEvent = 3;
inline constexpr uint32_t kSeparatorEvent = 4;

/// NUMBER in SIZE bytes, the least significant first, as event logs have it.
Bytes LittleEndian(uint64_t number, size_t size);

/// A digest of an event, of one algorithm.
struct LoggedDigest {
  uint16_t algorithm;
  Bytes digest;
};

/// Writes event logs byte by byte as firmware does, also wrong ones.
class LogWriter {
 public:
  /// Algorithm ids with the size of their digests.
  using Algorithms = std::vector<std::pair<uint16_t, size_t>>;

  /// The first event of the crypto agile format. COUNT instead of the number of ALGORITHMS.
  void AddSpecId(const Algorithms& algorithms, size_t count);
  void AddSpecId(const Algorithms& algorithms) { AddSpecId(algorithms, algorithms.size()); }

  /// An event of the crypto agile format. COUNT instead of the number of DIGESTS.
  void AddAgile(uint32_t pcr, uint32_t type, const std::vector<LoggedDigest>& digests,
                std::string_view data, size_t count);
  void AddAgile(uint32_t pcr, uint32_t type, const std::vector<LoggedDigest>& digests,
                std::string_view data = "data") {
    AddAgile(pcr, type, digests, data, digests.size());
  }

  /// An event of the format that has SHA-1 only.
  void AddLegacy(uint32_t pcr, uint32_t type, const Bytes& digest, std::string_view data = "data");

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

  /// How long the log was after each event.
  [[nodiscard]] const std::vector<size_t>& ends() const { return ends_; }

 private:
  void Add(const Bytes& bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void AddData(std::string_view data);

  Bytes bytes_;
  std::vector<size_t> ends_;
};

/// Digests of equal bytes, of SHA-1 and SHA-256, in which firmware measures.
std::vector<LoggedDigest> BothDigests(uint8_t byte);

/// A log that says of PCRS, in SHA-1 and SHA-256, that BothDigests(1) was measured into each.
Bytes LogOfPcrs(const std::vector<unsigned>& pcrs);

/// Measures what LogOfPcrs says.
void ExtendBoth(Tpm& tpm, unsigned pcr, uint8_t byte = 1);

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_EVENT_LOGS_H_
