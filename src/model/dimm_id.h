#ifndef NVUNLOCK_MODEL_DIMM_ID_H_
#define NVUNLOCK_MODEL_DIMM_ID_H_

#include <string>
#include <string_view>
#include <vector>

namespace nvunlock {

/// DIMM ids come as the kernel prints them: 8089-a2-1740-00000133 or 8680-56341200 (nfit), or a
/// CXL serial as a decimal number. Kernels print a serial with its top bit set as negative or not,
/// so one DIMM may have two ids; this is the form that all of them share.
std::string CanonicalDimmId(std::string_view id);

/// The descriptions under which kernels look for this DIMM's key. NFIT DIMMs have one,
/// "nvdimm:ID"; for CXL, kernels before 7.2 ask for the serial in hexadecimal while sysfs and
/// ndctl spell it in decimal, so every spelling is in the list.
std::vector<std::string> DimmKeyDescriptions(std::string_view id);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_DIMM_ID_H_
