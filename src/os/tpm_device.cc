// SPDX-License-Identifier: Apache-2.0
#include "src/os/tpm_device.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <set>

#include "src/base/unique_fd.h"
#include "src/os/file.h"
#include "src/os/modules.h"

namespace nvunlock {
namespace {

/// All TPM drivers' names start so; what else claims the same device is not ours to load.
constexpr std::string_view kDriverPrefix = "tpm_";

/// For devices that no ACPI id tells of.
constexpr const char* kUsualDrivers[] = {"tpm_crb", "tpm_tis", "tpm_tis_spi"};

bool HasTpmDevice(const std::string& sysfs_root) {
  Result<std::vector<std::string>> devices = ListDirectory(sysfs_root + "/class/tpmrm");
  return devices && !devices->empty() && Exists("/dev/" + devices->front());
}

/// The modaliases of the ACPI devices, such as "acpi:MSFT0101:".
std::set<std::string> AcpiAliases(const std::string& sysfs_root) {
  std::string directory = sysfs_root + "/bus/acpi/devices";
  Result<std::vector<std::string>> devices = ListDirectory(directory);
  std::set<std::string> aliases;
  if (!devices) return aliases;
  for (const std::string& device : *devices) {
    std::string path = directory + "/" + device + "/modalias";
    Result<std::string> alias = ReadAttribute(path);
    if (alias && !alias->empty()) aliases.insert(std::move(*alias));
  }
  return aliases;
}

/// Returns what went wrong, empty when nothing did. A driver that is not installed may be built in,
/// or need not be.
std::string LoadDrivers(const TpmPlaces& places) {
  Result<Modules> modules = Modules::Open(places.modules_dir);
  if (!modules) return modules.error().message;
  std::set<std::string> complaints;
  auto load = [&](const std::string& wanted) {
    Result<void> loaded = modules->LoadMatching(wanted, kDriverPrefix);
    if (!loaded) complaints.insert(std::move(loaded.error().message));
  };
  for (const std::string& alias : AcpiAliases(places.sysfs_root)) load(alias);
  for (const char* driver : kUsualDrivers) {
    if (!HasTpmDevice(places.sysfs_root)) load(driver);
  }
  std::string text;
  for (const std::string& complaint : complaints) text += (text.empty() ? "" : "; ") + complaint;
  return text;
}

/// A process that loads the drivers. It is given up with this object.
class DriverLoader {
 public:
  explicit DriverLoader(const TpmPlaces& places) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return;
    words_ = UniqueFd(ends[0]);
    UniqueFd mouth(ends[1]);
    pid_ = fork();
    if (pid_ != 0) return;
    std::string complaint = LoadDrivers(places);
    // What does not fit into the pipe is not worth waiting for.
    [[maybe_unused]] ssize_t said = write(mouth.get(), complaint.data(), complaint.size());
    _exit(0);
  }
  DriverLoader(const DriverLoader&) = delete;
  DriverLoader& operator=(const DriverLoader&) = delete;
  ~DriverLoader() {
    if (pid_ <= 0 || done_) return;
    // A driver that hangs in the kernel keeps the process from dying; nobody waits for it.
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, WNOHANG);
  }

  /// What keeps the drivers from being loaded, as far as it is known by now.
  std::string Complaint() {
    if (pid_ <= 0) return "no process could be started to load its driver";
    done_ = waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (!done_) return "its driver is still being loaded";
    char buffer[1024];
    ssize_t size = read(words_.get(), buffer, sizeof(buffer));
    return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : "";
  }

 private:
  UniqueFd words_;
  pid_t pid_ = -1;
  bool done_ = false;
};

}  // namespace

bool TpmIsDescribed(const std::string& sysfs_root) {
  return Exists(sysfs_root + "/firmware/acpi/tables/TPM2");
}

Result<void> AwaitTpmDevice(const TpmPlaces& places, unsigned seconds) {
  constexpr unsigned kPollsPerSecond = 20;
  if (!TpmIsDescribed(places.sysfs_root) || seconds == 0 || HasTpmDevice(places.sysfs_root))
    return {};
  DriverLoader loader(places);
  for (unsigned i = 0; i < seconds * kPollsPerSecond; i++) {
    timespec pause = {.tv_sec = 0, .tv_nsec = 1000000000L / kPollsPerSecond};
    nanosleep(&pause, nullptr);
    if (HasTpmDevice(places.sysfs_root)) return {};
  }
  std::string complaint = loader.Complaint();
  return Fail(Errc::kTpmNotReady,
              "the firmware has a TPM, but the kernel had no device for it within " +
                  std::to_string(seconds) + " seconds" +
                  (complaint.empty() ? "" : ": " + complaint));
}

}  // namespace nvunlock
