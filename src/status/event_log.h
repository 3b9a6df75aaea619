// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_STATUS_EVENT_LOG_H_
#define NVUNLOCK_STATUS_EVENT_LOG_H_

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/model/pcr_record.h"

namespace nvunlock {

/// Largest event log that is read, and how many events of it.
inline constexpr size_t kEventLogLimit = 4 << 20;
inline constexpr unsigned kEventLimit = 1 << 14;

/// What firmware and boot loader say they measured (TCG PC Client Platform Firmware Profile,
/// section 10), replayed.
struct EventLog {
  unsigned events = 0;
  PcrBanks banks;  ///< all PCRs, as they were when the log ends
};

/// Replays a log in the crypto agile format, or in the one that has SHA-1 only, as hostile input:
/// fails with one cause when it does not say clearly what was measured. Banks that are not known
/// here are passed over.
Result<EventLog> ReplayEventLog(ByteView log);

}  // namespace nvunlock

#endif  // NVUNLOCK_STATUS_EVENT_LOG_H_
