// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/drivers.h"

#include <algorithm>
#include <utility>

#include "src/model/dimm.h"
#include "src/os/file.h"
#include "src/os/modules.h"

namespace nvunlock {
namespace {

constexpr char kNfitRoot[] = "ACPI0012";
constexpr char kCxlRoot[] = "ACPI0017";

/// Whether the firmware describes a device with this ACPI hardware id.
bool HasAcpiDevice(const Environment& environment, const std::string& hardware_id) {
  auto devices = ListDirectory(environment.sysfs_root + "/bus/acpi/devices");
  return devices && std::any_of(devices->begin(), devices->end(), [&](const std::string& device) {
           return device.starts_with(hardware_id + ":");
         });
}

/// CXL DIMMs appear only when the whole stack below cxl_pmem is there.
constexpr const char* kCxlDrivers[] = {"cxl_pmem", "cxl_acpi", "cxl_port", "cxl_mem", "cxl_pci"};

Result<void> LoadCxl(const Environment& environment, Modules& modules) {
  for (const char* name : kCxlDrivers) TRY(modules.Load(name));
  // Memory devices are probed in the background; this write waits for that.
  std::string flush = environment.sysfs_root + "/bus/cxl/flush";
  if (Exists(flush)) TRY(WriteAttribute(flush, "1"));
  return {};
}

bool IsReadable(const NdBus& bus, const std::string& region) {
  std::vector<std::string> nmems = bus.NmemsOf(region);
  return std::all_of(nmems.begin(), nmems.end(), [&](const std::string& nmem) {
    Result<Dimm> dimm = InspectDimm(bus, nmem);
    return dimm && dimm->IsReadable();
  });
}

}  // namespace

bool HasDimmHardware(const Environment& environment) {
  return HasAcpiDevice(environment, kNfitRoot) || HasAcpiDevice(environment, kCxlRoot) ||
         !NdBus(environment.sysfs_root).Nmems().empty();
}

std::vector<std::string> DriversForImages() {
  std::vector<std::string> drivers = {"libnvdimm", "nfit", "nd_pmem", "nd_btt", "dax_pmem"};
  drivers.insert(drivers.end(), std::begin(kCxlDrivers), std::end(kCxlDrivers));
  return drivers;
}

Result<void> LoadLibnvdimm(const Environment& environment) {
  Modules modules = TRY(Modules::Open(environment.modules_dir));
  return modules.Load("libnvdimm", "key_revalidate=0");
}

Result<void> LoadDimmDrivers(const Environment& environment) {
  Modules modules = TRY(Modules::Open(environment.modules_dir));
  if (HasAcpiDevice(environment, kNfitRoot)) TRY(modules.Load("nfit"));
  if (HasAcpiDevice(environment, kCxlRoot)) TRY(LoadCxl(environment, modules));
  NdBus bus(environment.sysfs_root);
  for (const std::string& device : bus.Devices()) {
    if (device.starts_with("ndbus")) bus.WaitForProbe(device);
  }
  return {};
}

bool KernelRevalidates(const Environment& environment) {
  auto value =
      ReadAttribute(environment.sysfs_root + "/module/libnvdimm/parameters/key_revalidate");
  return !value || *value != "N";
}

Result<AutoprobePause> AutoprobePause::Start(const NdBus& bus) {
  TRY(bus.SetAutoprobe(false));
  return AutoprobePause(bus);
}

AutoprobePause::AutoprobePause(AutoprobePause&& other) noexcept
    : bus_(std::exchange(other.bus_, nullptr)) {}

AutoprobePause::~AutoprobePause() {
  if (bus_ != nullptr) (void)bus_->SetAutoprobe(true);
}

Result<void> AutoprobePause::Resume() {
  return std::exchange(bus_, nullptr)->SetAutoprobe(true);
}

void ProbeBuses(const NdBus& bus) {
  for (const std::string& device : bus.Devices()) {
    if (device.starts_with("ndbus") && !bus.IsBound(device)) (void)bus.Probe(device);
  }
}

void ProbeTheRest(const NdBus& bus) {
  // Regions come before their namespaces: those appear while a region is probed.
  for (const char* prefix : {"region", ""}) {
    for (const std::string& device : bus.Devices()) {
      if (!device.starts_with(prefix) || device.starts_with("nmem") || bus.IsBound(device))
        continue;
      if (device.starts_with("region") && !IsReadable(bus, device)) continue;
      // No driver yet, or an inactive region: not ours to judge, udev or an admin comes later.
      (void)bus.Probe(device);
    }
  }
}

}  // namespace nvunlock
