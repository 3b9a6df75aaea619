// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/signing_key.h"

#include <gmock/gmock.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/params.h>

#include "test/unit/support/byte_strings.h"

namespace nvunlock {
namespace {

using testing::SizeIs;

using Pkey = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;

Pkey ToOpenssl(const NumberPair& point) {
  Bytes encoded = Concatenate({Hex("04"), point.first, point.second});
  char group[] = "P-256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()),
      OSSL_PARAM_construct_end()};
  OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context.get());
  EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters);
  return Pkey(key);
}

Bytes ToDer(const NumberPair& signature) {
  OpensslPtr<ECDSA_SIG, ECDSA_SIG_free> numbers(ECDSA_SIG_new());
  ECDSA_SIG_set0(
      numbers.get(),
      BN_bin2bn(signature.first.data(), static_cast<int>(signature.first.size()), nullptr),
      BN_bin2bn(signature.second.data(), static_cast<int>(signature.second.size()), nullptr));
  Bytes der(80);
  uint8_t* cursor = der.data();
  der.resize(static_cast<size_t>(i2d_ECDSA_SIG(numbers.get(), &cursor)));
  return der;
}

/// What OpenSSL itself says of a signature.
bool Verifies(const NumberPair& point, const NumberPair& signature, std::string_view message) {
  Pkey key = ToOpenssl(point);
  Bytes der = ToDer(signature);
  OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key.get(), nullptr);
  ByteView bytes = AsBytes(message);
  return EVP_DigestVerify(context.get(), der.data(), der.size(), bytes.data(), bytes.size()) == 1;
}

TEST(SigningKeyTest, SignsThePartsOneAfterTheOther) {
  SigningKey key = Must(SigningKey::Generate());
  NumberPair signature = Must(key.Sign({AsBytes("one"), AsBytes("two")}));
  NumberPair point = Must(key.PublicPoint());
  EXPECT_TRUE(Verifies(point, signature, "onetwo"));
  EXPECT_FALSE(Verifies(point, signature, "twoone"));
}

TEST(SigningKeyTest, ASignatureOfAnotherKeyDoesNotVerify) {
  SigningKey key = Must(SigningKey::Generate());
  SigningKey other = Must(SigningKey::Generate());
  EXPECT_NE(Must(key.PublicPoint()).first, Must(other.PublicPoint()).first);
  EXPECT_FALSE(
      Verifies(Must(other.PublicPoint()), Must(key.Sign({AsBytes("message")})), "message"));
}

/// One number in 256 begins with a zero byte.
TEST(SigningKeyTest, NumbersAreOf32BytesWhateverTheyBeginWith) {
  SigningKey key = Must(SigningKey::Generate());
  NumberPair point = Must(key.PublicPoint());
  bool began_with_zero = false;
  for (int i = 0; i < 3000 && !began_with_zero; i++) {
    NumberPair signature = Must(key.Sign({AsBytes("message")}));
    ASSERT_THAT(signature.first, SizeIs(32));
    ASSERT_THAT(signature.second, SizeIs(32));
    began_with_zero = signature.first[0] == 0 || signature.second[0] == 0;
    if (began_with_zero) {
      EXPECT_TRUE(Verifies(point, signature, "message"));
    }
  }
  EXPECT_TRUE(began_with_zero);
}

TEST(SigningKeyTest, ExportIsTheScalarAndThePoint) {
  SigningKey key = Must(SigningKey::Generate());
  NumberPair point = Must(key.PublicPoint());
  Secret exported = Must(key.Export());
  ASSERT_EQ(exported.size(), 97U);
  EXPECT_EQ(Copy(exported.bytes().subspan(32)),
            Concatenate({Hex("04"), point.first, point.second}));
}

TEST(SigningKeyTest, WhatIsImportedSignsAsBefore) {
  SigningKey key = Must(SigningKey::Generate());
  Secret exported = Must(key.Export());
  SigningKey imported = Must(SigningKey::Import(exported));
  EXPECT_TRUE(Must(imported.Export()).Equals(exported));
  NumberPair signature = Must(imported.Sign({AsBytes("message")}));
  EXPECT_TRUE(Verifies(Must(key.PublicPoint()), signature, "message"));
}

/// One scalar in 256 begins with a zero byte.
TEST(SigningKeyTest, AScalarThatBeginsWithZeroIsExportedWhole) {
  for (int i = 0; i < 5000; i++) {
    SigningKey key = Must(SigningKey::Generate());
    Secret exported = Must(key.Export());
    if (exported.bytes()[0] != 0) continue;
    EXPECT_TRUE(Must(Must(SigningKey::Import(exported)).Export()).Equals(exported));
    return;
  }
  ADD_FAILURE() << "there was none";
}

TEST(SigningKeyTest, NothingElseIsImported) {
  Secret exported = Must(Must(SigningKey::Generate()).Export());
  for (size_t size : {1, 32, 96, 98}) {
    Secret other = Must(Secret::Create(size));
    EXPECT_THAT(SigningKey::Import(other), FailsWith(Errc::kBadKeyFile, "wrong size")) << size;
  }
  for (size_t i = 0; i < exported.size(); i++) {
    Secret damaged = SecretOf(ByteView(exported.bytes()));
    damaged.bytes()[i] ^= 0x10;
    EXPECT_THAT(SigningKey::Import(damaged), FailsWith(Errc::kBadKeyFile, "damaged")) << i;
  }
  Secret zeros = Must(Secret::Create(97));
  EXPECT_THAT(SigningKey::Import(zeros), FailsWith(Errc::kBadKeyFile));
}

/// Halves of two keys would sign what no TPM accepts.
TEST(SigningKeyTest, HalvesOfTwoKeysAreNotImported) {
  Secret one = Must(Must(SigningKey::Generate()).Export());
  Secret other = Must(Must(SigningKey::Generate()).Export());
  std::ranges::copy(other.bytes().first(32), one.bytes().begin());
  EXPECT_THAT(SigningKey::Import(one), FailsWith(Errc::kBadKeyFile, "damaged"));
}

}  // namespace
}  // namespace nvunlock
