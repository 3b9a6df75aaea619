// SPDX-License-Identifier: Apache-2.0
#include "src/os/nd_bus.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "src/base/text.h"
#include "src/base/unique_fd.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

/// What the kernel means by the errors of drivers/nvdimm/security.c and of Intel's interface.
const char* MeaningOf(int error_number) {
  switch (error_number) {
    case EIO:
      return ": not possible while it is frozen (perhaps by the firmware) or locked";
    case ENXIO:
      return ": not possible in its current state, or (CXL) the passphrase is wrong";
    case EINVAL:
      return ": refused, or unknown to this kernel";
    case EBUSY:
      return ": its region is in use, or an overwrite is running";
    case ENOKEY:
      return ": the kernel did not find the key";
    default:
      return "";
  }
}

std::vector<std::string> Only(std::string_view prefix, std::vector<std::string> names) {
  std::erase_if(names, [&](const std::string& name) { return !name.starts_with(prefix); });
  return names;
}

std::vector<std::string> ListFromEnd(const std::string& directory) {
  auto names = ListUnsorted(directory).value_or(std::vector<std::string>());
  std::reverse(names.begin(), names.end());
  return names;
}

}  // namespace

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
  return Only("nmem", Devices());
}

std::vector<std::string> NdBus::Ndbuses() const {
  return Only("ndbus", Devices());
}

std::vector<std::string> NdBus::NdbusesAsNdctlLists() const {
  // Their character devices, such as ndctl0 for ndbus0, are what ndctl goes through.
  std::vector<std::string> buses = Only("ndctl", ListFromEnd(class_));
  for (std::string& bus : buses) bus.replace(0, strlen("ndctl"), "ndbus");
  return buses;
}

std::vector<std::string> NdBus::NmemsAsNdctlLists(const std::string& ndbus) const {
  return Only("nmem", ListFromEnd(PathOf(ndbus)));
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

Result<void> NdBus::UnbindNmem(const std::string& nmem) const {
  return WriteAttribute(root_ + "/drivers/nvdimm/unbind", nmem);
}

Result<void> NdBus::Secure(const std::string& nmem, std::string_view command) const {
  int error_number = TryWriteAttribute(PathOf(nmem) + "/security", command);
  std::string verb(command.substr(0, command.find(' ')));
  // Kernels before 6.8 do not know this one.
  bool is_unknown = error_number == EINVAL && verb == "disable_master";
  switch (error_number) {
    case 0:
      return {};
    case EINVAL:
      if (is_unknown) break;
      return Fail(Errc::kPassphraseRefused,
                  "it refused the passphrase (an attempt may be used up)");
    case ENOTTY:
    case EOPNOTSUPP:
    case EACCES:
      return Fail(Errc::kUnsupported, verb + ": the DIMM or the kernel does not support that");
    default:
      break;
  }
  return FailErrno(verb + MeaningOf(error_number), error_number);
}

Result<bool> NdBus::AwaitSecurityChange(const std::string& nmem, std::string_view word,
                                        int milliseconds) const {
  std::string path = PathOf(nmem) + "/security";
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno(path, errno);
  for (bool waited : {false, true}) {
    char value[64];
    ssize_t size = pread(fd.get(), value, sizeof(value), 0);
    if (size < 0) return FailErrno(path, errno);
    if (Trim({value, static_cast<size_t>(size)}) != word) return false;
    // sysfs_notify(9) shows as POLLERR and POLLPRI; reading has re-armed it.
    struct pollfd change = {.fd = fd.get(), .events = POLLPRI, .revents = 0};
    if (!waited && poll(&change, 1, milliseconds) < 0 && errno != EINTR) {
      return FailErrno("wait for " + path, errno);
    }
  }
  return true;
}

bool NdBus::IsInUse(const std::string& nmem) const {
  return Attribute(nmem, "state").value_or("") == "active";
}

std::vector<std::string> NdBus::ActiveRegionsOf(const std::string& nmem) const {
  std::vector<std::string> regions = Only("region", Devices());
  std::erase_if(regions, [&](const std::string& region) {
    std::vector<std::string> nmems = NmemsOf(region);
    return !IsBound(region) || std::find(nmems.begin(), nmems.end(), nmem) == nmems.end();
  });
  return regions;
}

Result<void> NdBus::Probe(const std::string& device) const {
  return WriteAttribute(root_ + "/drivers_probe", device);
}

void NdBus::WaitForProbe(const std::string& ndbus) const {
  // Reading the attribute is what waits; its value says nothing.
  (void)Attribute(ndbus, "wait_probe");
}

void NdBus::WaitForProbes() const {
  for (const std::string& ndbus : Ndbuses()) WaitForProbe(ndbus);
}

}  // namespace nvunlock
