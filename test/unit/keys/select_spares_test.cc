// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "test/unit/keys/select_blobs_test.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;

TEST_F(ChooseBlobsTest, AStagedBlobIsTheSpareOfTheCurrentOne) {
  AddBlob(kId, "here", BlobText('a'));
  AddSpare("nvdimm-new", "here", BlobText('b'));
  BlobChoice choice = Choose();
  EXPECT_EQ(choice.chosen.at(kId).blob.text, BlobText('a'));
  EXPECT_EQ(SpareOf(choice), BlobText('b'));
  EXPECT_THAT(choice.notes, IsEmpty());
}

TEST_F(ChooseBlobsTest, AReplacedBlobIsTheSpareWhereNoneIsStaged) {
  AddBlob(kId, "here", BlobText('a'));
  AddSpare("nvdimm-old", "here", BlobText('b'));
  EXPECT_EQ(SpareOf(Choose()), BlobText('b'));
  AddSpare("nvdimm-new", "here", BlobText('c'));
  EXPECT_EQ(SpareOf(Choose()), BlobText('c'));
}

TEST_F(ChooseBlobsTest, OfSparesThatOfThisHostComesFirst) {
  AddBlob(kId, "here", BlobText('a'));
  AddSpare("nvdimm-new", "a", BlobText('b'));
  EXPECT_EQ(SpareOf(Choose()), BlobText('b'));
  AddSpare("nvdimm-new", "here", BlobText('c'));
  EXPECT_EQ(SpareOf(Choose()), BlobText('c'));
}

TEST_F(ChooseBlobsTest, ASpareOfTheSameContentWouldOnlyUseUpATry) {
  AddBlob(kId, "here", BlobText('a'));
  AddSpare("nvdimm-new", "here", BlobText('a') + "\n");
  EXPECT_EQ(SpareOf(Choose()), "none");
}

TEST_F(ChooseBlobsTest, ADamagedOrEmptySpareIsNone) {
  AddBlob(kId, "here", BlobText('a'));
  AddSpare("nvdimm-new", "here", "enc32 nonsense");
  EXPECT_EQ(SpareOf(Choose()), "none");
  AddSpare("nvdimm-new", "here", "");
  EXPECT_EQ(SpareOf(Choose()), "none");
  AddSpare("nvdimm-old", "here", BlobText('b'));
  EXPECT_EQ(SpareOf(Choose()), BlobText('b'));
}

TEST_F(ChooseBlobsTest, ASpareTakesThePlaceOfABlobThatIsDamaged) {
  AddBlob(kId, "here", "");
  AddSpare("nvdimm-new", "here", BlobText('b'));
  BlobChoice choice = Choose();
  EXPECT_EQ(choice.chosen.at(kId).blob.text, BlobText('b'));
  EXPECT_EQ(SpareOf(choice), "none");
  EXPECT_THAT(choice.unusable, IsEmpty());
  EXPECT_THAT(choice.notes, ElementsAre(HasSubstr("empty, using nvdimm-new_")));
}

TEST_F(ChooseBlobsTest, ASpareTakesThePlaceOfABlobThatIsMissing) {
  AddSpare("nvdimm-old", "here", BlobText('b'));
  BlobChoice choice = Choose(Recorded({Line(kId, 'a')}));
  EXPECT_EQ(choice.chosen.at(kId).file.kind.stage, BlobStage::kReplaced);
  EXPECT_THAT(choice.unusable, IsEmpty());
  EXPECT_THAT(choice.notes, ElementsAre(HasSubstr("using nvdimm-old_")));
}

TEST_F(ChooseBlobsTest, ASpareDoesNotDecideBetweenSeveral) {
  AddBlob(kId, "one", BlobText('a'));
  AddBlob(kId, "two", BlobText('b'));
  AddSpare("nvdimm-old", "one", BlobText('c'));
  EXPECT_THAT(Choose().unusable, ElementsAre(Key(kId)));
}

/// In a patched image nothing can be deleted.
TEST_F(ChooseBlobsTest, AnEmptyBlobIsNoneBesideOneThatIsNot) {
  AddBlob(kId, "here", "");
  AddBlob(kId, "elsewhere", BlobText('a'));
  EXPECT_EQ(Choose().chosen.at(kId).blob.text, BlobText('a'));
}

TEST_F(ChooseBlobsTest, SeveralEmptyOnesDoNotKeepASpareFromItsPlace) {
  AddBlob(kId, "here", "");
  AddBlob(kId, "elsewhere", "");
  AddSpare("nvdimm-new", "here", BlobText('c'));
  EXPECT_EQ(Choose().chosen.at(kId).blob.text, BlobText('c'));
}

}  // namespace
}  // namespace nvunlock
