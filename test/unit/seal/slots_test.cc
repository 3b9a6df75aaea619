// SPDX-License-Identifier: Apache-2.0
#include "src/seal/slots.h"

#include <gmock/gmock.h>

#include "src/model/pem.h"
#include "test/unit/support/commands.h"
#include "test/unit/support/key_file_sample.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

auto IsSlot(const std::string& kind, const std::string& details) {
  return AllOf(Field(&SlotSummary::kind, kind), Field(&SlotSummary::details, HasSubstr(details)));
}

class SlotsTest : public testing::Test {
 protected:
  SlotsTest() : environment_(EnvironmentBelow(directory_.path())) {
    environment_.tpm_device = "/nonexistent/tpm";
    file_.recovery.push_back(Must(MakeKeySlot(SampleKek(), SampleSecret(32))));
    file_.recovery.push_back({RecoveryKind::kEscrow, file_.recovery[0].kek_cms, "/CN=Vault"});
  }

  void Write(const KeyFile& file) const { WriteText(Must(FormatKeyFile(file))); }
  void WriteText(const std::string& text) const {
    directory_.Write("etc/ndctl/keys/nvdimm-master.pem", text);
  }

  [[nodiscard]] std::string Text() const {
    return directory_.Read("etc/ndctl/keys/nvdimm-master.pem");
  }
  [[nodiscard]] KeyFile Written() const { return Must(ParseKeyFile(Text())); }

  [[nodiscard]] Result<WipeReport> Wipe(const std::string& which) const {
    return WipeSlots(environment_, SampleKeyFile().kek, which);
  }

  /// Two TPM slots and two recovery keys.
  [[nodiscard]] static KeyFile FileOfFour() {
    KeyFile file = SampleKeyFile();
    file.slots.push_back(SampleSlot());
    file.slots[1].key.parent_handle = 0x81000002;
    for (uint8_t first : {1, 2}) {
      file.recovery.push_back(Must(MakeKeySlot(SampleKek(), SampleSecret(32, first))));
    }
    return file;
  }

  TemporaryDirectory directory_;
  Environment environment_;
  KeyFile file_ = SampleKeyFile();
};

TEST_F(SlotsTest, AreSummarizedInTheOrderOfTheirNumbers) {
  EXPECT_THAT(Summarize(file_),
              ElementsAre(IsSlot("tpm2", "as approved in NV index 0x01804e57"),
                          IsSlot("recovery-key", ""), IsSlot("escrow", "/CN=Vault")));
}

TEST_F(SlotsTest, ANumberTakesOutOneSlot) {
  for (unsigned number : {0, 1, 2, 3}) {
    Write(FileOfFour());
    EXPECT_THAT(Wipe(std::to_string(number)), Succeeds());
    EXPECT_THAT(Written().slots, SizeIs(number < 2 ? 1 : 2)) << number;
    EXPECT_THAT(Written().recovery, SizeIs(number < 2 ? 2 : 1)) << number;
  }
}

TEST_F(SlotsTest, TheNumberIsThatOfTheSummary) {
  Write(FileOfFour());
  EXPECT_THAT(Wipe("0"), Succeeds());
  EXPECT_EQ(Written().slots[0].key.parent_handle, 0x81000002U);
  Write(FileOfFour());
  EXPECT_THAT(Wipe("2"), Succeeds());
  Secret second = Must(FormatRecoveryKey(SampleSecret(32, 2)));
  EXPECT_TRUE(Must(OpenRecovery(Written(), second)).Equals(SampleKek()));
}

TEST_F(SlotsTest, AKindTakesOutAllOfItsSlotsAndTheyAreReturned) {
  Write(FileOfFour());
  EXPECT_THAT(Must(Wipe("recovery-key")).wiped,
              ElementsAre(IsSlot("recovery-key", ""), IsSlot("recovery-key", "")));
  EXPECT_THAT(Written().recovery, IsEmpty());
  Write(FileOfFour());
  EXPECT_THAT(Must(Wipe("tpm2")).wiped, SizeIs(2));
  EXPECT_THAT(Written().slots, IsEmpty());
}

TEST_F(SlotsTest, WhatIsWipedDoesNotOpenAnyMore) {
  Write(FileOfFour());
  EXPECT_THAT(Wipe("2"), Succeeds());
  Secret first = Must(FormatRecoveryKey(SampleSecret(32, 1)));
  EXPECT_THAT(OpenRecovery(Written(), first), FailsWith(Errc::kKeysIncomplete));
}

TEST_F(SlotsTest, TheLastWayInIsNeverRemoved) {
  Write(SampleKeyFile());
  std::string before = Text();
  for (const char* which : {"0", "tpm2"}) {
    EXPECT_THAT(Wipe(which), FailsWith(Errc::kFailed, "no way to user:nvdimm-master")) << which;
    EXPECT_EQ(Text(), before);
  }
}

TEST_F(SlotsTest, AnEscrowSlotIsNoWayInThatSomebodyCouldUseHere) {
  RunCommand(
      "openssl req -x509 -nodes -subj /CN=Vault -newkey ec -pkeyopt "
      "ec_paramgen_curve:P-256 -keyout " +
      directory_.PathOf("key.pem") + " -out " + directory_.PathOf("certificate.pem"));
  KeyFile file = SampleKeyFile();
  file.recovery.push_back(Must(MakeEscrowSlot(SampleKek(), directory_.Read("certificate.pem"))));
  Write(file);
  std::string before = Text();
  EXPECT_THAT(Wipe("tpm2"), FailsWith(Errc::kFailed, "no way"));
  EXPECT_EQ(Text(), before);
  EXPECT_THAT(Wipe("escrow"), Succeeds());
  EXPECT_THAT(Written().recovery, IsEmpty());
}

TEST_F(SlotsTest, ASlotThatIsNotThereIsWrongUsage) {
  Write(FileOfFour());
  std::string before = Text();
  for (const char* which : {"4", "-1", "", "escrow", "recovery", "0x0", "00000000000000000001x"}) {
    EXPECT_THAT(Wipe(which), FailsWith(Errc::kUsage, "list-slots")) << which;
  }
  EXPECT_EQ(Text(), before);
}

TEST_F(SlotsTest, BlocksThatCannotBeReadStay) {
  WriteText(Must(FormatKeyFile(FileOfFour())) + FormatPem("FUTURE KIND OF SLOT", Bytes(10)));
  EXPECT_THAT(Wipe("0"), Succeeds());
  EXPECT_THAT(Written().unreadable, SizeIs(1));
}

TEST_F(SlotsTest, WithoutAKeyFileThereIsNothingToWipe) {
  directory_.Write("etc/ndctl/keys/something", "");
  EXPECT_THAT(Wipe("0"), FailsWith(Errc::kBadKeyFile));
}

}  // namespace
}  // namespace nvunlock
