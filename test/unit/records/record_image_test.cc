// SPDX-License-Identifier: Apache-2.0
#include "src/records/record_image.h"

#include <gmock/gmock.h>

#include "src/image/find_images.h"
#include "src/image/image_state.h"
#include "src/model/blob_record.h"
#include "test/unit/support/key_file_sample.h"
#include "test/unit/support/results.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

using testing::Optional;

class RecordImageTest : public testing::Test {
 protected:
  RecordImageTest() : environment_(EnvironmentBelow(directory_.path())) {}

  void MakeInitramfs() const { directory_.Write("etc/nvunlock/image", ""); }
  void WriteBlob(const std::string& text) const {
    directory_.Write("etc/ndctl/keys/nvdimm_8680-1_here.blob", text);
  }
  [[nodiscard]] std::optional<ImageRecord> Read() const {
    return Must(ReadImageRecord(environment_));
  }

  TemporaryDirectory directory_;
  Environment environment_;
};

TEST_F(RecordImageTest, OutsideOfAnInitramfsNothingIsRecorded) {
  WriteBlob("blob");
  EXPECT_THAT(RecordImage(environment_), Succeeds());
  EXPECT_EQ(Read(), std::nullopt);
}

TEST_F(RecordImageTest, WhatTheImageHoldsIsRecordedOnce) {
  MakeInitramfs();
  WriteBlob("blob");
  EXPECT_THAT(RecordImage(environment_), Succeeds());
  ImageRecord record;
  record.hashes["nvdimm_8680-1_here.blob"] = HashOfBlob("blob");
  EXPECT_THAT(Read(), Optional(record));

  WriteBlob("changed");
  EXPECT_THAT(RecordImage(environment_), Succeeds());
  EXPECT_THAT(Read(), Optional(record));
}

TEST_F(RecordImageTest, ADamagedRecordIsNamedByItsPath) {
  directory_.Write("run/nvunlock/image.json", "{}");
  EXPECT_THAT(ReadImageRecord(environment_),
              FailsWith(Errc::kFailed, "image.json: not an image record"));
}

TEST(ImageRecordTest, IsReadAsItWasWritten) {
  ImageRecord record = {.hashes = {{"a.pem", "00"}, {"b.blob", "11"}}, .sealed_objects = {"22"}};
  EXPECT_THAT(ParseImageRecord(FormatImageRecord(record)), Yields(record));
}

TEST(ImageRecordTest, AnythingElseIsRefused) {
  for (const char* text : {"", "[]", "{\"files\": {}}", "{\"files\": [], \"sealed_objects\": []}",
                           "{\"files\": {\"a\": 1}, \"sealed_objects\": []}",
                           "{\"files\": {}, \"sealed_objects\": [1]}"}) {
    EXPECT_THAT(ParseImageRecord(text), FailsWith(Errc::kFailed)) << text;
  }
}

class ImageStateTest : public RecordImageTest {
 protected:
  /// How the blob stands, which has this HASH and was changed at the time FILE_TIME.
  [[nodiscard]] ImageState StateOf(const std::string& hash) const {
    return StateInImage({.booted = booted_, .newest_time = NewestImageTime(environment_)},
                        KeyStore(environment_.keys_dir), "nvdimm_8680-1_here.blob", hash);
  }

  void WriteWithTime(const std::string& name, const std::string& time) const {
    std::string path = directory_.Write(name, "content");
    ASSERT_EQ(system(("touch -d " + time + " " + path).c_str()), 0);
  }

  std::optional<ImageRecord> booted_ =
      ImageRecord{.hashes = {{"nvdimm_8680-1_here.blob", "old"}}, .sealed_objects = {}};
};

TEST_F(ImageStateTest, AnImageIsOutdatedUnlessOneIsNewer) {
  WriteWithTime("etc/ndctl/keys/nvdimm_8680-1_here.blob", "2026-01-02");
  EXPECT_EQ(StateOf("old"), ImageState::kSame);
  EXPECT_EQ(StateOf("new"), ImageState::kOutdated);
  WriteWithTime("boot/vmlinuz-6.1", "2026-01-03");
  WriteWithTime("boot/initrd.img-6.1", "2026-01-01");
  EXPECT_EQ(StateOf("new"), ImageState::kOutdated);
  WriteWithTime("boot/efi/EFI/Linux/debian.efi", "2026-01-03");
  EXPECT_EQ(StateOf("new"), ImageState::kRebuilt);
}

TEST_F(ImageStateTest, AnImageThatHasNotSaidWhatItHoldsIsUnknown) {
  booted_.reset();
  EXPECT_EQ(StateOf("new"), ImageState::kUnknown);
}

}  // namespace
}  // namespace nvunlock
