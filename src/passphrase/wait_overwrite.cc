// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/wait_overwrite.h"

#include <chrono>

#include "src/os/directory_lock.h"
#include "src/os/file.h"
#include "src/passphrase/forget_passphrase.h"

namespace nvunlock {
namespace {

using Clock = std::chrono::steady_clock;

unsigned SecondsSince(Clock::time_point start) {
  auto passed = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start);
  return static_cast<unsigned>(passed.count());
}

/// One run of WaitForOverwrites.
class Waiter {
 public:
  Waiter(const Environment& environment, const WaitOptions& options)
      : options_(options),
        store_(environment.keys_dir),
        bus_(environment.sysfs_root),
        place_{bus_, store_, Keyring(environment.keyring), environment.host} {}

  DimmResult Wait(const std::string& nmem) {
    DimmResult result = {.dimm = {.nmem = nmem}};
    Result<void> ended = WaitForEnd(nmem);
    if (ended) ended = CleanUp(nmem);
    if (!ended) result.problem = std::move(ended.error());
    result.dimm = InspectDimm(bus_, nmem).value_or(result.dimm);
    if (!result.problem && options_.on_end) options_.on_end(nmem, result.dimm);
    return result;
  }

  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 private:
  /// The kernel notifies when it ends; the second's wait is for who watches.
  Result<void> WaitForEnd(const std::string& nmem) {
    for (;;) {
      Result<bool> running = bus_.AwaitSecurityChange(nmem, "overwrite", 1000);
      if (!running) return Failure(std::move(running.error()));
      if (!*running) return {};
      unsigned seconds = SecondsSince(start_);
      if (options_.on_waiting) options_.on_waiting(nmem, seconds);
      if (options_.timeout_seconds != 0 && seconds >= options_.timeout_seconds) {
        return Fail(Errc::kOverwriting,
                    "its overwrite still runs after " + std::to_string(seconds) + " seconds");
      }
    }
  }

  Result<void> CleanUp(const std::string& nmem) {
    if (!IsDirectory(store_.directory())) return {};
    DirectoryLock lock = TRY(LockDirectory(store_.directory()));
    if (TRY(ForgetLostPassphrase(place_, nmem))) {
      notes_.push_back(nmem + ": its blob is removed, since it has no passphrase");
    }
    return {};
  }

  const WaitOptions& options_;
  KeyStore store_;
  NdBus bus_;
  PassphrasePlace place_;
  Clock::time_point start_ = Clock::now();
  std::vector<std::string> notes_;
};

}  // namespace

DimmReport WaitForOverwrites(const Environment& environment, const std::vector<std::string>& nmems,
                             const WaitOptions& options) {
  Waiter waiter(environment, options);
  DimmReport report;
  report.dimms.reserve(nmems.size());
  for (const std::string& nmem : nmems) report.dimms.push_back(waiter.Wait(nmem));
  report.notes = waiter.notes();
  return report;
}

}  // namespace nvunlock
