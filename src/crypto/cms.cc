// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/cms.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstring>

#include "src/base/wipe_stack.h"
#include "src/crypto/openssl.h"
#include "src/crypto/passphrase_rounds.h"

namespace nvunlock {
namespace {

using Bio = OpensslPtr<BIO, BIO_free_all>;
using Cms = OpensslPtr<CMS_ContentInfo, CMS_ContentInfo_free>;
using Certificate = OpensslPtr<X509, X509_free>;

/// Heap copies for CMS_add0_recipient_key and CMS_decrypt_set1_key; OpenSSL frees them, wiped.
uint8_t* Duplicate(ByteView bytes) {
  return static_cast<uint8_t*>(OPENSSL_memdup(bytes.data(), bytes.size()));
}

using Object = OpensslPtr<ASN1_OBJECT, ASN1_OBJECT_free>;
using AnyType = OpensslPtr<ASN1_TYPE, ASN1_TYPE_free>;

/// nullptr for empty DER.
AnyType ParseAny(ByteView der) {
  const uint8_t* cursor = der.data();
  return AnyType(der.empty() ? nullptr
                             : d2i_ASN1_TYPE(nullptr, &cursor, static_cast<long>(der.size())));
}

bool AddKeyRecipient(CMS_ContentInfo* cms, const Secret& key, ByteView key_id, ByteView scrypt) {
  uint8_t* key_copy = Duplicate(key.bytes());
  uint8_t* id_copy = Duplicate(key_id);
  AnyType other = ParseAny(scrypt);
  Object type(other == nullptr ? nullptr : OBJ_nid2obj(NID_id_scrypt));
  if (key_copy != nullptr && id_copy != nullptr &&
      CMS_add0_recipient_key(cms, NID_id_aes256_wrap, key_copy, key.size(), id_copy, key_id.size(),
                             nullptr, type.get(), other.get()) != nullptr) {
    // The message owns all of them now.
    [[maybe_unused]] void* owned[] = {type.release(), other.release()};
    return true;
  }
  OPENSSL_free(key_copy);
  OPENSSL_free(id_copy);
  return false;
}

Result<Bytes> ToDer(CMS_ContentInfo* cms) {
  uint8_t* der = nullptr;
  int size = i2d_CMS_ContentInfo(cms, &der);
  if (size < 0) return FailOpenssl("encode a CMS message");
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

Failure FailToOpen(std::string_view reason) {
  ERR_clear_error();
  return Fail(Errc::kBadKeyFile, "CMS block: " + std::string(reason));
}

Result<Bytes> Seal(CMS_ContentInfo* cms, const Secret& content) {
  Bio input(BIO_new_mem_buf(content.bytes().data(), static_cast<int>(content.size())));
  if (input == nullptr || CMS_set_detached(cms, 0) != 1 ||
      CMS_final(cms, input.get(), nullptr, CMS_BINARY) != 1) {
    return FailOpenssl("encrypt a CMS message");
  }
  return ToDer(cms);
}

Result<Cms> Parse(ByteView der) {
  InitOpenssl();
  const uint8_t* cursor = der.data();
  Cms cms(d2i_CMS_ContentInfo(nullptr, &cursor, static_cast<long>(der.size())));
  if (cms == nullptr || cursor != der.data() + der.size()) return FailToOpen("not valid DER");
  return cms;
}

bool IsOfType(CMS_ContentInfo* cms, int type) {
  return OBJ_obj2nid(CMS_get0_type(cms)) == type;
}

/// The content of a message whose recipient's secret has been set.
Result<Secret> Open(CMS_ContentInfo* cms, size_t limit) {
  // The memory for the content is made now: there shall be no system call while OpenSSL has it in
  // buffers of its own.
  Secret content = TRY(Secret::Create(limit));
  Bio output(BIO_new(BIO_s_mem()));
  if (output == nullptr ||
      CMS_decrypt(cms, nullptr, nullptr, nullptr, output.get(), CMS_BINARY) != 1) {
    return FailToOpen("damaged: its content does not verify");
  }
  char* plaintext = nullptr;
  long size = BIO_get_mem_data(output.get(), &plaintext);
  if (size <= 0 || static_cast<size_t>(size) > content.size()) return FailToOpen("empty");
  memcpy(content.bytes().data(), plaintext, static_cast<size_t>(size));
  content.Shrink(static_cast<size_t>(size));
  return content;
}

Result<Certificate> ParseCertificate(std::string_view pem) {
  Bio input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Certificate certificate(PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return FailOpenssl("read a certificate");
  return certificate;
}

/// OAEP for RSA keys, SHA-256 in the key derivation for EC keys; OpenSSL's defaults are older.
bool ChooseParameters(CMS_RecipientInfo* recipient) {
  EVP_PKEY_CTX* context = CMS_RecipientInfo_get0_pkey_ctx(recipient);
  if (context == nullptr) return false;
  if (EVP_PKEY_is_a(EVP_PKEY_CTX_get0_pkey(context), "RSA")) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(context, FetchDigest("SHA256")) == 1;
  }
  return EVP_PKEY_CTX_set_ecdh_kdf_md(context, FetchDigest("SHA256")) == 1;
}

std::string IssuerOf(CMS_RecipientInfo* recipient) {
  X509_NAME* issuer = nullptr;
  if (CMS_RecipientInfo_type(recipient) == CMS_RECIPINFO_TRANS) {
    CMS_RecipientInfo_ktri_get0_signer_id(recipient, nullptr, &issuer, nullptr);
  } else {
    auto* keys = CMS_RecipientInfo_kari_get0_reks(recipient);
    CMS_RecipientEncryptedKey_get0_id(sk_CMS_RecipientEncryptedKey_value(keys, 0), nullptr, nullptr,
                                      nullptr, &issuer, nullptr);
  }
  char line[200] = "";
  if (issuer != nullptr) X509_NAME_oneline(issuer, line, sizeof(line));
  return line;
}

Bytes ToBytes(const ASN1_TYPE* any) {
  uint8_t* der = nullptr;
  int size = i2d_ASN1_TYPE(any, &der);
  if (size < 0) return {};
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

CmsAddress ReadKeyAddress(CMS_RecipientInfo* recipient) {
  CmsAddress address = {.recipient = CmsRecipient::kKey, .key_id = {}, .scrypt = {}, .issuer = ""};
  ASN1_OCTET_STRING* id = nullptr;
  ASN1_OBJECT* other_type = nullptr;
  ASN1_TYPE* other = nullptr;
  CMS_RecipientInfo_kekri_get0_id(recipient, nullptr, &id, nullptr, &other_type, &other);
  if (id != nullptr) {
    const uint8_t* bytes = ASN1_STRING_get0_data(id);
    address.key_id.assign(bytes, bytes + ASN1_STRING_length(id));
  }
  if (other != nullptr && OBJ_obj2nid(other_type) == NID_id_scrypt) address.scrypt = ToBytes(other);
  return address;
}

}  // namespace

Result<CmsAddress> ReadAddress(ByteView der) {
  Cms cms = TRY(Parse(der));
  if (!IsOfType(cms.get(), NID_id_smime_ct_authEnvelopedData) &&
      !IsOfType(cms.get(), NID_pkcs7_enveloped)) {
    return FailToOpen("not encrypted");
  }
  STACK_OF(CMS_RecipientInfo)* recipients = CMS_get0_RecipientInfos(cms.get());
  if (sk_CMS_RecipientInfo_num(recipients) != 1) return FailToOpen("not for one recipient");
  CMS_RecipientInfo* recipient = sk_CMS_RecipientInfo_value(recipients, 0);
  switch (CMS_RecipientInfo_type(recipient)) {
    case CMS_RECIPINFO_KEK:
      return ReadKeyAddress(recipient);
    case CMS_RECIPINFO_PASS:
      return CmsAddress{CmsRecipient::kPassphrase, {}, {}, ""};
    case CMS_RECIPINFO_TRANS:
    case CMS_RECIPINFO_AGREE:
      return CmsAddress{CmsRecipient::kCertificate, {}, {}, IssuerOf(recipient)};
    default:
      return FailToOpen("encrypted for an unknown kind of recipient");
  }
}

Result<Bytes> EncryptToKey(const Secret& content, const Secret& wrapping_key, ByteView key_id,
                           ByteView scrypt) {
  StackWiper wiper;
  InitOpenssl();
  Cms cms(CMS_AuthEnvelopedData_create(FetchCipher("AES-256-GCM")));
  if (cms == nullptr || !AddKeyRecipient(cms.get(), wrapping_key, key_id, scrypt)) {
    return FailOpenssl("make a CMS message");
  }
  return Seal(cms.get(), content);
}

Result<Bytes> EncryptToPassphrase(const Secret& content, const Secret& passphrase, int rounds) {
  StackWiper wiper;
  InitOpenssl();
  Cms cms(CMS_EnvelopedData_create(FetchCipher("AES-256-CBC")));
  uint8_t* copy = Duplicate(passphrase.bytes());
  if (cms == nullptr || copy == nullptr ||
      CMS_add0_recipient_password(cms.get(), rounds, NID_id_alg_PWRI_KEK, NID_id_pbkdf2, copy,
                                  static_cast<ossl_ssize_t>(passphrase.size()),
                                  FetchCipher("AES-256-CBC")) == nullptr) {
    OPENSSL_free(copy);
    return FailOpenssl("make a CMS message");
  }
  return Seal(cms.get(), content);
}

Result<Bytes> EncryptToCertificate(const Secret& content, std::string_view certificate) {
  StackWiper wiper;
  InitOpenssl();
  Certificate owner = TRY(ParseCertificate(certificate));
  Cms cms(CMS_AuthEnvelopedData_create(FetchCipher("AES-256-GCM")));
  if (cms == nullptr) return FailOpenssl("make a CMS message");
  CMS_RecipientInfo* recipient = CMS_add1_recipient_cert(cms.get(), owner.get(), CMS_KEY_PARAM);
  if (recipient == nullptr || !ChooseParameters(recipient)) {
    return FailOpenssl("encrypt to this certificate");
  }
  return Seal(cms.get(), content);
}

Result<Secret> DecryptWithKey(ByteView der, const Secret& wrapping_key, ByteView key_id) {
  StackWiper wiper;
  Cms cms = TRY(Parse(der));
  if (!IsOfType(cms.get(), NID_id_smime_ct_authEnvelopedData)) {
    return FailToOpen("not AuthEnvelopedData");
  }
  if (CMS_decrypt_set1_key(cms.get(), const_cast<uint8_t*>(wrapping_key.bytes().data()),
                           wrapping_key.size(), key_id.data(), key_id.size()) != 1) {
    return FailToOpen("damaged, or made for another key");
  }
  return Open(cms.get(), der.size());
}

Result<Secret> DecryptWithPassphrase(ByteView der, const Secret& passphrase) {
  StackWiper wiper;
  Cms cms = TRY(Parse(der));
  if (!IsOfType(cms.get(), NID_pkcs7_enveloped)) return FailToOpen("not EnvelopedData");
  // As OpenSSL understood it: the message itself may be BER.
  Bytes understood = TRY(ToDer(cms.get()));
  TRY(CheckPassphraseRounds(understood));
  if (CMS_decrypt_set1_password(cms.get(), const_cast<uint8_t*>(passphrase.bytes().data()),
                                static_cast<ossl_ssize_t>(passphrase.size())) != 1) {
    return FailToOpen("damaged, or another passphrase");
  }
  return Open(cms.get(), der.size());
}

}  // namespace nvunlock
