// SPDX-License-Identifier: Apache-2.0
#include "src/model/blob_name.h"

#include <gtest/gtest.h>

namespace nvunlock {
namespace {

constexpr char kNfitId[] = "8089-a2-1740-00000133";

std::string FileFor(const std::string& host) {
  return std::string("nvdimm_") + kNfitId + "_" + host + ".blob";
}

TEST(BlobNameTest, IsReadAsNdctlMakesIt) {
  std::optional<BlobName> file = ParseBlobName(FileFor("srv7.example"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->name, FileFor("srv7.example"));
  EXPECT_EQ(file->dimm_id, kNfitId);
  EXPECT_EQ(file->host, "srv7.example");
}

TEST(BlobNameTest, TheHostMayHoldAnything) {
  for (const char* host : {"a_b_c", "_", "a.blob", "", "with space", "x.old"}) {
    std::optional<BlobName> file = ParseBlobName(FileFor(host));
    ASSERT_TRUE(file) << host;
    EXPECT_EQ(file->dimm_id, kNfitId);
    EXPECT_EQ(file->host, host);
  }
}

TEST(BlobNameTest, CxlSerialsAreIdsToo) {
  EXPECT_EQ(ParseBlobName("nvdimm_-2_host.blob")->dimm_id.spelling(), "-2");
  EXPECT_EQ(ParseBlobName("nvdimm_4660_host.blob")->dimm_id.spelling(), "4660");
}

TEST(BlobNameTest, OtherFilesAreIgnored) {
  for (const char* name :
       {"nvdimm-older_8089_host.blob", "nvdimm-_8089_host.blob", "nvdimm-new-master_8089_host.blob",
        "nvdimm-old.blob", "nvdimm-master.blob", "nvdimm-master.pem", "nvdimm_8089_host.blob~",
        "nvdimm_8089_host.blob.tmp.1", "nvdimm_8089_host.BLOB", "nvdimm_8089_host",
        "nvdimm_8089.blob", "nvdimm__host.blob", "nvdimm_", "", ".nvdimm_8089_host.blob",
        "xnvdimm_8089_host.blob", "tpm.handle", "keys.readme", "enrolled-dimms"}) {
    EXPECT_EQ(ParseBlobName(name), std::nullopt) << name;
  }
}

TEST(BlobNameTest, SixKindsAreToldApart) {
  using enum PassphraseRole;
  using enum BlobStage;
  const std::pair<const char*, BlobKind> kinds[] = {
      {"nvdimm", {kUser, kCurrent}},
      {"nvdimm-new", {kUser, kStaged}},
      {"nvdimm-old", {kUser, kReplaced}},
      {"nvdimm-master", {kMaster, kCurrent}},
      {"nvdimm-master-new", {kMaster, kStaged}},
      {"nvdimm-master-old", {kMaster, kReplaced}},
  };
  for (const auto& [word, kind] : kinds) {
    std::string name = std::string(word) + "_" + kNfitId + "_a_b.blob";
    EXPECT_EQ(MakeBlobName(kind, kNfitId, "a_b").name, name);
    std::optional<BlobName> file = ParseBlobName(name);
    ASSERT_TRUE(file) << name;
    EXPECT_EQ(file->kind, kind) << name;
    EXPECT_EQ(file->dimm_id, kNfitId) << name;
    EXPECT_EQ(file->host, "a_b") << name;
    EXPECT_STREQ(kind.ToWord(), word);
    EXPECT_EQ(kind.KeyDescription(kNfitId), std::string(word) + ":" + kNfitId);
  }
}

}  // namespace
}  // namespace nvunlock
