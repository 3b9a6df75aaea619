// SPDX-License-Identifier: Apache-2.0
#include "test/unit/support/recording_proxy.h"

#include "test/unit/support/byte_strings.h"

namespace nvunlock {

RecordingProxy::RecordingProxy(const Swtpm& swtpm, Tamper tamper, Refusal refusal)
    : raw_(swtpm.socket_path()),
      tamper_(std::move(tamper)),
      refusal_(std::move(refusal)),
      fake_([this](const Bytes& command) { return Forward(command); }) {}

void RecordingProxy::FlushLeftovers() const {
  constexpr uint32_t kLoadedAtOnce = 3;
  for (uint32_t first :
       {TPM2_TRANSIENT_FIRST, TPM2_HMAC_SESSION_FIRST, TPM2_POLICY_SESSION_FIRST}) {
    for (uint32_t handle = first; handle < first + kLoadedAtOnce; handle++) {
      (void)raw_.Exchange(Concatenate({Hex("80010000000e00000165"), BigEndian(handle, 4)}));
    }
  }
}

FakeTpm::Pieces RecordingProxy::Forward(const Bytes& command) {
  uint32_t code = CommandCodeOf(command);
  std::optional<uint32_t> refused = refusal_ ? refusal_(code) : std::nullopt;
  Bytes response =
      refused ? MakeResponse(TPM2_ST_NO_SESSIONS, *refused, {}) : raw_.Exchange(command);
  if (code != TPM2_CC_FlushContext) commands_.push_back(code);
  traffic_.insert(traffic_.end(), command.begin(), command.end());
  traffic_.insert(traffic_.end(), response.begin(), response.end());
  if (tamper_) tamper_(code, response);
  return {response};
}

}  // namespace nvunlock
