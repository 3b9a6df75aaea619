// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_OS_ND_BUS_H_
#define NVUNLOCK_OS_ND_BUS_H_

#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace nvunlock {

/// The kernel's "nd" bus in sysfs (Documentation/ABI/testing/sysfs-bus-nvdimm): attributes of its
/// devices, and who binds them to drivers. Reads and writes only; what to do is decided elsewhere.
class NdBus {
 public:
  /// SYSFS_ROOT is /sys but in tests.
  explicit NdBus(const std::string& sysfs_root)
      : root_(sysfs_root + "/bus/nd"), class_(sysfs_root + "/class/nd") {}

  /// False until libnvdimm is loaded.
  [[nodiscard]] bool IsPresent() const;

  /// Names of all devices: nmem0, ndbus0, region0, namespace0.0, ...; none when not present.
  [[nodiscard]] std::vector<std::string> Devices() const;

  /// Names of the DIMMs only.
  [[nodiscard]] std::vector<std::string> Nmems() const;

  /// Names of the buses only.
  [[nodiscard]] std::vector<std::string> Ndbuses() const;

  /// The same buses, and the DIMMs of one of them, in the order of 'ndctl list', which is the
  /// kernel's from its end.
  [[nodiscard]] std::vector<std::string> NdbusesAsNdctlLists() const;
  [[nodiscard]] std::vector<std::string> NmemsAsNdctlLists(const std::string& ndbus) const;

  /// Name of the ndbus that a device is on, such as ndbus0; empty when it cannot be found.
  [[nodiscard]] std::string BusOf(const std::string& device) const;

  /// The provider that the kernel names for an ndbus, such as ACPI.NFIT.
  [[nodiscard]] Result<std::string> ProviderOf(const std::string& ndbus) const;

  /// An attribute of DEVICE, e.g. "security" or "nfit/id".
  [[nodiscard]] Result<std::string> Attribute(const std::string& device,
                                              const std::string& name) const;
  [[nodiscard]] bool HasAttribute(const std::string& device, const std::string& name) const;
  [[nodiscard]] Result<void> SetAttribute(const std::string& device, const std::string& name,
                                          std::string_view value) const;

  /// The DIMMs that a region is made of.
  [[nodiscard]] std::vector<std::string> NmemsOf(const std::string& region) const;

  [[nodiscard]] bool IsBound(const std::string& device) const;

  /// Whether devices and drivers that appear from now on find each other by themselves.
  [[nodiscard]] Result<void> SetAutoprobe(bool on) const;

  /// Binds one nmem to the nvdimm driver in this process: the kernel looks up the DIMM's key with
  /// the credentials of this process and unlocks it. An error of the driver's probe is returned.
  [[nodiscard]] Result<void> BindNmem(const std::string& nmem) const;

  /// Takes one nmem from its driver.
  [[nodiscard]] Result<void> UnbindNmem(const std::string& nmem) const;

  /// Writes a command such as "update 1 2" to the `security` of an nmem. The DIMM's refusal of a
  /// passphrase, which counts as a try, fails with kPassphraseRefused.
  [[nodiscard]] Result<void> Secure(const std::string& nmem, std::string_view command) const;

  /// Waits until `security` of an nmem is something else than WORD, at most MILLISECONDS. Returns
  /// whether it still is WORD.
  [[nodiscard]] Result<bool> AwaitSecurityChange(const std::string& nmem, std::string_view word,
                                                 int milliseconds) const;

  /// Whether a region uses the nmem.
  [[nodiscard]] bool IsInUse(const std::string& nmem) const;

  /// The regions that do.
  [[nodiscard]] std::vector<std::string> ActiveRegionsOf(const std::string& nmem) const;

  /// Lets the kernel find a driver for one unbound device. No driver is not an error.
  [[nodiscard]] Result<void> Probe(const std::string& device) const;

  /// Waits until an ndbus has finished registering its devices.
  void WaitForProbe(const std::string& ndbus) const;

  /// Does so for each ndbus there is.
  void WaitForProbes() const;

 private:
  [[nodiscard]] std::string PathOf(const std::string& device) const;

  std::string root_;
  std::string class_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_ND_BUS_H_
