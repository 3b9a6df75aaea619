// SPDX-License-Identifier: Apache-2.0
#include "src/model/key_store.h"

#include <gmock/gmock.h>

#include "test/unit/support/key_file_sample.h"
#include "test/unit/support/record_lines.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kId[] = "8089-a2-1740-00000133";

std::string FileFor(const std::string& host) {
  return std::string("nvdimm_") + kId + "_" + host + ".blob";
}

std::vector<std::string> NamesOf(const std::vector<BlobName>& files) {
  std::vector<std::string> names;
  for (const BlobName& file : files) names.push_back(file.name);
  return names;
}

class KeyStoreTest : public testing::Test {
 protected:
  TemporaryDirectory directory_;
  KeyStore store_{directory_.path()};
};

TEST_F(KeyStoreTest, ListsUserPassphraseBlobsByName) {
  for (const char* name : {"nvdimm_2_b.blob", "nvdimm_10_a.blob", "nvdimm_2_a.blob",
                           "nvdimm-master.blob", "nvdimm-old_2_a.blob", "enrolled-dimms"}) {
    directory_.Write(name, "x");
  }
  EXPECT_THAT(NamesOf(Must(store_.Blobs())),
              ElementsAre("nvdimm_2_a.blob", "nvdimm_2_b.blob", "nvdimm_10_a.blob"));
}

TEST_F(KeyStoreTest, BlobsOfEachKindAreListedByThemselves) {
  for (const char* name : {"nvdimm_2_a.blob", "nvdimm-new_2_a.blob", "nvdimm-old_2_a.blob",
                           "nvdimm-master_2_a.blob", "nvdimm-master-new_2_a.blob"}) {
    directory_.Write(name, "x");
  }
  EXPECT_THAT(Must(store_.AllBlobs()), SizeIs(5));
  EXPECT_THAT(NamesOf(Must(store_.Blobs({PassphraseRole::kUser, BlobStage::kStaged}))),
              ElementsAre("nvdimm-new_2_a.blob"));
  EXPECT_THAT(NamesOf(Must(store_.Blobs({PassphraseRole::kMaster, BlobStage::kCurrent}))),
              ElementsAre("nvdimm-master_2_a.blob"));
  EXPECT_THAT(Must(store_.Blobs({PassphraseRole::kMaster, BlobStage::kReplaced})), IsEmpty());
}

/// In a patched image nothing can be deleted.
TEST_F(KeyStoreTest, OfAnEmptySpareNothingIsKnown) {
  for (const char* word : {"nvdimm-new", "nvdimm-old", "nvdimm-master-new", "nvdimm-master-old"}) {
    directory_.Write(std::string(word) + "_2_a.blob", "");
  }
  EXPECT_THAT(Must(store_.AllBlobs()), IsEmpty());
}

TEST_F(KeyStoreTest, AnEmptyCurrentBlobIsADamagedOne) {
  directory_.Write("nvdimm_2_a.blob", "");
  directory_.Write("nvdimm-master_2_a.blob", "");
  EXPECT_THAT(NamesOf(Must(store_.AllBlobs())),
              ElementsAre("nvdimm-master_2_a.blob", "nvdimm_2_a.blob"));
  EXPECT_THAT(store_.ReadBlob(Must(store_.Blobs()).at(0)), FailsWith(Errc::kFailed, "empty"));
}

TEST_F(KeyStoreTest, AMissingDirectoryHoldsNothing) {
  KeyStore missing(directory_.PathOf("missing"));
  EXPECT_THAT(Must(missing.Blobs()), IsEmpty());
  EXPECT_THAT(Must(missing.EnrolledKeks()), IsEmpty());
}

TEST_F(KeyStoreTest, WhatIsNotADirectoryIsAnError) {
  KeyStore file(directory_.Write("file", "x"));
  EXPECT_THAT(file.Blobs(), FailsWith(Errc::kFailed));
  EXPECT_THAT(file.EnrolledKeks(), FailsWith(Errc::kFailed));
}

TEST_F(KeyStoreTest, EnrolledKeksAreThoseWithAKeyFile) {
  for (const char* name : {"nvdimm-master.pem", "rack7.pem", "nvdimm-master.blob", "x.pem.tmp.1"}) {
    directory_.Write(name, "x");
  }
  EXPECT_THAT(Must(store_.EnrolledKeks()),
              ElementsAre(KekName{"user", "nvdimm-master"}, KekName{"user", "rack7"}));
}

TEST_F(KeyStoreTest, FilesThatOnlyLookLikeKeyFilesAreIgnored) {
  for (const char* name : {".pem", ".#nvdimm-master.pem", "escrow certificate.pem", "a:b.pem"}) {
    directory_.Write(name, "x");
  }
  EXPECT_THAT(Must(store_.EnrolledKeks()), IsEmpty());
}

TEST_F(KeyStoreTest, ReadsABlob) {
  directory_.Write(FileFor("host"), BlobText('a') + "\n");
  BlobName file = *ParseBlobName(FileFor("host"));
  EXPECT_THAT(store_.ReadBlobText(file), Yields(BlobText('a') + "\n"));
  EXPECT_EQ(Must(store_.ReadBlob(file)).text, BlobText('a'));
}

TEST_F(KeyStoreTest, ABadBlobIsNamedByItsPath) {
  directory_.Write(FileFor("host"), "enc64 x");
  BlobName file = *ParseBlobName(FileFor("host"));
  EXPECT_THAT(store_.ReadBlob(file), FailsWith(Errc::kFailed, store_.PathOf(file.name) + ": "));
  directory_.Write(FileFor("host"), std::string(4097, 'x'));
  EXPECT_THAT(store_.ReadBlob(file), FailsWith(Errc::kFailed, "larger than 4096 bytes"));
}

TEST_F(KeyStoreTest, ReadsTheKeyFileOfAKek) {
  directory_.Write("nvdimm-master.pem", SampleKeyFileText());
  EXPECT_EQ(Must(store_.ReadKeyFile({"user", "nvdimm-master"})).kek.description, "nvdimm-master");
}

TEST_F(KeyStoreTest, AMissingOrDamagedKeyFileIsABadKeyFile) {
  KekName kek = {"user", "nvdimm-master"};
  EXPECT_THAT(store_.ReadKeyFile(kek),
              FailsWith(Errc::kBadKeyFile, "nvdimm-master.pem: No such file or directory"));
  directory_.Write("nvdimm-master.pem", "damaged");
  EXPECT_THAT(store_.ReadKeyFile(kek),
              FailsWith(Errc::kBadKeyFile, store_.PathOf("nvdimm-master.pem") + ": "));
  directory_.Write("nvdimm-master.pem", std::string(kKeyFileLimit + 1, 'x'));
  EXPECT_THAT(store_.ReadKeyFile(kek), FailsWith(Errc::kBadKeyFile, "larger"));
}

TEST_F(KeyStoreTest, AKeyFileUnderTheNameOfAnotherKekIsABadKeyFile) {
  directory_.Write("rack7.pem", SampleKeyFileText());
  EXPECT_THAT(store_.ReadKeyFile({"user", "rack7"}),
              FailsWith(Errc::kBadKeyFile, "it holds user:nvdimm-master instead of user:rack7"));
}

}  // namespace
}  // namespace nvunlock
