// SPDX-License-Identifier: Apache-2.0
#include "test/unit/keys/select_blobs_test.h"

#include <gmock/gmock.h>

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;

TEST_F(ChooseBlobsTest, TheOnlyBlobOfADimmIsChosenWhateverItsHost) {
  AddBlob(kId, "elsewhere", BlobText('a'));
  AddBlob(kOtherId, "here", BlobText('b'));
  BlobChoice choice = Choose();
  EXPECT_THAT(choice.chosen, ElementsAre(Key(kId), Key(kOtherId)));
  EXPECT_EQ(choice.chosen.at(kId).blob.text, BlobText('a'));
  EXPECT_THAT(choice.unusable, IsEmpty());
  EXPECT_THAT(choice.notes, IsEmpty());
}

TEST_F(ChooseBlobsTest, NoBlobsAreNoChoice) {
  BlobChoice choice = Must(ChooseBlobs(KeyStore(directory_.PathOf("missing")), "here", {}));
  EXPECT_THAT(choice.chosen, IsEmpty());
  EXPECT_THAT(choice.unusable, IsEmpty());
}

TEST_F(ChooseBlobsTest, OfSeveralTheOneOfThisHostWins) {
  AddBlob(kId, "a", BlobText('a'));
  AddBlob(kId, "here", BlobText('b'));
  AddBlob(kId, "z", BlobText('c'));
  BlobChoice choice = Choose();
  EXPECT_EQ(choice.chosen.at(kId).blob.text, BlobText('b'));
  EXPECT_EQ(choice.chosen.at(kId).file.host, "here");
  EXPECT_THAT(choice.notes, ElementsAre(HasSubstr("3 blobs for")));
}

TEST_F(ChooseBlobsTest, TheRecordWinsOverThisHostWhoseUnknownBlobComesAfterIt) {
  AddBlob(kId, "here", BlobText('a'));
  AddBlob(kId, "z", BlobText('b'));
  BlobChoice choice = Choose(Recorded({Line(kId, 'b')}));
  EXPECT_EQ(choice.chosen.at(kId).file.host, "z");
  EXPECT_TRUE(choice.chosen.at(kId).recorded);
  EXPECT_EQ(SpareOf(choice), BlobText('a'));
  EXPECT_FALSE(choice.chosen.at(kId).spare->recorded);
}

TEST_F(ChooseBlobsTest, OfTwoThatAreRecordedThisHostsComesFirst) {
  AddBlob(kId, "a", BlobText('a'));
  AddBlob(kId, "here", BlobText('b'));
  BlobChoice choice = Choose(Recorded({Line(kId, 'a'), Line(kId, 'b')}));
  EXPECT_EQ(choice.chosen.at(kId).file.host, "here");
  EXPECT_EQ(SpareOf(choice), BlobText('a'));
}

TEST_F(ChooseBlobsTest, AStagedOneThatIsRecordedGoesBeforeACurrentOneThatIsUnknown) {
  AddBlob(kId, "here", BlobText('a'));
  AddSpare("nvdimm-new", "here", BlobText('b'));
  BlobChoice choice = Choose(Recorded({Line(kId, 'b')}));
  EXPECT_EQ(choice.chosen.at(kId).blob.text, BlobText('b'));
  EXPECT_EQ(SpareOf(choice), BlobText('a'));
}

TEST_F(ChooseBlobsTest, NoMoreThanTwoAreTried) {
  AddBlob(kId, "here", BlobText('a'));
  AddBlob(kId, "z", BlobText('b'));
  AddSpare("nvdimm-new", "here", BlobText('c'));
  BlobChoice choice = Choose(Recorded({Line(kId, 'b'), Line(kId, 'c')}));
  EXPECT_EQ(choice.chosen.at(kId).blob.text, BlobText('b'));
  EXPECT_EQ(SpareOf(choice), BlobText('c'));
}

