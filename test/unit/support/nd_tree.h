// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_ND_TREE_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_ND_TREE_H_

#include <string>

#include "src/os/nd_bus.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {

/// What the tests give a DIMM; an empty attribute is not there.
struct FakeDimm {
  std::string nmem;
  std::string id = "8089-a2-1740-00000133";
  std::string security = "disabled";
  std::string frozen = "0";
  bool bound = false;
  std::string provider = "nfit";
};

/// Plain files at the place of sysfs's "nd" bus, below DIRECTORY/sys. They take what is written
/// to them and do nothing.
class NdTree {
 public:
  explicit NdTree(const TemporaryDirectory& directory) : directory_(directory) {
    directory_.Write("sys/devices/ndbus0/provider", "ACPI.NFIT\n");
    directory_.Link("sys/bus/nd/devices/ndbus0", "../../../devices/ndbus0");
    for (const char* name :
         {"drivers_autoprobe", "drivers_probe", "drivers/nvdimm/bind", "drivers/nvdimm/unbind"}) {
      directory_.Write(std::string("sys/bus/nd/") + name, "");
    }
  }

  [[nodiscard]] NdBus bus() const { return NdBus(directory_.PathOf("sys")); }

  void AddDevice(const std::string& name, bool bound) const {
    std::string device = "sys/devices/ndbus0/" + name;
    directory_.Write(device + "/uevent", "");
    if (bound) directory_.Link(device + "/driver", "../../../bus/nd/drivers/nvdimm");
    directory_.Link("sys/bus/nd/devices/" + name, "../../../devices/ndbus0/" + name);
  }

  void AddDimm(const FakeDimm& dimm) const {
    AddDevice(dimm.nmem, dimm.bound);
    if (!dimm.id.empty()) SetAttribute(dimm.nmem, dimm.provider + "/id", dimm.id);
    if (!dimm.security.empty()) SetAttribute(dimm.nmem, "security", dimm.security);
    if (!dimm.frozen.empty()) SetAttribute(dimm.nmem, "frozen", dimm.frozen);
  }

  void SetAttribute(const std::string& device, const std::string& name,
                    const std::string& value) const {
    directory_.Write("sys/devices/ndbus0/" + device + "/" + name, value + "\n");
  }

  [[nodiscard]] std::string ReadAttribute(const std::string& device,
                                          const std::string& name) const {
    return directory_.Read("sys/devices/ndbus0/" + device + "/" + name);
  }

  /// What was last written to a file of the bus itself, such as drivers_autoprobe.
  [[nodiscard]] std::string ReadBusFile(const std::string& name) const {
    return directory_.Read("sys/bus/nd/" + name);
  }

 private:
  const TemporaryDirectory& directory_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_ND_TREE_H_
