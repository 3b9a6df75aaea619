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

/// One run of TryForLastCopy.
class LastCopyCheck {
 public:
  explicit LastCopyCheck(const Environment& environment)
      : environment_(environment),
        store_(environment.keys_dir),
        bus_(environment.sysfs_root),
        place_{bus_, store_, Keyring(environment.keyring), environment.host} {}

  Result<void> Run() {
    std::set<std::string> hashes = TRY(HashesInStore());
    for (const auto& [id, blob] : ReadUnlockedWith(environment_)) {
      bool is_there = hashes.contains(blob.hash) || hashes.contains(blob.rewrapped);
      if (!is_there) TRY(CheckReplaced(id, blob));
    }
    return {};
  }

 private:
  Result<std::set<std::string>> HashesInStore() {
    std::set<std::string> hashes;
    for (const BlobName& file : TRY(store_.AllBlobs())) {
      Result<Enc32Blob> blob = store_.ReadBlob(file);
      if (blob) hashes.insert(HashOfBlob(blob->text));
    }
    return hashes;
  }

  [[nodiscard]] Result<std::optional<Dimm>> Find(const DimmId& id) const {
    for (const std::string& nmem : bus_.Nmems()) {
      Dimm dimm = TRY(InspectDimm(bus_, nmem));
      if (dimm.id == id) return std::optional<Dimm>(std::move(dimm));
    }
    return std::optional<Dimm>();
  }

  Result<void> CheckReplaced(const DimmId& id, const UnlockedBlob& blob) {
    std::optional<Dimm> dimm = TRY(Find(id));
    if (dimm && dimm->security == SecurityState::kDisabled) return {};
    bool can_be_asked = dimm && !dimm->frozen && !blob.frozen;
    Result<bool> taken = can_be_asked ? TryCurrentBlob(*dimm) : Result<bool>(false);
    if (taken && *taken) return {};
    return Fail(
        "DIMM " + id.canonical() + " was unlocked with a blob that " + store_.directory() +
        " does not hold" +
        (taken ? ""
               : ", and could not be asked for the one there (" + taken.error().message + ")") +
        "; images may hold the only one: rebuild none before it is taken out of "
        "etc/ndctl/keys in the image of this boot");
  }

  Result<bool> TryCurrentBlob(const Dimm& dimm) {
    std::vector<std::string> notes;  // it is a question only
    RecordedBlobs recorded = FindRecordedBlobs(store_, place_.keyring, notes);
    BlobChoice choice = TRY(ChooseBlobs(store_, place_.host, recorded));
    const DimmId& id = dimm.id;
    auto chosen = choice.chosen.find(id);
    if (chosen == choice.chosen.end()) return false;
    DimmPassphrase passphrase(place_, dimm, PassphraseRole::kUser, chosen->second);
    if (passphrase.Current() == nullptr) return false;
    Key key = TRY(passphrase.CurrentKey());
    if (!TRY(passphrase.TryKey(key))) return false;
    TRY(RecordChange(environment_, id, HashOfBlob(passphrase.Current()->blob.text)));
    return true;
  }

  const Environment& environment_;
  KeyStore store_;
  NdBus bus_;
  PassphrasePlace place_;
};

}  // namespace

Result<void> TryForLastCopy(const Environment& environment) {
  return LastCopyCheck(environment).Run();
}

}  // namespace nvunlock
