// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_DIMM_ID_H_
#define NVUNLOCK_MODEL_DIMM_ID_H_

#include <string>
#include <vector>

namespace nvunlock {

/// A DIMM's id: 8089-a2-1740-00000133 or 8680-56341200 (nfit), or the serial number of a CXL
/// device. Kernels print a serial with its top bit set as negative or not, so one DIMM may have two
/// spellings: they are equal here, and order as one.
class DimmId {
 public:
  DimmId() = default;
  /// From any spelling.
  DimmId(std::string spelling);
  DimmId(const char* spelling) : DimmId(std::string(spelling)) {}

  [[nodiscard]] bool empty() const { return spelling_.empty(); }

  /// As it was spelled where it came from: sysfs, or the name of a file.
  [[nodiscard]] const std::string& spelling() const { return spelling_; }

  /// The spelling that all equal ids share.
  [[nodiscard]] const std::string& canonical() const { return canonical_; }

  /// The descriptions under which kernels look for this DIMM's key. NFIT DIMMs have one,
  /// "nvdimm:ID"; for CXL, kernels before 7.2 ask for the serial in hexadecimal while sysfs and
  /// ndctl spell it in decimal, so every spelling is in the list.
  [[nodiscard]] std::vector<std::string> KeyDescriptions() const;

  bool operator==(const DimmId& other) const { return canonical_ == other.canonical_; }
  auto operator<=>(const DimmId& other) const { return canonical_ <=> other.canonical_; }

 private:
  std::string spelling_;
  std::string canonical_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_DIMM_ID_H_
