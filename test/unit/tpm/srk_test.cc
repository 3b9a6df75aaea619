// SPDX-License-Identifier: Apache-2.0
#include "tpm/srk.h"

#include <gtest/gtest.h>

#include "src/crypto/hash.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/swtpm.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

/// What the TCG's templates have; tpm2_createprimary(1) by itself leaves noda out.
constexpr char kSrkAttributes[] =
    "'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt|noda'";

std::string CreatePrimary(const std::string& options) {
  return "tpm2_createprimary -Q -C o -c srk.ctx " + options + "\n";
}

constexpr char kPersist[] = "tpm2_evictcontrol -Q -C o -c srk.ctx 0x81000001";

TEST(PublicAreaTest, MarshalsThereAndBack) {
  Bytes marshalled = MarshalPublic(SampleParent());
  EXPECT_EQ(MarshalPublic(Must(UnmarshalPublic(marshalled))), marshalled);
}

TEST(PublicAreaTest, ATruncatedOneIsRefused) {
  Bytes marshalled = MarshalPublic(SampleParent());
  for (size_t size = 0; size < marshalled.size(); size++) {
    EXPECT_THAT(UnmarshalPublic(ByteView(marshalled).first(size)), FailsWith(Errc::kBadKeyFile))
        << size;
  }
}

TEST(PublicAreaTest, BytesBehindItAreRefused) {
  Bytes marshalled = MarshalPublic(SampleParent());
  marshalled.push_back(0);
  EXPECT_THAT(UnmarshalPublic(marshalled), FailsWith(Errc::kBadKeyFile));
}

TEST(PublicAreaTest, ASizeFieldThatLiesIsRefused) {
  Bytes marshalled = MarshalPublic(SampleParent());
  for (uint8_t change : {0x01, 0x40, 0xff}) {
    Bytes changed = marshalled;
    changed[1] ^= change;
    EXPECT_THAT(UnmarshalPublic(changed), FailsWith(Errc::kBadKeyFile)) << int{change};
  }
}

TEST(PublicAreaTest, EveryChangedByteIsRefusedOrChangesTheName) {
  const size_t size_field = 2;
  Bytes marshalled = MarshalPublic(SampleParent());
  for (size_t i = size_field; i < marshalled.size(); i++) {
    for (uint8_t change : {0x01, 0x40, 0xff}) {
      Bytes changed = marshalled;
      changed[i] ^= change;
      Result<TPM2B_PUBLIC> object = UnmarshalPublic(changed);
      if (object) {
        EXPECT_NE(NameOf(*object), NameOf(SampleParent())) << i;
      }
    }
  }
}

TEST(NameOfTest, IsTheHashAlgorithmAndTheHashOfTheArea) {
  Bytes marshalled = MarshalPublic(SampleParent());
  Sha256Digest digest = Sha256({ByteView(marshalled).subspan(2)});
  EXPECT_EQ(NameOf(SampleParent()), Concatenate({Hex("000b"), digest}));
}

TEST(NameOfTest, IsEmptyForAnotherNameAlgorithm) {
  TPM2B_PUBLIC object = SampleParent();
  object.publicArea.nameAlg = TPM2_ALG_SHA384;
  EXPECT_TRUE(NameOf(object).empty());
}

class SrkTest : public SwtpmTest {
 protected:
  void SetUp() override {
    Tpm tpm = ConnectTo(swtpm());
    EvictPersistent(tpm, kSrkHandle);
  }

  static Bytes ProvisionAndMarshal() {
    Tpm tpm = ConnectTo(swtpm());
    return MarshalPublic(Must(ProvisionSrk(tpm)));
  }

  static Result<TPM2B_PUBLIC> Provision() {
    Tpm tpm = ConnectTo(swtpm());
    return ProvisionSrk(tpm);
  }
};

TEST_F(SrkTest, IsMadeWhenMissingAndFoundAfterwards) {
  Bytes made = ProvisionAndMarshal();
  EXPECT_EQ(ProvisionAndMarshal(), made);
}

