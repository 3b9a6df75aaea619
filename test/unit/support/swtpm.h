// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_SWTPM_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_SWTPM_H_

#include <gtest/gtest.h>
#include <sys/types.h>

#include <memory>
#include <string>

#include "test/unit/support/results.h"
#include "test/unit/support/temporary_directory.h"
#include "tpm/pcr.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// A software TPM that starts as if the machine had just been switched on. It talks to one client
/// at a time.
class Swtpm {
 public:
  /// With BANKS ("sha256,sha384") only these PCR banks are active, else all that swtpm has. Without
  /// FIRMWARE nobody has sent TPM2_Startup.
  explicit Swtpm(const std::string& banks = "", bool firmware = true);
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;
  ~Swtpm();

  [[nodiscard]] std::string socket_path() const { return directory_.PathOf("s"); }

  /// As a machine that loses its power and gets it back: TPM Reset. Connections break.
  void PowerCycle();

  /// For Tpm::Connect.
  [[nodiscard]] std::string device() const { return "swtpm:path=" + socket_path(); }

  /// The output of a shell command that uses tpm2-tools, started in a directory of its own.
  std::string RunTools(const std::string& command) const;

 private:
  void Start();
  void Stop() const;
  void AwaitReady() const;

  TemporaryDirectory directory_;
  bool firmware_;
  pid_t pid_ = -1;
};

inline Tpm ConnectTo(const Swtpm& swtpm) {
  return Must(Tpm::Connect(swtpm.device()));
}

/// Extends PCR of BANK as firmware does, with a digest of equal bytes.
void ExtendPcr(Tpm& tpm, unsigned pcr, const PcrBank& bank, uint8_t digest_byte = 1);

/// Takes whatever is persistent at HANDLE out of the TPM.
void EvictPersistent(Tpm& tpm, TPM2_HANDLE handle);

/// Tests that share one software TPM, which is fresh for the first of them. No NV index is left
/// from one to the next.
class SwtpmTest : public testing::Test {
 protected:
  SwtpmTest();

  static void SetUpTestSuite() { swtpm_ = std::make_unique<Swtpm>(); }
  static void TearDownTestSuite() { swtpm_.reset(); }

  static Swtpm& swtpm() { return *swtpm_; }

 private:
  static inline std::unique_ptr<Swtpm> swtpm_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_SWTPM_H_