TEST_F(ChooseBlobsTest, StagedOnesThatDifferAreNotTakenByChance) {
  AddBlob(kId, "here", BlobText('a'));
  AddSpare("nvdimm-new", "one", BlobText('b'));
  AddSpare("nvdimm-new", "two", BlobText('c'));
  EXPECT_EQ(SpareOf(Choose()), "none");
  EXPECT_EQ(SpareOf(Choose(Recorded({Line(kId, 'c')}))), BlobText('a'));
  EXPECT_EQ(SpareOf(Choose(Recorded({Line(kId, 'a'), Line(kId, 'c')}))), BlobText('c'));
}

TEST_F(ChooseBlobsTest, WithOneThatIsRecordedItDoesNotMatterThatOthersDiffer) {
  AddBlob(kId, "a", BlobText('a'));
  AddBlob(kId, "b", BlobText('b'));
  AddBlob(kId, "c", BlobText('c'));
  BlobChoice choice = Choose(Recorded({Line(kId, 'b')}));
  EXPECT_EQ(choice.chosen.at(kId).blob.text, BlobText('b'));
  EXPECT_EQ(SpareOf(choice), "none");
}

TEST_F(ChooseBlobsTest, WithoutOneOfThisHostTheRecordedOneWins) {
  AddBlob(kId, "a", BlobText('a'));
  AddBlob(kId, "z", BlobText('b'));
  BlobChoice choice = Choose(Recorded({Line(kId, 'b')}));
  EXPECT_EQ(choice.chosen.at(kId).file.host, "z");
}

TEST_F(ChooseBlobsTest, WhenItIsNotClearWhichIsRightNoneIsUsed) {
  AddBlob(kId, "a", BlobText('a'));
  AddBlob(kId, "z", BlobText('b'));
  for (const RecordedBlobs& recorded : {RecordedBlobs(), Recorded({Line(kId, 'c')})}) {
    BlobChoice choice = Choose(recorded);
    EXPECT_THAT(choice.chosen, IsEmpty());
    ASSERT_THAT(choice.unusable, ElementsAre(Key(kId)));
    EXPECT_EQ(choice.unusable.at(kId).code, Errc::kKeysIncomplete);
    EXPECT_THAT(choice.unusable.at(kId).message, HasSubstr("none is of this host (here)"));
  }
}

TEST_F(ChooseBlobsTest, ABlobOfAnotherDimmIsRefused) {
  AddBlob(kId, "here", BlobText('b'));
  AddBlob(kOtherId, "here", BlobText('a'));
  BlobChoice choice = Choose(Recorded({Line(kId, 'a'), Line(kOtherId, 'b')}));
  EXPECT_THAT(choice.chosen, IsEmpty());
  EXPECT_THAT(choice.unusable.at(kId).message,
              HasSubstr(std::string("it is the blob of DIMM ") + kOtherId));
  EXPECT_THAT(choice.unusable.at(kOtherId).message,
              HasSubstr(std::string("it is the blob of DIMM ") + kId));
}

TEST_F(ChooseBlobsTest, ABlobOfAnotherDimmIsNoSpareAndNoneTakesItsPlace) {
  AddBlob(kId, "here", BlobText('b'));
  AddBlob(kId, "elsewhere", BlobText('c'));
  AddSpare("nvdimm-old", "here", BlobText('d'));
  RecordedBlobs recorded = Recorded({Line(kOtherId, 'b'), Line(kOtherId, 'd')});
  EXPECT_THAT(Choose(recorded).chosen, IsEmpty());
}

TEST_F(ChooseBlobsTest, ABlobThatIsRecordedForTwoDimmsIsNeithersAlone) {
  AddBlob(kId, "here", BlobText('b'));
  BlobChoice choice = Choose(Recorded({Line(kOtherId, 'b'), Line(kId, 'b')}));
  EXPECT_EQ(choice.chosen.at(kId).blob.text, BlobText('b'));
}

TEST_F(ChooseBlobsTest, AMastersBlobUnderAUsersNameIsRefused) {
  AddBlob(kId, "here", BlobText('b'));
  RecordLine line = LineFor(kId, BlobText('b'), SampleSecret(32), PassphraseRole::kMaster);
  EXPECT_THAT(Choose(Recorded({line})).unusable.at(kId).message, HasSubstr("(master passphrase)"));
}

