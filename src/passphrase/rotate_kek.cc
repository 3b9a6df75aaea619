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

/// What the blobs of one rotation share.
struct Rotation {
  const Environment& environment;
  const RotateOptions& options;
  KeyStore store;
  Keyring keyring;
  RecordedBlobs recorded = {};
  std::set<std::string> replaced = {};  ///< HashOfBlob of blobs that are gone
  RotateReport report = {};
};

Result<void> CheckKeks(const RotateOptions& options, const KeyStore& store,
                       const Keyring& keyring) {
  if (options.from == options.to) return Fail(Errc::kUsage, "the old and the new kek are the same");
  if (options.from.type != "user" || options.to.type != "user") {
    return Fail(Errc::kUsage, "only user keks can be rotated");
  }
  if (!Exists(store.PathOf(options.to.KeyFileName()))) {
    return Fail(Errc::kBadKeyFile, options.to.ToString() +
                                       " is not enrolled; run 'nvunlock enroll --kek=" +
                                       options.to.ToString() + "' first");
  }
  TRY(RequireKek(keyring, store, options.from));
  return RequireKek(keyring, store, options.to);
}

void Say(const RotateOptions& options, const std::string& step) {
  if (options.on_step) options.on_step("step: " + step);
}

/// BLOB under the kek TO, as the kernel wraps it. DESCRIPTION is of the key that it does it with.
Result<Enc32Blob> Rewrap(const Enc32Blob& blob, const KekName& to, const Secret& kek,
                         const std::string& description) {
  Key key = TRY(LoadOrReuse(Keyring::Process(), description, blob, 0));
  TRY(key.Rewrap(to.ToString()));
  Secret text = TRY(key.Read());
  TRY(key.Invalidate());
  Enc32Blob rotated = TRY(ParseEnc32(AsText(text.bytes())));
  if (rotated.kek == to && VerifyEnc32(rotated, kek)) return rotated;
  return Fail("the kernel did not wrap it under " + to.ToString());
}

/// The DIMM still has the passphrase that it was unlocked with, whichever of the two blobs the
/// keys directory holds when this is cut short.
Result<void> AddToRecord(const Environment& environment, const std::string& from,
                         const std::string& to) {
  UnlockedWith record = ReadUnlockedWith(environment);
  for (auto& [id, blob] : record) {
    if (!blob.Is(from)) continue;
    blob.hash = from;
    blob.rewrapped = to;
    return WriteUnlockedWith(environment, record);
  }
  return {};
}

/// What was recorded of the old blob goes for the new one, whosever passphrase it is. A blob that
/// was unknown stays so: that it can be wrapped does not prove whose passphrase it holds.
Result<void> Record(Rotation& run, const Enc32Blob& from, const Enc32Blob& to, const Secret& kek) {
  std::vector<RecordLine> lines;
  for (const std::string& passphrase : run.recorded.PassphrasesOf(from)) {
    lines.push_back(TRY(MakeRecordLine(passphrase, to, kek)));
  }
  TRY(ChangeBlobRecord(
      run.store, [](const RecordLine&) { return false; }, lines));
  run.replaced.insert(HashOfBlob(from.text));
  return {};
}

/// ndctl takes the name of the kek for a new passphrase from the key that is loaded.
Result<void> RotateKeyOf(const BlobName& file, const Keyring& keyring, const KekName& to) {
  std::vector<std::string> descriptions = file.dimm_id.KeyDescriptions();
  descriptions.push_back(file.kind.KeyDescription(file.dimm_id));
  for (const std::string& description : descriptions) {
    std::optional<Key> key = TRY(keyring.Find("encrypted", description));
    if (key) TRY(key->Rewrap(to.ToString()));
  }
  return {};
}

/// False for a blob of some other kek. One that cannot be read is a problem: it may name the old.
Result<bool> Rotate(Rotation& run, const BlobName& file, const Secret& kek) {
  Enc32Blob blob = TRY(run.store.ReadBlob(file));
  const KekName& to = run.options.to;
  if (blob.kek != run.options.from) return false;
  if (run.options.dry_run) return true;
  Enc32Blob rotated = TRY(Rewrap(blob, to, kek, file.name + "/rotated"));
  TRY(AddToRecord(run.environment, HashOfBlob(blob.text), HashOfBlob(rotated.text)));
  TRY(Record(run, blob, rotated, kek));
  TRY(WriteFileDurably(run.store.PathOf(file.name), rotated.text, 0600, IfPresent::kReplace));
  Say(run.options, file.name + " rewrapped");
  Result<void> followed = RotateKeyOf(file, run.keyring, to);
  if (!followed) run.report.problems.push_back(std::move(followed.error()));
  return true;
}

void RotateAll(Rotation& run, const std::vector<BlobName>& files, const Secret& kek) {
  for (const BlobName& file : files) {
    Result<bool> done = Rotate(run, file, kek);
    if (!done) {
      run.report.problems.push_back(std::move(done.error()).Within(file.name));
    } else if (*done) {
      run.report.rewrapped.push_back(file.name);
    }
  }
}

void DropOldLines(Rotation& run) {
  auto is_replaced = [&](const RecordLine& line) {
    return line.kek == run.options.from.ToString() && run.replaced.contains(line.hash);
  };
  Result<bool> written = ChangeBlobRecord(run.store, is_replaced);
  if (!written) run.report.problems.push_back(std::move(written.error()));
  Say(run.options, "settled");
}

void RefreshImages(Rotation& run) {
  Result<std::vector<std::string>> images = run.options.refresh_images();
  if (images) return Say(run.options, "image settled");
  run.report.problems.push_back(std::move(images.error()));
}

}  // namespace

Result<RotateReport> RotateKek(const Environment& environment, const RotateOptions& options) {
  Rotation run = {environment, options, KeyStore(environment.keys_dir),
                  Keyring(environment.keyring)};
  DirectoryLock lock = TRY(LockDirectory(run.store.directory()));
  if (!options.dry_run) TRY(RemoveTemporaryFiles(run.store.directory()));
  TRY(CheckKeks(options, run.store, run.keyring));
  Secret kek = TRY(ReadKek(run.keyring, options.to));
  std::vector<std::string> notes;  // damaged lines are dropped here
  run.recorded = FindRecordedBlobs(run.store, run.keyring, notes);
  RotateAll(run, TRY(run.store.AllBlobs()), kek);
  if (options.dry_run) return std::move(run.report);
  if (!run.report.rewrapped.empty()) DropOldLines(run);
  if (options.refresh_images) RefreshImages(run);
  return std::move(run.report);
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
