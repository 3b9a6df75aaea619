// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/bind_dimm.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/model/blob_record.h"
#include "test/unit/support/operations_test.h"
#include "test/unit/support/record_lines.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kDimmKey[] = "nvdimm:8089-a2-1740-00000133";

/// A file that keeps everything that is written to it.
class WriteLog {
 public:
  explicit WriteLog(const std::string& path) {
    std::filesystem::remove(path);
    if (mkfifo(path.c_str(), 0600) != 0) throw std::runtime_error("mkfifo failed");
    fd_ = UniqueFd(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  }

  [[nodiscard]] std::string Read() const {
    char text[256];
    ssize_t size = read(fd_.get(), text, sizeof(text));
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }

 private:
  UniqueFd fd_;
};

/// Contents that a file has one after the other, each for one reader.
class ReadScript {
 public:
  ReadScript(const std::string& path, std::initializer_list<std::string_view> contents) {
    int ends[2];
    if (pipe2(ends, O_DIRECT | O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    out_ = UniqueFd(ends[0]);
    in_ = UniqueFd(ends[1]);
    for (std::string_view content : contents) {
      if (write(in_.get(), content.data(), content.size()) < 0) throw std::runtime_error("write");
    }
    std::filesystem::remove(path);
    std::filesystem::create_symlink("/proc/self/fd/" + std::to_string(out_.get()), path);
  }

 private:
  UniqueFd out_;
  UniqueFd in_;
};

class BindDimmTest : public OperationsTest {
 protected:
  BindDimmTest() {
    directory_.Write("sys/module/libnvdimm/parameters/key_revalidate", "N\n");
    current_ = AddBlob(kId);
  }

  void Stage() { staged_ = AddBlob(kId, kStagedBlob); }

  void Load() {
    TpmConnection nobody(environment_.tpm_device);
    keys_ = Must(LoadKeys(store_, nobody, {.keyring = keyring(), .host = "here"}));
  }

  DimmOutcome Bind(const Dimm& dimm, bool revalidate = true) {
    binder_.emplace(environment_, BindOptions{.keyring = keyring(), .revalidate = revalidate},
                    keys_);
    return binder_->Bind(dimm);
  }

  [[nodiscard]] Dimm Look() const { return Must(InspectDimm(tree_.bus(), "nmem0")); }

  [[nodiscard]] std::string BindPath() const {
    return directory_.PathOf("sys/bus/nd/drivers/nvdimm/bind");
  }
  [[nodiscard]] std::string SecurityPath() const {
    return directory_.PathOf("sys/devices/ndbus0/nmem0/security");
  }

  [[nodiscard]] std::string LoadedBlob() const {
    return PayloadOf(*Must(keyring().Find("encrypted", kDimmKey)));
  }

  std::string current_;
  std::string staged_;
  LoadedKeys keys_;
  std::optional<DimmBinder> binder_;
};

TEST_F(BindDimmTest, ARefusalWithoutASpareEndsIt) {
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "locked"});
  WriteLog binds(BindPath());
  Load();
  DimmOutcome outcome = Bind(Look());
  EXPECT_EQ(binds.Read(), "nmem0");
  ASSERT_TRUE(outcome.problem);
  EXPECT_EQ(outcome.problem->code, Errc::kDimmLocked);
  EXPECT_THAT(outcome.problem->message, HasSubstr("one attempt is used up"));
  EXPECT_THAT(binder_->unlocked_with(), IsEmpty());
}

TEST_F(BindDimmTest, TheSpareIsSentOnceAfterARefusal) {
  Stage();
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "locked"});
  WriteLog binds(BindPath());
  Load();
  DimmOutcome outcome = Bind(Look());
  EXPECT_EQ(binds.Read(), "nmem0nmem0");
  EXPECT_EQ(LoadedBlob(), staged_);
  EXPECT_THAT(keys_.spares, IsEmpty());
  EXPECT_THAT(outcome.problem->message, HasSubstr("two attempts are used up"));
  EXPECT_THAT(binder_->notes(), ElementsAre(HasSubstr("trying nvdimm-new_")));
  EXPECT_THAT(binder_->unlocked_with(), IsEmpty());
}