TEST_F(ChooseBlobsTest, AnUnknownBlobIsUsedWhereThereIsNoOther) {
  AddBlob(kId, "here", BlobText('b'));
  BlobChoice choice = Choose(Recorded({Line(kId, 'a')}));
  EXPECT_EQ(choice.chosen.at(kId).blob.text, BlobText('b'));
}

TEST_F(ChooseBlobsTest, AnEnrolledDimmWithoutABlobIsMissed) {
  AddBlob(kOtherId, "here", BlobText('a'));
  BlobChoice choice = Choose(Recorded({Line(kId, 'b')}));
  EXPECT_THAT(choice.chosen, ElementsAre(Key(kOtherId)));
  EXPECT_EQ(choice.missing.at(kId).code, Errc::kKeysIncomplete);
  EXPECT_THAT(choice.missing.at(kId).message, HasSubstr("its blob is missing"));
}

TEST_F(ChooseBlobsTest, ADamagedBlobIsNamedAndStopsNoOther) {
  AddBlob(kId, "here", "enc32 nonsense");
  AddBlob(kOtherId, "here", BlobText('a'));
  BlobChoice choice = Choose();
  EXPECT_THAT(choice.chosen, ElementsAre(Key(kOtherId)));
  EXPECT_EQ(choice.unusable.at(kId).code, Errc::kKeysIncomplete);
  EXPECT_THAT(choice.unusable.at(kId).message, HasSubstr(directory_.path() + "/nvdimm_"));
}

TEST_F(ChooseBlobsTest, SpellingsOfOneCxlSerialAreOneDimm) {
  AddBlob("-2", "a", BlobText('a'));
  AddBlob("18446744073709551614", "here", BlobText('b'));
  BlobChoice choice = Choose(Recorded({Line("18446744073709551614", 'c')}));
  EXPECT_THAT(choice.missing, IsEmpty());
  EXPECT_THAT(choice.chosen, ElementsAre(Key("18446744073709551614")));
  EXPECT_EQ(choice.chosen.begin()->second.file.host, "here");
}

TEST_F(ChooseBlobsTest, ACxlSerialThatThisHostSpellsTwiceIsAmbiguous) {
  constexpr char kSerial[] = "18446744073709551614";
  AddBlob("-2", "here", BlobText('a'));
  AddBlob(kSerial, "here", BlobText('b'));
  BlobChoice choice = Choose();
  EXPECT_THAT(choice.chosen, IsEmpty());
  EXPECT_THAT(choice.unusable.at(kSerial).message, HasSubstr("several are of this host (here)"));
  for (char recorded : {'a', 'b'}) {
    choice = Choose(Recorded({Line(kSerial, recorded)}));
    EXPECT_EQ(choice.chosen.at(kSerial).blob.text, BlobText(recorded));
  }
}

TEST_F(ChooseBlobsTest, ACxlSerialThatIsSpelledTwiceWithOneBlobIsNot) {
  AddBlob("-2", "here", BlobText('a'));
  AddBlob("18446744073709551614", "here", BlobText('a'));
  EXPECT_EQ(Choose().chosen.at("18446744073709551614").blob.text, BlobText('a'));
}

TEST_F(ChooseBlobsTest, UsersAndMastersBlobsDoNotMix) {
  AddBlob(kId, "here", BlobText('a'));
  AddSpare("nvdimm-master", "here", BlobText('b'));
  AddSpare("nvdimm-master-new", "here", BlobText('c'));
  BlobChoice user = Choose();
  EXPECT_EQ(user.chosen.at(kId).blob.text, BlobText('a'));
  EXPECT_EQ(SpareOf(user), "none");
  BlobChoice master =
      Must(ChooseBlobs(KeyStore(directory_.path()), "here", {}, PassphraseRole::kMaster));
  EXPECT_EQ(master.chosen.at(kId).blob.text, BlobText('b'));
  EXPECT_EQ(SpareOf(master), BlobText('c'));
}

}  // namespace
}  // namespace nvunlock
