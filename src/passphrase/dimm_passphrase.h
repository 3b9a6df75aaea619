// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/passphrase/left_over_blobs_test.cc.
#ifndef NVUNLOCK_PASSPHRASE_DIMM_PASSPHRASE_H_
#define NVUNLOCK_PASSPHRASE_DIMM_PASSPHRASE_H_

#include <functional>
#include <optional>
#include <string>

#include "src/base/result.h"
#include "src/keys/select_blobs.h"
#include "src/model/blob_record.h"
#include "src/model/dimm.h"
#include "src/model/environment.h"
#include "src/model/key_store.h"
#include "src/os/keyring.h"

namespace nvunlock {

/// DIMM keys that a command leaves in the keyring, for ndctl and for the next command, vanish then.
inline constexpr unsigned kOperationSeconds = 900;

/// Where the passphrases of this machine's DIMMs are.
struct PassphrasePlace {
  NdBus bus;
  KeyStore store;
  Keyring keyring;   ///< holds the keks; ndctl and the kernel look for DIMM keys there
  std::string host;  ///< whose blobs are ours
};

PassphrasePlace PlaceIn(const Environment& environment);

/// One passphrase of one DIMM: its blobs in the keys directory, its key, and what the DIMM says of
/// it. Blobs are loaded into the keyring of this process, so that no death of it leaves a key. What
/// it makes, keeps or removes, it records: in the record of blobs.
class DimmPassphrase {
 public:
  DimmPassphrase(const PassphrasePlace& place, Dimm dimm, PassphraseRole role,
                 std::optional<ChosenBlob> blobs)
      : place_(place), dimm_(std::move(dimm)), role_(role), blobs_(std::move(blobs)) {}

  [[nodiscard]] const Dimm& dimm() const { return dimm_; }

  /// The blob that is current by its name.
  [[nodiscard]] const Candidate* Current() const;
  /// Another: one that an earlier change left behind.
  [[nodiscard]] const Candidate* Spare() const;
  [[nodiscard]] bool HasBlob() const { return blobs_.has_value(); }

  /// Its key: from the current blob, or where there is none from the keyring. Fails with
  /// kKeysIncomplete.
  Result<Key> CurrentKey();

  /// Sends the DIMM the passphrase of KEY: whether it takes it as its own. A refusal uses up an
  /// attempt, here and in all that has Try in its name.
  [[nodiscard]] Result<bool> TryKey(const Key& key) const;
  /// The same, where a refusal and no answer at all are alike.
  [[nodiscard]] bool TryIfTaken(const Key& key) const { return TryKey(key).value_or(false); }

  /// Finds out which of two blobs an earlier change that was cut short has left in force, and makes
  /// it the current one. SPARE_FIRST: it unlocked the DIMM in this boot.
  Result<void> TryEachBlob(bool spare_first);

  /// The same where the blob with HashOfBlob HASH is known to be in force; false when there is
  /// none.
  Result<bool> ResolveAs(const std::string& hash);

  /// Makes a passphrase that KEK wraps, and its staged blob. Where a first master passphrase is
  /// staged already, by a run that could not see what became of it, it takes that one.
  Result<void> StageNew(const KekName& kek);
  /// The same with a passphrase that is given.
  Result<void> Stage(const Enc32Blob& blob);
  [[nodiscard]] const Key& StagedKey() const { return *staged_key_; }
  /// Its HashOfBlob; empty where none is staged.
  [[nodiscard]] std::string StagedHash() const {
    return staged_ ? HashOfBlob(staged_->blob.text) : "";
  }
  /// Puts the staged key where the kernel looks for it when it unlocks the DIMM.
  Result<void> PublishStaged();
  /// The DIMM does not have it.
  Result<void> DropStaged();

  /// The DIMM has it: the staged blob becomes the current one, and is the key in the keyring.
  Result<void> MakeStagedCurrent();
  /// The DIMM has none: no blob and no key stays.
  Result<void> Forget();

 private:
  Result<Key> Load(const Candidate& candidate) const;
  Result<void> MakeCurrent(const Candidate& candidate);
  Result<void> RemoveLeftOvers() const;
  void PublishCurrent() const;
  Result<void> LoadStaged(const BlobName& file);
  Result<void> RemoveKeys() const;
  Result<void> PublishKeys(const Enc32Blob& blob) const;
  [[nodiscard]] bool IsOurs(const RecordLine& line) const;
  [[nodiscard]] Result<void> Record(const Enc32Blob& blob,
                                    const std::function<bool(const RecordLine&)>& instead_of) const;
  [[nodiscard]] BlobKind Kind(BlobStage stage) const { return {role_, stage}; }
  [[nodiscard]] BlobName File(BlobStage stage) const {
    return MakeBlobName(Kind(stage), dimm_.id, place_.host);
  }

  PassphrasePlace place_;
  Dimm dimm_;
  PassphraseRole role_;
  std::optional<ChosenBlob> blobs_;
  std::optional<Candidate> staged_;
  std::optional<Key> staged_key_;
  bool staged_is_published_ = false;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_DIMM_PASSPHRASE_H_