/// An admin has copied a newer one, perhaps.
TEST_F(BindDimmTest, AnUnknownBlobIsSentLastAndSaidToBe) {
  std::string recorded = AddBlob(kId, kCurrentBlob, "elsewhere");
  WriteKeysFile(kEnrolledDimmsFile, FormatBlobRecord({LineFor(kId, recorded, kek_)}));
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "locked"});
  WriteLog binds(BindPath());
  Load();
  EXPECT_EQ(LoadedBlob(), recorded);
  Bind(Look());
  EXPECT_EQ(binds.Read(), "nmem0nmem0");
  EXPECT_EQ(LoadedBlob(), current_);
  EXPECT_THAT(binder_->notes(), ElementsAre(HasSubstr("_here.blob, which is unknown")));
}

TEST_F(BindDimmTest, TheSpareThatOpensIsRecorded) {
  Stage();
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "locked", .bound = true});
  ReadScript security(SecurityPath(), {"locked\n", "unlocked\n", "unlocked\n"});
  Load();
  DimmOutcome outcome =
      Bind({.nmem = "nmem0", .id = kId, .security = SecurityState::kLocked, .bound = false});
  EXPECT_EQ(outcome.problem, std::nullopt) << outcome.problem->message;
  EXPECT_TRUE(outcome.after.IsUnlocked());
  EXPECT_THAT(binder_->unlocked_with(), ElementsAre(Pair(kId, LineFor(kId, staged_, kek_))));
}

TEST_F(BindDimmTest, ADimmThatTakesTheCurrentOneIsNotSentTheSpare) {
  Stage();
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "unlocked", .bound = true});
  WriteLog binds(BindPath());
  Load();
  DimmOutcome outcome =
      Bind({.nmem = "nmem0", .id = kId, .security = SecurityState::kLocked, .bound = false});
  EXPECT_FALSE(outcome.problem);
  EXPECT_EQ(binds.Read(), "nmem0");
  EXPECT_EQ(LoadedBlob(), current_);
  EXPECT_THAT(keys_.spares, SizeIs(1));
  EXPECT_THAT(binder_->notes(), IsEmpty());
  EXPECT_THAT(binder_->unlocked_with(), ElementsAre(Pair(kId, LineFor(kId, current_, kek_))));
}

/// It takes nothing until the next power-on, and would count a try.
TEST_F(BindDimmTest, AFrozenDimmIsNeverSentTheSpare) {
  Stage();
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "locked", .frozen = "1"});
  WriteLog binds(BindPath());
  Load();
  Dimm before = Look();
  before.frozen = false;  // the firmware froze it when it refused
  DimmOutcome outcome = Bind(before);
  EXPECT_EQ(binds.Read(), "nmem0");
  EXPECT_EQ(LoadedBlob(), current_);
  EXPECT_THAT(outcome.problem->message, HasSubstr("one attempt is used up"));
}

TEST_F(BindDimmTest, ADimmThatIsFrozenBeforeIsNotBoundAtAll) {
  Stage();
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "locked", .frozen = "1"});
  WriteLog binds(BindPath());
  Load();
  EXPECT_EQ(Bind(Look()).problem->code, Errc::kDimmLocked);
  EXPECT_EQ(binds.Read(), "");
}

TEST_F(BindDimmTest, AnUnlockedDimmThatTakesItsKeyIsRecorded) {
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "unlocked", .bound = true});
  Load();
  DimmOutcome outcome = Bind(Look());
  std::string serial = std::to_string(keys_.keys.at(kId).at(0).serial());
  EXPECT_THAT(Security(), StartsWith("update " + serial + " " + serial));
  EXPECT_TRUE(outcome.revalidated);
  EXPECT_THAT(binder_->unlocked_with(), ElementsAre(Pair(kId, LineFor(kId, current_, kek_))));
}

TEST_F(BindDimmTest, AnUnlockedDimmThatIsNotAskedIsNotRecorded) {
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "unlocked", .bound = true});
  Load();
  EXPECT_FALSE(Bind(Look(), /*revalidate=*/false).revalidated);
  EXPECT_EQ(Security(), "unlocked\n");
  EXPECT_THAT(binder_->unlocked_with(), IsEmpty());
}

TEST_F(BindDimmTest, AnUnlockedDimmThatRefusesBothSaysWhatThePowerCycleWillBring) {
  Stage();
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "unlocked", .bound = true});
  Load();
  Dimm before = Look();
  LetRefuse("nmem0");
  DimmOutcome outcome = Bind(before);
  EXPECT_EQ(outcome.problem->code, Errc::kDimmLocked);
  EXPECT_THAT(outcome.problem->message, HasSubstr("locked after a power cycle"));
  EXPECT_THAT(keys_.spares, IsEmpty());
  EXPECT_THAT(binder_->unlocked_with(), IsEmpty());
}

}  // namespace
}  // namespace nvunlock
