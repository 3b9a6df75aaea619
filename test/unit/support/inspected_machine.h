// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_INSPECTED_MACHINE_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_INSPECTED_MACHINE_H_

#include <gmock/gmock.h>

#include <filesystem>

#include "src/records/record_image.h"
#include "src/records/record_pcrs.h"
#include "src/status/inspect.h"
#include "src/status/verdict.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/record_lines.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {

inline constexpr char kKeyFile[] = "nvdimm-master.pem";

/// An enrolled machine with one blob.
class InspectTest : public MachineTest {
 protected:
  void SetUp() override {
    AddBlob(kDimmId, kek_);
    EnrollKek(kek_);
  }

  /// Another key file takes the place of all.
  void EnrollAnew(const EnrollOptions& options) const {
    std::filesystem::remove_all(environment_.keys_dir);
    Must(Enroll(environment_, options));
  }

  [[nodiscard]] MachineStatus Look(const std::string& device) const {
    Environment environment = environment_;
    environment.tpm_device = device;
    return Inspect(environment, {.config = {}});
  }
  [[nodiscard]] MachineStatus Look() const { return Look(environment_.tpm_device); }
  [[nodiscard]] BootVerdict VerdictNow() const { return Judge(Look()); }

  /// The checks of the first slot that say how its latch and what is approved stand.
  [[nodiscard]] Check LatchCheck() const { return CheckNamed("latch"); }
  [[nodiscard]] Check ApprovalCheck() const { return CheckNamed("approval"); }
  [[nodiscard]] Check CheckNamed(const std::string& subject) const {
    const MachineStatus status = Look();
    for (const Check& check : status.keks.at(0).slots.at(0).checks) {
      if (check.subject == subject) return check;
    }
    return {.subject = "none", .state = "", .problem = std::nullopt};
  }

  /// The machine boots as it did before.
  static void Reboot() {
    swtpm().PowerCycle();
    Tpm tpm = ConnectTo(swtpm());
    for (unsigned pcr : {7, 8}) ExtendPcr(tpm, pcr, Sha256Bank());
  }

  static void Extend(unsigned pcr) {
    Tpm tpm = ConnectTo(swtpm());
    ExtendPcr(tpm, pcr, Sha256Bank());
  }

  void Record(const std::vector<RecordLine>& lines) const {
    WriteKeysFile(kEnrolledDimmsFile, FormatBlobRecord(lines));
  }

  void RecordInInitramfs() const {
    std::string release = directory_.Write("etc/nvunlock/image", "");
    TpmConnection connection(environment_.tpm_device);
    Must(RecordPcrs(environment_, connection));
    Must(RecordImage(environment_));
    std::filesystem::remove(release);
  }

  /// The verdict is one problem with CODE that says WORDS.
  void ExpectProblem(Errc code, const std::string& words) const {
    BootVerdict verdict = VerdictNow();
    EXPECT_EQ(verdict.Verdict(), code);
    ASSERT_THAT(verdict.problems, testing::SizeIs(1));
    EXPECT_THAT(verdict.problems[0].message, testing::HasSubstr(words));
  }

  void ExpectGood() const {
    BootVerdict verdict = VerdictNow();
    EXPECT_EQ(verdict.Verdict(), std::nullopt);
    for (const Error& problem : verdict.problems) ADD_FAILURE() << problem.message;
  }

  [[nodiscard]] KeyFile ReadKeyFile() const {
    return Must(store_.ReadKeyFile({"user", "nvdimm-master"}));
  }
  void WriteKeyFile(const KeyFile& file) const {
    WriteKeysFile(kKeyFile, Must(FormatKeyFile(file)));
  }

  [[nodiscard]] std::string BlobName() const {
    return std::string("nvdimm_") + kDimmId + "_here.blob";
  }

  Secret kek_ = SampleSecret(32);
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_INSPECTED_MACHINE_H_
