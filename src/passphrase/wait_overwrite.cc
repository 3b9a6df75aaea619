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

/// The kernel notifies when it ends; the second's wait is for who watches.
Result<void> WaitForEnd(const NdBus& bus, const std::string& nmem, const WaitOptions& options,
                        Clock::time_point start) {
  for (;;) {
    if (!TRY(bus.AwaitSecurityChange(nmem, "overwrite", 1000))) return {};
    unsigned seconds = SecondsSince(start);
    if (options.on_waiting) options.on_waiting(nmem, seconds);
    if (options.timeout_seconds != 0 && seconds >= options.timeout_seconds) {
      return Fail(Errc::kOverwriting,
                  "its overwrite is still running after " + std::to_string(seconds) + " seconds");
    }
  }
}

Result<void> CleanUp(const PassphrasePlace& place, const std::string& nmem,
                     std::vector<std::string>& notes) {
  if (!IsDirectory(place.store.directory())) return {};
  DirectoryLock lock = TRY(LockDirectory(place.store.directory()));
  if (TRY(ForgetLostPassphrase(place, nmem))) {
    notes.push_back(nmem + ": its blob is removed, because it has no passphrase");
  }
  return {};
}

}  // namespace

DimmReport WaitForOverwrites(const Environment& environment, const std::vector<std::string>& nmems,
                             const WaitOptions& options) {
  PassphrasePlace place = PlaceIn(environment);
  Clock::time_point start = Clock::now();
  DimmReport report;
  for (const std::string& nmem : nmems) {
    DimmResult result = {.dimm = {.nmem = nmem}};
    Result<void> ended = WaitForEnd(place.bus, nmem, options, start);
    if (ended) ended = CleanUp(place, nmem, report.notes);
    if (!ended) result.problem = std::move(ended.error());
    result.dimm = InspectDimm(place.bus, nmem).value_or(result.dimm);
    if (!result.problem && options.on_end) options.on_end(nmem, result.dimm);
    report.dimms.push_back(std::move(result));
  }
  return report;
}

}  // namespace nvunlock
