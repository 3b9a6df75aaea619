// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/dimm_passphrase.h"

#include <algorithm>

#include "src/keys/kek_in_keyring.h"
#include "src/keys/load_blob.h"
#include "src/keys/recorded_blobs.h"
#include "src/model/blob_record.h"
#include "src/model/dimm_id.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

/// As ndctl and the kernel look for it: the user key under each spelling of the id.
std::vector<std::string> PublishedDescriptions(PassphraseRole role, const DimmId& id) {
  if (role == PassphraseRole::kUser) return id.KeyDescriptions();
  return {BlobKind{role, BlobStage::kCurrent}.KeyDescription(id)};
}

/// The blob text of a new key, as ndctl stores it.
Result<Enc32Blob> BlobOf(const Key& key) {
  Secret text = TRY(key.Read());
  return TRY(ParseEnc32(AsText(text.bytes())));
}

}  // namespace

PassphrasePlace PlaceIn(const Environment& environment) {
  return {NdBus(environment.sysfs_root), KeyStore(environment.keys_dir),
          Keyring(environment.keyring), environment.host};
}

const Candidate* DimmPassphrase::Current() const {
  if (!blobs_) return nullptr;
  if (blobs_->file.kind.stage == BlobStage::kCurrent) return &*blobs_;
  bool is_spare = blobs_->spare && blobs_->spare->file.kind.stage == BlobStage::kCurrent;
  return is_spare ? &*blobs_->spare : nullptr;
}

const Candidate* DimmPassphrase::Spare() const {
  if (!blobs_) return nullptr;
  if (Current() != &*blobs_) return &*blobs_;
  return blobs_->spare ? &*blobs_->spare : nullptr;
}

/// Under a name that says which blob it is: one run may load several of one DIMM.
Result<Key> DimmPassphrase::Load(const Candidate& candidate) const {
  std::string description =
      candidate.file.kind.KeyDescription(dimm_.id) + "/" + HashOfBlob(candidate.blob.text);
  Result<Key> key = LoadOrReuse(Keyring::Process(), description, candidate.blob, 0);
  const KekName& kek = candidate.blob.kek;
  if (!key && !TRY(place_.keyring.Find(kek.type.c_str(), kek.description))) {
    return Fail(Errc::kKekMissing, "its kek " + kek.ToString() + " is not in the keyring");
  }
  return key;
}

Result<Key> DimmPassphrase::CurrentKey() {
  if (Current() != nullptr) return TRY_IN(Current()->file.name, Load(*Current()));
  std::string description = Kind(BlobStage::kCurrent).KeyDescription(dimm_.id);
  std::optional<Key> key = TRY(place_.keyring.Find("encrypted", description));
  if (key) return *key;
  return Fail(Errc::kKeysIncomplete, "there is no " + File(BlobStage::kCurrent).name + " in " +
                                         place_.store.directory() + " and no " + description +
                                         " in the keyring");
}

Result<bool> DimmPassphrase::TryKey(const Key& key) const {
  std::string serial = std::to_string(key.serial());
  std::string verb = role_ == PassphraseRole::kMaster ? "master_update " : "update ";
  Result<void> taken = place_.bus.Secure(dimm_.nmem, verb.append(serial) + " " + serial);
  if (taken) return true;
  if (taken.error().code == Errc::kPassphraseRefused) return false;
  return Failure(std::move(taken.error()));
}

/// CXL DIMMs refuse by an error that says nothing, so only an acceptance ends the search.
Result<void> DimmPassphrase::TryEachBlob(bool spare_first) {
  std::vector<const Candidate*> order = {Current(), Spare()};
  if (spare_first) std::reverse(order.begin(), order.end());
  Result<void> failure = Fail(Errc::kPassphraseRefused,
                              "it refused the passphrases of all its blobs; none is removed");
  for (const Candidate* candidate : order) {
    if (candidate == nullptr) continue;
    Key key = TRY_IN(candidate->file.name, Load(*candidate));
    Result<bool> takes = TryKey(key);
    if (takes && *takes) {
      TRY(MakeCurrent(Candidate(*candidate)));
      PublishCurrent();
      return {};
    }
    if (!takes) failure = Failure(std::move(takes.error()));
  }
  return failure;
}

Result<bool> DimmPassphrase::ResolveAs(const std::string& hash) {
  for (const Candidate* candidate : {Current(), Spare()}) {
    if (candidate == nullptr || HashOfBlob(candidate->blob.text) != hash) continue;
    TRY(MakeCurrent(Candidate(*candidate)));
    return true;
  }
  return false;
}

/// The old blob first gets the name that the new one shall have: two current blobs would leave a
/// power cut to chance.
Result<void> DimmPassphrase::MakeCurrent(const Candidate& candidate) {
  Candidate current = {File(BlobStage::kCurrent), candidate.blob};
  std::string path = place_.store.PathOf(current.file.name);
  bool has_name = candidate.file.name == current.file.name;
  if (!has_name && Current() != nullptr && Current()->file.name != current.file.name) {
    TRY(RenameDurably(place_.store.PathOf(Current()->file.name), path));
  }
  bool is_current = Current() != nullptr && candidate.file.name == Current()->file.name;
  if (!has_name && !is_current) {
    TRY(RenameDurably(place_.store.PathOf(candidate.file.name), path));
  }
  TRY(RemoveLeftOvers());
  // Without its kek the older lines stay, and do no harm.
  (void)Record(candidate.blob, [this](const RecordLine& line) { return IsOurs(line); });
  blobs_ = {std::move(current), std::nullopt};
  return {};
}

