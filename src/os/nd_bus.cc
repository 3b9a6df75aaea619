#include "src/os/nd_bus.h"

#include <climits>
#include <cstdlib>

#include "src/base/text.h"
#include "src/os/file.h"

namespace nvunlock {

std::string NdBus::PathOf(const std::string& device) const {
  return root_ + "/devices/" + device;
}

bool NdBus::IsPresent() const {
  return Exists(root_ + "/devices");
}

std::vector<std::string> NdBus::Devices() const {
  return ListDirectory(root_ + "/devices").value_or(std::vector<std::string>());
}

std::vector<std::string> NdBus::Nmems() const {
  std::vector<std::string> nmems = Devices();
  std::erase_if(nmems, [](const std::string& name) { return !name.starts_with("nmem"); });
  return nmems;
}

std::string NdBus::BusOf(const std::string& device) const {
  char resolved[PATH_MAX];
  if (realpath(PathOf(device).c_str(), resolved) == nullptr) return "";
  for (std::string_view part : Split(resolved, '/')) {
    if (part.starts_with("ndbus")) return std::string(part);
  }
  return "";
}

Result<std::string> NdBus::ProviderOf(const std::string& ndbus) const {
  return Attribute(ndbus, "provider");
}

Result<std::string> NdBus::Attribute(const std::string& device, const std::string& name) const {
  return ReadAttribute(PathOf(device) + "/" + name);
}

bool NdBus::HasAttribute(const std::string& device, const std::string& name) const {
  return Exists(PathOf(device) + "/" + name);
}

Result<void> NdBus::SetAttribute(const std::string& device, const std::string& name,
                                 std::string_view value) const {
  return WriteAttribute(PathOf(device) + "/" + name, value);
}

std::vector<std::string> NdBus::NmemsOf(const std::string& region) const {
  std::vector<std::string> nmems;
  // mappingN: "nmem0,OFFSET,SIZE,POSITION"
  for (int i = 0;; i++) {
    Result<std::string> mapping = Attribute(region, "mapping" + std::to_string(i));
    if (!mapping) return nmems;
    nmems.emplace_back(Split(*mapping, ',')[0]);
  }
}

bool NdBus::IsBound(const std::string& device) const {
  return HasAttribute(device, "driver");
}

Result<void> NdBus::SetAutoprobe(bool on) const {
  return WriteAttribute(root_ + "/drivers_autoprobe", on ? "1" : "0");
}

Result<void> NdBus::BindNmem(const std::string& nmem) const {
  return WriteAttribute(root_ + "/drivers/nvdimm/bind", nmem);
}

Result<void> NdBus::Probe(const std::string& device) const {
  return WriteAttribute(root_ + "/drivers_probe", device);
}

void NdBus::WaitForProbe(const std::string& ndbus) const {
  // Reading the attribute is what waits; its value says nothing.
  (void)Attribute(ndbus, "wait_probe");
}

}  // namespace nvunlock
