// SPDX-License-Identifier: Apache-2.0
#include "src/model/image_record.h"

#include <nlohmann/json.hpp>

#include "src/base/hex.h"
#include "src/crypto/hash.h"

namespace nvunlock {
namespace {

using Json = nlohmann::ordered_json;

Failure NotARecord() {
  return Fail("not an image record of nvunlock");
}

}  // namespace

std::string FormatImageRecord(const ImageRecord& record) {
  Json json = {{"files", Json::object()}, {"sealed_objects", record.sealed_objects}};
  for (const auto& [name, hash] : record.hashes) json["files"][name] = hash;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<ImageRecord> ParseImageRecord(std::string_view json_text) {
  Json json = Json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return NotARecord();
  Json files = json.value("files", Json());
  Json objects = json.value("sealed_objects", Json());
  if (!files.is_object() || !objects.is_array()) return NotARecord();
  ImageRecord record;
  for (const auto& [name, hash] : files.items()) {
    if (!hash.is_string()) return NotARecord();
    record.hashes[name] = hash.get_ref<const std::string&>();
  }
  for (const Json& object : objects) {
    if (!object.is_string()) return NotARecord();
    record.sealed_objects.insert(object.get_ref<const std::string&>());
  }
  return record;
}

Result<std::string> HashOfKeyFile(const KeyFile& file, bool with_passphrase) {
  std::string text = TRY(FormatKeyFile(ForImage(file, with_passphrase)));
  return ToHex(Sha256({AsBytes(text)}));
}

std::string IdOfSlot(const TpmSlot& slot) {
  const SealedObject& sealed = slot.key.sealed;
  return ToHex(Sha256({sealed.public_area, sealed.private_area, slot.kek_cms}));
}

}  // namespace nvunlock
