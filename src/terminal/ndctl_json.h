// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/list.bats.
#ifndef NVUNLOCK_TERMINAL_NDCTL_JSON_H_
#define NVUNLOCK_TERMINAL_NDCTL_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "src/model/dimm.h"
#include "src/os/nd_bus.h"

namespace nvunlock {

/// A DIMM with the keys and words of 'ndctl list -D', in their order. HUMAN makes numbers
/// hexadecimal text.
nlohmann::ordered_json DimmJson(const NdBus& bus, const Dimm& dimm, bool human);

/// An ndbus as 'ndctl list -B' has it.
nlohmann::ordered_json BusJson(const NdBus& bus, const std::string& ndbus);

/// Prints ENTRIES byte for byte as ndctl would. With HUMAN a single one is no array.
void PrintNdctlJson(const nlohmann::ordered_json& entries, bool human);

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_NDCTL_JSON_H_
