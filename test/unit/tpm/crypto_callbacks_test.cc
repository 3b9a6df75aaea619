// SPDX-License-Identifier: Apache-2.0
#include "tpm/crypto_callbacks.h"

#include <gtest/gtest.h>

#include "test/unit/support/byte_strings.h"

namespace nvunlock {
namespace {

class CryptoCallbacksTest : public testing::Test {
 protected:
  Bytes Hash(TPM2_ALG_ID algorithm, std::string_view text) const {
    ESYS_CRYPTO_CONTEXT_BLOB* context = nullptr;
    EXPECT_EQ(esys_.hash_start(&context, algorithm, nullptr), TSS2_RC_SUCCESS);
    ByteView bytes = AsBytes(text);
    for (uint8_t byte : bytes) esys_.hash_update(context, &byte, 1, nullptr);
    Bytes digest(64);
    size_t size = digest.size();
    EXPECT_EQ(esys_.hash_finish(&context, digest.data(), &size, nullptr), TSS2_RC_SUCCESS);
    EXPECT_EQ(context, nullptr);
    digest.resize(size);
    return digest;
  }

  Bytes Hmac(TPM2_ALG_ID algorithm, const Bytes& key, std::string_view text) const {
    ESYS_CRYPTO_CONTEXT_BLOB* context = nullptr;
    EXPECT_EQ(esys_.hmac_start(&context, algorithm, key.data(), key.size(), nullptr),
              TSS2_RC_SUCCESS);
    ByteView bytes = AsBytes(text);
    esys_.hmac_update(context, bytes.data(), bytes.size(), nullptr);
    Bytes mac(64);
    size_t size = mac.size();
    EXPECT_EQ(esys_.hmac_finish(&context, mac.data(), &size, nullptr), TSS2_RC_SUCCESS);
    mac.resize(size);
    return mac;
  }

  const ESYS_CRYPTO_CALLBACKS esys_ = CryptoCallbacks();
};

TEST_F(CryptoCallbacksTest, HashesAgreeWithFips180) {
  EXPECT_EQ(ToHex(Hash(TPM2_ALG_SHA1, "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(ToHex(Hash(TPM2_ALG_SHA256, "abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(Hash(TPM2_ALG_SHA384, "abc")),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(ToHex(Hash(TPM2_ALG_SHA512, "abc")),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST_F(CryptoCallbacksTest, HmacsAgreeWithRfc4231) {
  EXPECT_EQ(ToHex(Hmac(TPM2_ALG_SHA256, Copy(AsBytes("Jefe")), "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/// Sessions that are neither salted nor bound have an empty key.
TEST_F(CryptoCallbacksTest, AnEmptyHmacKeyIsAKey) {
  EXPECT_EQ(ToHex(Hmac(TPM2_ALG_SHA256, {}, "")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_F(CryptoCallbacksTest, UnknownAlgorithmsAreSaidToBe) {
  ESYS_CRYPTO_CONTEXT_BLOB* context = nullptr;
  EXPECT_EQ(esys_.hash_start(&context, TPM2_ALG_SM3_256, nullptr), TSS2_ESYS_RC_NOT_IMPLEMENTED);
  EXPECT_EQ(esys_.hmac_start(&context, TPM2_ALG_SM3_256, nullptr, 0, nullptr),
            TSS2_ESYS_RC_NOT_IMPLEMENTED);
}

TEST_F(CryptoCallbacksTest, AbandonedHashesAreFreed) {
  ESYS_CRYPTO_CONTEXT_BLOB* context = nullptr;
  ASSERT_EQ(esys_.hash_start(&context, TPM2_ALG_SHA256, nullptr), TSS2_RC_SUCCESS);
  esys_.hash_abort(&context, nullptr);
  EXPECT_EQ(context, nullptr);
  ASSERT_EQ(esys_.hmac_start(&context, TPM2_ALG_SHA256, nullptr, 0, nullptr), TSS2_RC_SUCCESS);
  esys_.hmac_abort(&context, nullptr);
  EXPECT_EQ(context, nullptr);
}

/// NIST SP 800-38A, F.3.13 and F.3.17: CFB128 with AES-128 and AES-256, first two blocks.
struct CfbVector {
  TPMI_AES_KEY_BITS bits;
  const char* key;
  const char* ciphertext;
};

const CfbVector kCfbVectors[] = {
    {128, "2b7e151628aed2a6abf7158809cf4f3c",
     "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b"},
    {256, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
     "dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407b"},
};

TEST_F(CryptoCallbacksTest, AesCfbAgreesWithSp800_38a) {
  const Bytes plaintext = Hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
  for (const CfbVector& vector : kCfbVectors) {
    Bytes key = Hex(vector.key);
    Bytes iv = Hex("000102030405060708090a0b0c0d0e0f");
    Bytes buffer = plaintext;
    EXPECT_EQ(esys_.aes_encrypt(key.data(), TPM2_ALG_AES, vector.bits, TPM2_ALG_CFB, buffer.data(),
                                buffer.size(), iv.data(), nullptr),
              TSS2_RC_SUCCESS);
    EXPECT_EQ(ToHex(buffer), vector.ciphertext);
    iv = Hex("000102030405060708090a0b0c0d0e0f");
    EXPECT_EQ(esys_.aes_decrypt(key.data(), TPM2_ALG_AES, vector.bits, TPM2_ALG_CFB, buffer.data(),
                                buffer.size(), iv.data(), nullptr),
              TSS2_RC_SUCCESS);
    EXPECT_EQ(buffer, plaintext);
  }
}

TEST_F(CryptoCallbacksTest, NoncesAreAsLongAsAskedForAndDiffer) {
  TPM2B_NONCE one = {};
  TPM2B_NONCE other = {};
  ASSERT_EQ(esys_.get_random2b(&one, 32, nullptr), TSS2_RC_SUCCESS);
  ASSERT_EQ(esys_.get_random2b(&other, 32, nullptr), TSS2_RC_SUCCESS);
  EXPECT_EQ(one.size, 32);
  EXPECT_NE(Bytes(one.buffer, one.buffer + 32), Bytes(other.buffer, other.buffer + 32));
  EXPECT_NE(esys_.get_random2b(&one, sizeof(one.buffer) + 1, nullptr), TSS2_RC_SUCCESS);
}

}  // namespace
}  // namespace nvunlock
