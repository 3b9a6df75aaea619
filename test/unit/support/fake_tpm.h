// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_FAKE_TPM_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_FAKE_TPM_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/unique_fd.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {

/// A piece of an answer that ends the connection.
inline const Bytes kHangUp;

/// Something at the place of a TPM, also a hostile one: it answers commands with whatever bytes a
/// test wants. It serves one client after another.
class FakeTpm {
 public:
  using Pieces = std::vector<Bytes>;

  /// The pieces in which the answer to COMMAND is sent, a moment apart; an empty one: hang up.
  using Answer = std::function<Pieces(const Bytes& command)>;

  explicit FakeTpm(Answer answer);
  FakeTpm(const FakeTpm&) = delete;
  FakeTpm& operator=(const FakeTpm&) = delete;

  /// Waits for the client to hang up, so let go of its Tpm first.
  ~FakeTpm();

  /// For Tpm::Connect.
  [[nodiscard]] std::string device() const { return "swtpm:path=" + directory_.PathOf("s"); }

 private:
  void Serve();
  void ServeClient(int client) const;

  Answer answer_;
  TemporaryDirectory directory_;
  UniqueFd listener_;
  std::thread thread_;
};

/// Whole messages over the connection to a swtpm.
class RawTpm {
 public:
  explicit RawTpm(const std::string& socket_path);

  [[nodiscard]] Bytes Exchange(const Bytes& command) const;

 private:
  UniqueFd fd_;
};

/// The command code of a TPM command.
uint32_t CommandCodeOf(ByteView command);

/// A TPM response with its header: TAG, size, CODE, BODY.
Bytes MakeResponse(uint16_t tag, uint32_t code, ByteView body);

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_FAKE_TPM_H_