TEST_F(SrkTest, IsAP256KeyOfTheStandardTemplate) {
  TPM2B_PUBLIC srk = Must(Provision());
  EXPECT_EQ(srk.publicArea.type, TPM2_ALG_ECC);
  EXPECT_EQ(srk.publicArea.parameters.eccDetail.curveID, TPM2_ECC_NIST_P256);
  std::string tools =
      swtpm().RunTools("tpm2_readpublic -c 0x81000001 -f tss -o public -Q; xxd -p -c 999 public");
  EXPECT_EQ(tools, ToHex(MarshalPublic(srk)) + "\n");
}

TEST_F(SrkTest, NothingElseStaysInTheTpm) {
  (void)Must(Provision());
  EXPECT_EQ(swtpm().RunTools("tpm2_getcap handles-persistent; tpm2_getcap handles-transient; "
                             "tpm2_getcap handles-loaded-session"),
            "- 0x81000001\n");
}

TEST_F(SrkTest, AnEccSrkOfSomebodyElseIsAccepted) {
  swtpm().RunTools(CreatePrimary("-g sha256 -G ecc256 -a " + std::string(kSrkAttributes)) +
                   kPersist);
  EXPECT_EQ(Must(Provision()).publicArea.type, TPM2_ALG_ECC);
}

TEST_F(SrkTest, AnRsaSrkOfSomebodyElseIsAccepted) {
  swtpm().RunTools(CreatePrimary("-g sha256 -G rsa2048 -a " + std::string(kSrkAttributes)) +
                   kPersist);
  EXPECT_EQ(Must(Provision()).publicArea.type, TPM2_ALG_RSA);
}

/// The L templates of the EK Credential Profile have a unique field of zeros. tpm2-tools read it as
/// the C structure: for each coordinate its size, and 128 bytes.
TEST_F(SrkTest, AnEccSrkOfTheLTemplateIsAccepted) {
  swtpm().RunTools(
      "for coordinate in x y; do printf '\\040\\0'; head -c 128 /dev/zero; done >unique\n" +
      CreatePrimary("-g sha256 -G ecc256 -u unique -a " + std::string(kSrkAttributes)) + kPersist);
  EXPECT_EQ(Must(Provision()).publicArea.type, TPM2_ALG_ECC);
}

TEST_F(SrkTest, AnRsaSrkOfTheLTemplateIsAccepted) {
  swtpm().RunTools(
      "{ printf '\\0\\001'; head -c 256 /dev/zero; } >unique\n" +
      CreatePrimary("-g sha256 -G rsa2048 -u unique -a " + std::string(kSrkAttributes)) + kPersist);
  EXPECT_EQ(Must(Provision()).publicArea.type, TPM2_ALG_RSA);
}

TEST_F(SrkTest, APrimaryOfAnotherTemplateIsRefused) {
  swtpm().RunTools(CreatePrimary("-g sha256 -G ecc256") + kPersist);
  EXPECT_THAT(Provision(), FailsWith(Errc::kWrongTpm, "0x81000001"));
}

TEST_F(SrkTest, AKeyThatWasMadeInSoftwareAndImportedIsRefused) {
  swtpm().RunTools(
      "openssl ecparam -genkey -name prime256v1 -noout -out software.pem\n" +
      CreatePrimary("-g sha256 -G ecc256") +
      "tpm2_import -Q -C srk.ctx -G ecc256:aes128cfb -g sha256 -i software.pem -u pub -r priv "
      "-a 'userwithauth|restricted|decrypt|noda'\n"
      "tpm2_flushcontext -t\n"
      "tpm2_load -Q -C srk.ctx -u pub -r priv -c imported.ctx\n"
      "tpm2_evictcontrol -Q -C o -c imported.ctx 0x81000001");
  EXPECT_THAT(Provision(), FailsWith(Errc::kWrongTpm, "imported"));
}

TEST_F(SrkTest, AnOwnerPasswordIsPutIntoWords) {
  swtpm().RunTools("tpm2_changeauth -Q -c o secret");
  Result<TPM2B_PUBLIC> srk = Provision();
  swtpm().RunTools("tpm2_changeauth -Q -c o -p secret");
  EXPECT_THAT(srk,
              FailsWith(Errc::kOwnerPassword, "the owner hierarchy of the TPM has a password"));
}

}  // namespace
}  // namespace nvunlock
