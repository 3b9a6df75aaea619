#include "src/crypto/cms.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include <cstring>

#include "src/base/wipe_stack.h"
#include "src/crypto/openssl.h"

namespace nvunlock {
namespace {

using Bio = OpensslPtr<BIO, BIO_free_all>;
using Cms = OpensslPtr<CMS_ContentInfo, CMS_ContentInfo_free>;

/// Heap copies for CMS_add0_recipient_key and CMS_decrypt_set1_key; OpenSSL frees them, wiped.
uint8_t* Duplicate(ByteView bytes) {
  return static_cast<uint8_t*>(OPENSSL_memdup(bytes.data(), bytes.size()));
}

bool AddKeyRecipient(CMS_ContentInfo* cms, const Secret& key, ByteView key_id) {
  uint8_t* key_copy = Duplicate(key.bytes());
  uint8_t* id_copy = Duplicate(key_id);
  if (key_copy != nullptr && id_copy != nullptr &&
      CMS_add0_recipient_key(cms, NID_id_aes256_wrap, key_copy, key.size(), id_copy, key_id.size(),
                             nullptr, nullptr, nullptr) != nullptr) {
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

}  // namespace

Result<Bytes> EncryptToKey(const Secret& content, const Secret& wrapping_key, ByteView key_id) {
  StackWiper wiper;
  InitOpenssl();
  Cms cms(CMS_AuthEnvelopedData_create(FetchCipher("AES-256-GCM")));
  if (cms == nullptr || CMS_set_detached(cms.get(), 0) != 1 ||
      !AddKeyRecipient(cms.get(), wrapping_key, key_id)) {
    return FailOpenssl("make a CMS message");
  }
  Bio input(BIO_new_mem_buf(content.bytes().data(), static_cast<int>(content.size())));
  if (input == nullptr || CMS_final(cms.get(), input.get(), nullptr, CMS_BINARY) != 1) {
    return FailOpenssl("encrypt a CMS message");
  }
  return ToDer(cms.get());
}

Result<Secret> DecryptWithKey(ByteView der, const Secret& wrapping_key, ByteView key_id) {
  StackWiper wiper;
  InitOpenssl();
  const uint8_t* cursor = der.data();
  Cms cms(d2i_CMS_ContentInfo(nullptr, &cursor, static_cast<long>(der.size())));
  if (cms == nullptr || cursor != der.data() + der.size()) return FailToOpen("not valid DER");
  if (OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_id_smime_ct_authEnvelopedData) {
    return FailToOpen("not AuthEnvelopedData");
  }
  if (CMS_decrypt_set1_key(cms.get(), const_cast<uint8_t*>(wrapping_key.bytes().data()),
                           wrapping_key.size(), key_id.data(), key_id.size()) != 1) {
    return FailToOpen("damaged, or made for another key");
  }
  // What comes out is shorter than DER. The memory for it is made now: there shall be no system
  // call while OpenSSL has the content in buffers of its own.
  Secret content = TRY(Secret::Create(der.size()));
  Bio output(BIO_new(BIO_s_mem()));
  if (output == nullptr ||
      CMS_decrypt(cms.get(), nullptr, nullptr, nullptr, output.get(), CMS_BINARY) != 1) {
    return FailToOpen("damaged: its content does not verify");
  }
  char* plaintext = nullptr;
  long size = BIO_get_mem_data(output.get(), &plaintext);
  if (size <= 0 || static_cast<size_t>(size) > content.size()) return FailToOpen("empty");
  memcpy(content.bytes().data(), plaintext, static_cast<size_t>(size));
  content.Shrink(static_cast<size_t>(size));
  return content;
}

}  // namespace nvunlock
