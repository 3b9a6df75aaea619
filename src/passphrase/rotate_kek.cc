// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/rotate_kek.h"

#include <set>

#include "src/keys/kek_in_keyring.h"
#include "src/keys/load_blob.h"
#include "src/keys/recorded_blobs.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"
#include "src/os/keyring.h"
#include "src/records/unlock_record.h"

namespace nvunlock {
namespace {

/// One run of RotateKek.
class Rotator {
 public:
  Rotator(const Environment& environment, const RotateOptions& options)
      : environment_(environment),
        options_(options),
        store_(environment.keys_dir),
        keyring_(environment.keyring) {}

  Result<RotateReport> Run() {
    DirectoryLock lock = TRY(LockDirectory(store_.directory()));
    if (!options_.dry_run) TRY(RemoveTemporaryFiles(store_.directory()));
    TRY(CheckKeks());
    Secret kek = TRY(ReadKek(keyring_, options_.to));
    std::vector<std::string> notes;  // damaged lines are dropped here
    recorded_ = FindRecordedBlobs(store_, keyring_, notes);
    for (const BlobName& file : TRY(store_.AllBlobs())) RotateBlob(file, kek);
    if (options_.dry_run) return std::move(report_);
    if (!report_.rewrapped.empty()) Settle();
    if (options_.refresh_images) RefreshImages();
    return std::move(report_);
  }

 private:
  [[nodiscard]] Result<void> CheckKeks() const {
    if (options_.from == options_.to) return Fail(Errc::kUsage, "that is the same kek");
    if (options_.from.type != "user" || options_.to.type != "user") {
      return Fail(Errc::kUsage, "only keks of type user can be rotated");
    }
    if (!Exists(store_.PathOf(options_.to.KeyFileName()))) {
      return Fail(Errc::kBadKeyFile, options_.to.ToString() +
                                         " is not enrolled; run 'nvunlock enroll --kek=" +
                                         options_.to.ToString() + "' first");
    }
    TRY(RequireKek(keyring_, store_, options_.from));
    return RequireKek(keyring_, store_, options_.to);
  }

  void Say(const std::string& step) const {
    if (options_.on_step) options_.on_step("step: " + step);
  }

  /// A blob that cannot be read is a problem: it may name the old kek.
  void RotateBlob(const BlobName& file, const Secret& kek) {
    Result<Enc32Blob> blob = store_.ReadBlob(file);
    Result<bool> done = blob ? Rotate(file, *blob, kek) : Failure(std::move(blob.error()));
    if (!done) {
      report_.problems.push_back(std::move(done.error()).Within(file.name));
    } else if (*done) {
      report_.rewrapped.push_back(file.name);
    }
  }

  /// False for a blob of some other kek.
  Result<bool> Rotate(const BlobName& file, const Enc32Blob& blob, const Secret& kek) {
    if (blob.kek != options_.from) return false;
    if (options_.dry_run) return true;
    std::string description = file.name + "/rotated";
    Key key = TRY(LoadOrReuse(Keyring::Process(), description, blob, 0));
    TRY(key.Rewrap(options_.to.ToString()));
    Secret text = TRY(key.Read());
    TRY(key.Invalidate());
    Enc32Blob rotated = TRY(ParseEnc32(AsText(text.bytes())));
    if (rotated.kek != options_.to || !VerifyEnc32(rotated, kek)) {
      return Fail("the kernel has not wrapped it under " + options_.to.ToString());
    }
    TRY(AddToRecord(HashOfBlob(blob.text), HashOfBlob(rotated.text)));
    TRY(Record(blob, rotated, kek));
    TRY(WriteFileDurably(store_.PathOf(file.name), rotated.text, 0600, IfPresent::kReplace));
    Say(file.name + " rewrapped");
    Result<void> followed = RotateKeyOf(file);
    if (!followed) report_.problems.push_back(std::move(followed.error()));
    return true;
  }

  /// The DIMM still has the passphrase that it was unlocked with, whichever of the two blobs the
  /// keys directory holds when this is cut short.
  [[nodiscard]] Result<void> AddToRecord(const std::string& from, const std::string& to) const {
    UnlockedWith record = ReadUnlockedWith(environment_);
    for (auto& [id, blob] : record) {
      if (!blob.Is(from)) continue;
      blob.hash = from;
      blob.rewrapped = to;
      return WriteUnlockedWith(environment_, record);
    }
    return {};
  }

  /// What was recorded of the old blob goes for the new one, whosever passphrase it is. A blob that
  /// was unknown stays so: that it can be wrapped does not prove whose passphrase it holds.
  Result<void> Record(const Enc32Blob& from, const Enc32Blob& to, const Secret& kek) {
    std::vector<RecordLine> lines;
    for (const std::string& passphrase : recorded_.PassphrasesOf(from)) {
      lines.push_back(TRY(MakeRecordLine(passphrase, to, kek)));
    }
    TRY(ChangeBlobRecord(
        store_, [](const RecordLine&) { return false; }, lines));
    replaced_.insert(HashOfBlob(from.text));
    return {};
  }

  /// ndctl takes the name of the kek for a new passphrase from the key that is loaded.
  [[nodiscard]] Result<void> RotateKeyOf(const BlobName& file) const {
    std::vector<std::string> descriptions = file.dimm_id.KeyDescriptions();
    descriptions.push_back(file.kind.KeyDescription(file.dimm_id));
    for (const std::string& description : descriptions) {
      std::optional<Key> key = TRY(keyring_.Find("encrypted", description));
      if (key) TRY(key->Rewrap(options_.to.ToString()));
    }
    return {};
  }

  void Settle() {
    auto is_replaced = [this](const RecordLine& line) {
      return line.kek == options_.from.ToString() && replaced_.contains(line.hash);
    };
    Result<bool> written = ChangeBlobRecord(store_, is_replaced);
    if (!written) report_.problems.push_back(std::move(written.error()));
    Say("settled");
  }

  void RefreshImages() {
    Result<std::vector<std::string>> images = options_.refresh_images();
    if (images) return Say("image settled");
    report_.problems.push_back(std::move(images.error()));
  }

  const Environment& environment_;
  const RotateOptions& options_;
  KeyStore store_;
  Keyring keyring_;
  RecordedBlobs recorded_;
  std::set<std::string> replaced_;  ///< HashOfBlob of blobs that are gone
  RotateReport report_;
};

}  // namespace

Result<RotateReport> RotateKek(const Environment& environment, const RotateOptions& options) {
  return Rotator(environment, options).Run();
}

Result<void> RetireKek(const Environment& environment, const KekName& kek) {
  KeyStore store(environment.keys_dir);
  DirectoryLock lock = TRY(LockDirectory(store.directory()));
  for (const BlobName& file : TRY(store.AllBlobs())) {
    Enc32Blob blob = TRY(store.ReadBlob(file));
    if (blob.kek == kek) return Fail(file.name + " still needs " + kek.ToString());
  }
  std::string path = store.PathOf(kek.KeyFileName());
  if (!Exists(path)) return {};
  return RenameDurably(path, path + ".retired");
}

}  // namespace nvunlock
