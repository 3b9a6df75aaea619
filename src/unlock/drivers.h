// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_UNLOCK_DRIVERS_H_
#define NVUNLOCK_UNLOCK_DRIVERS_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/os/nd_bus.h"

namespace nvunlock {

/// Whether the firmware describes NFIT or CXL memory, or DIMMs are registered already.
bool HasDimmHardware(const Environment& environment);

/// All modules that an image needs, also for hardware that this machine does not have yet: they
/// bring in what they depend on.
std::vector<std::string> DriversForImages();

/// Loads libnvdimm if it is not there. It is never made to revalidate by itself: for a DIMM without
/// a key the kernel would test 32 zero bytes, which burns an attempt, and it keeps a failure to
/// itself. `unlock` revalidates with the key at hand and sees the verdict.
Result<void> LoadLibnvdimm(const Environment& environment);

/// Loads the drivers that register DIMMs, as far as the machine has hardware for them: nfit, and
/// cxl_pmem with what it needs. Returns when the DIMMs are registered.
Result<void> LoadDimmDrivers(const Environment& environment);

/// Whether libnvdimm.key_revalidate is on: something else loaded it with its default.
bool KernelRevalidates(const Environment& environment);

/// Keeps the kernel from binding nd devices by itself, until Resume or the end.
class AutoprobePause {
 public:
  static Result<AutoprobePause> Start(const NdBus& bus);
  AutoprobePause(AutoprobePause&& other) noexcept;
  AutoprobePause& operator=(AutoprobePause&&) = delete;
  ~AutoprobePause();

  Result<void> Resume();

 private:
  explicit AutoprobePause(const NdBus& bus) : bus_(&bus) {}

  const NdBus* bus_;
};

/// Binds the ndbus devices; their DIMMs cannot be bound before.
void ProbeBuses(const NdBus& bus);

/// Lets the kernel bind what is not bound yet, but for DIMMs: regions, namespaces and the like.
/// Leaves out regions with a locked DIMM. The kernel itself refuses those only after it has tried
/// to bind the DIMM; otherwise it would make block devices of memory that cannot be read.
void ProbeTheRest(const NdBus& bus);

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_DRIVERS_H_
