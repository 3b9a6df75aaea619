// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_RECORDING_PROXY_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_RECORDING_PROXY_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "test/unit/support/fake_tpm.h"
#include "test/unit/support/swtpm.h"

namespace nvunlock {

/// The bus in front of a software TPM, with somebody on it who sees everything and may change
/// responses. It occupies the TPM as long as it lives. Let go of its clients before looking at
/// what it saw.
class RecordingProxy {
 public:
  /// Changes the response to the command with this code before the client gets it.
  using Tamper = std::function<void(uint32_t command_code, Bytes& response)>;

  /// Answers a command with this code in the TPM's place, with a response code; nullopt: the TPM
  /// answers.
  using Refusal = std::function<std::optional<uint32_t>(uint32_t command_code)>;

  explicit RecordingProxy(const Swtpm& swtpm, Tamper tamper = {}, Refusal refusal = {});

  [[nodiscard]] std::string device() const { return fake_.device(); }

  /// A command of somebody else, unrecorded. For use in a Tamper, or when no client is there.
  Bytes Inject(const Bytes& command) const { return raw_.Exchange(command); }

  /// Flushes the objects and sessions that clients lost track of.
  void FlushLeftovers() const;

  /// The command codes in their order, but for TPM2_FlushContext.
  [[nodiscard]] const std::vector<uint32_t>& commands() const { return commands_; }

  /// Everything that went over the bus.
  [[nodiscard]] const Bytes& traffic() const { return traffic_; }

 private:
  FakeTpm::Pieces Forward(const Bytes& command);

  RawTpm raw_;
  Tamper tamper_;
  Refusal refusal_;
  std::vector<uint32_t> commands_;
  Bytes traffic_;
  FakeTpm fake_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_RECORDING_PROXY_H_
