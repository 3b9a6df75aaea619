// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/rollback_check.h"

#include <set>

#include "src/keys/recorded_blobs.h"
#include "src/model/blob_record.h"
#include "src/model/dimm_id.h"
#include "src/passphrase/dimm_passphrase.h"
#include "src/records/unlock_record.h"

namespace nvunlock {
namespace {

Result<std::set<std::string>> HashesIn(const KeyStore& store) {
  std::set<std::string> hashes;
  for (const BlobName& file : TRY(store.AllBlobs())) {
    Result<Enc32Blob> blob = store.ReadBlob(file);
    if (blob) hashes.insert(HashOfBlob(blob->text));
  }
  return hashes;
}

Result<std::optional<Dimm>> Find(const NdBus& bus, const DimmId& id) {
  for (const std::string& nmem : bus.Nmems()) {
    Dimm dimm = TRY(InspectDimm(bus, nmem));
    if (dimm.id == id) return std::optional<Dimm>(std::move(dimm));
  }
  return std::optional<Dimm>();
}

Result<bool> TryCurrentBlob(const Environment& environment, const PassphrasePlace& place,
                            const Dimm& dimm) {
  std::vector<std::string> notes;  // it is a question only
  RecordedBlobs recorded = FindRecordedBlobs(place.store, place.keyring, notes);
  BlobChoice choice = TRY(ChooseBlobs(place.store, place.host, recorded));
  auto chosen = choice.chosen.find(dimm.id);
  if (chosen == choice.chosen.end()) return false;
  DimmPassphrase passphrase(place, dimm, PassphraseRole::kUser, chosen->second);
  if (passphrase.Current() == nullptr) return false;
  Key key = TRY(passphrase.CurrentKey());
  if (!TRY(passphrase.TryKey(key))) return false;
  TRY(RecordChange(environment, dimm.id, HashOfBlob(passphrase.Current()->blob.text)));
  return true;
}

Result<void> CheckReplaced(const Environment& environment, const DimmId& id, bool was_frozen) {
  PassphrasePlace place = PlaceIn(environment);
  std::optional<Dimm> dimm = TRY(Find(place.bus, id));
  if (dimm && dimm->security == SecurityState::kDisabled) return {};
  bool can_be_asked = dimm && !dimm->frozen && !was_frozen;
  Result<bool> taken =
      can_be_asked ? TryCurrentBlob(environment, place, *dimm) : Result<bool>(false);
  if (taken && *taken) return {};
  return Fail(
      "DIMM " + id.canonical() + " was unlocked with a blob that " + place.store.directory() +
      " does not have" +
      (taken ? ""
             : ", and could not be tested with the one there (" + taken.error().message + ")") +
      "; images may have the only copy: take it out of etc/ndctl/keys in the image of this boot "
      "before you rebuild any image");
}

}  // namespace

Result<void> TryForLastCopy(const Environment& environment) {
  std::set<std::string> hashes = TRY(HashesIn(KeyStore(environment.keys_dir)));
  for (const auto& [id, blob] : ReadUnlockedWith(environment)) {
    bool is_there = hashes.contains(blob.hash) || hashes.contains(blob.rewrapped);
    if (!is_there) TRY(CheckReplaced(environment, id, blob.frozen));
  }
  return {};
}

}  // namespace nvunlock