Result<void> DimmPassphrase::RemoveLeftOvers() const {
  for (const BlobName& file : TRY(place_.store.AllBlobs())) {
    bool is_ours = file.kind.role == role_ && file.dimm_id == dimm_.id;
    if (is_ours && file.kind.stage != BlobStage::kCurrent) {
      TRY(RemoveDurably(place_.store.PathOf(file.name)));
    }
  }
  return {};
}

Result<void> DimmPassphrase::RemoveKeys() const {
  std::vector<std::string> descriptions = PublishedDescriptions(role_, dimm_.id);
  return place_.keyring.UnlinkMatching([&](const std::string& type, const std::string& name) {
    return type == "encrypted" &&
           std::find(descriptions.begin(), descriptions.end(), name) != descriptions.end();
  });
}

Result<void> DimmPassphrase::PublishKeys(const Enc32Blob& blob) const {
  for (const std::string& description : PublishedDescriptions(role_, dimm_.id)) {
    TRY(LoadOrReuse(place_.keyring, description, blob, kOperationSeconds));
  }
  return {};
}

/// The blob is what counts: who needs the key loads it from there.
void DimmPassphrase::PublishCurrent() const {
  (void)RemoveKeys();
  (void)PublishKeys(blobs_->blob);
}

Result<void> DimmPassphrase::StageNew(const KekName& kek) {
  BlobName file = File(BlobStage::kStaged);
  bool is_first = role_ == PassphraseRole::kMaster && Current() == nullptr;
  if (is_first && Exists(place_.store.PathOf(file.name))) return LoadStaged(file);
  std::string description = Kind(BlobStage::kStaged).KeyDescription(dimm_.id) + "/made";
  Key key = TRY(Keyring::Process().NewEncrypted(description, kek.ToString()));
  Enc32Blob blob = TRY_IN("the new key", BlobOf(key));
  TRY(key.Invalidate());
  return Stage(blob);
}

/// The key that the DIMM will get is made from what the disk holds, so that it is known to open.
Result<void> DimmPassphrase::Stage(const Enc32Blob& blob) {
  BlobName file = File(BlobStage::kStaged);
  std::string path = place_.store.PathOf(file.name);
  TRY(WriteFileDurably(path, blob.text, 0600, IfPresent::kReplace));
  Result<void> loaded = Record(blob, [](const RecordLine&) { return false; });
  if (loaded) loaded = LoadStaged(file);
  if (!loaded) TRY(RemoveDurably(path));
  return loaded;
}

bool DimmPassphrase::IsOurs(const RecordLine& line) const {
  return line.passphrase == PassphraseName(role_, dimm_.id);
}

/// A kek that lies in clear beside the record vouches for nothing.
Result<void> DimmPassphrase::Record(
    const Enc32Blob& blob, const std::function<bool(const RecordLine&)>& instead_of) const {
  if (!Exists(place_.store.PathOf(blob.kek.KeyFileName()))) return {};
  Secret kek = TRY(ReadKek(place_.keyring, blob.kek));
  RecordLine line = TRY(MakeRecordLine(PassphraseName(role_, dimm_.id), blob, kek));
  TRY(ChangeBlobRecord(place_.store, instead_of, {line}));
  return {};
}

Result<void> DimmPassphrase::LoadStaged(const BlobName& file) {
  Candidate staged = {file, {}};
  staged.blob = TRY(place_.store.ReadBlob(file));
  staged_key_ = TRY_IN(file.name, Load(staged));
  staged_ = std::move(staged);
  return {};
}

Result<void> DimmPassphrase::PublishStaged() {
  TRY(RemoveKeys());
  staged_is_published_ = true;
  return PublishKeys(staged_->blob);
}

Result<void> DimmPassphrase::DropStaged() {
  if (!staged_) return {};
  if (staged_is_published_) TRY(RemoveKeys());
  if (staged_key_) TRY(staged_key_->Invalidate());
  std::string path = place_.store.PathOf(staged_->file.name);
  std::string hash = StagedHash();
  staged_.reset();
  staged_key_.reset();
  TRY(RemoveDurably(path));
  TRY(ChangeBlobRecord(place_.store,
                       [&](const RecordLine& line) { return IsOurs(line) && line.hash == hash; }));
  return {};
}

Result<void> DimmPassphrase::MakeStagedCurrent() {
  TRY(MakeCurrent(*staged_));
  PublishCurrent();
  return {};
}

/// The record goes first: one without a blob would look like a lost blob.
Result<void> DimmPassphrase::Forget() {
  TRY(ChangeBlobRecord(place_.store, [this](const RecordLine& line) { return IsOurs(line); }));
  for (const BlobName& file : TRY(place_.store.AllBlobs())) {
    bool is_ours = file.kind.role == role_ && file.dimm_id == dimm_.id;
    if (is_ours) TRY(RemoveDurably(place_.store.PathOf(file.name)));
  }
  blobs_.reset();
  return RemoveKeys();
}

}  // namespace nvunlock
