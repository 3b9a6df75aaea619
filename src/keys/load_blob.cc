// SPDX-License-Identifier: Apache-2.0
#include "src/keys/load_blob.h"

#include "src/model/dimm_id.h"

namespace nvunlock {

Result<Key> LoadOrReuse(const Keyring& keyring, const std::string& description,
                        const Enc32Blob& blob, unsigned expire_seconds) {
  std::optional<Key> present = TRY(keyring.Find("encrypted", description));
  if (!present) {
    Key key = TRY(keyring.LoadEncrypted(description, blob.text));
    if (expire_seconds != 0) TRY(key.ExpireAfter(expire_seconds));
    return key;
  }
  Secret text = TRY_IN(description + " in the keyring", present->Read());
  Result<Enc32Blob> loaded = ParseEnc32(AsText(text.bytes()));
  if (!loaded || loaded->payload != blob.payload) {
    return Fail(Errc::kKeysIncomplete, description +
                                           " is already in the keyring, but is not the blob's key; "
                                           "remove it with 'keyctl unlink %encrypted:" +
                                           description + " @u'");
  }
  return *present;
}

Result<std::vector<Key>> LoadDimmKeys(const Keyring& keyring, const DimmId& dimm_id,
                                      const Enc32Blob& blob, unsigned expire_seconds) {
  std::vector<Key> keys;
  for (const std::string& description : dimm_id.KeyDescriptions()) {
    Result<Key> key = LoadOrReuse(keyring, description, blob, expire_seconds);
    if (!key) {
      InvalidateAll(keys);
      return Failure(std::move(key.error()));
    }
    keys.push_back(*key);
  }
  return keys;
}

void InvalidateAll(const std::vector<Key>& keys) {
  for (const Key& key : keys) (void)key.Invalidate();
}

}  // namespace nvunlock
