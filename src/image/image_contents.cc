// SPDX-License-Identifier: Apache-2.0
#include "src/image/image_contents.h"

#include <string_view>

#include "src/model/blob_record.h"
#include "src/model/key_store.h"
#include "src/os/file.h"
#include "src/unlock/guard.h"

namespace nvunlock {
namespace {

constexpr size_t kFileLimit = 1 << 20;
constexpr mode_t kDirectory = 0755;
constexpr mode_t kPrivateDirectory = 0700;
constexpr mode_t kPrivateFile = 0600;

/// The initramfs has no host name of its own, by which unlock prefers blobs.
ImageFile FactsFile(const Environment& environment, bool enrolled) {
  return {kImageFactsFile, std::string("enrolled=") + (enrolled ? "yes" : "no") +
                               "\nhost=" + environment.host + "\n"};
}

ImageFile KeysFile(const std::string& name, std::string content) {
  return {std::string(kImageKeysDir) + "/" + name, std::move(content)};
}

/// What goes into an image as it is: users' blobs and the record of blobs.
Result<std::vector<std::string>> NamesToCopy(const KeyStore& store) {
  std::vector<std::string> names;
  for (const BlobName& blob : TRY(store.AllBlobs())) {
    if (blob.kind.role == PassphraseRole::kUser) names.push_back(blob.name);
  }
  if (Exists(store.PathOf(kEnrolledDimmsFile))) names.emplace_back(kEnrolledDimmsFile);
  return names;
}

/// TREE is the root of the image.
Result<void> Write(const std::string& tree, const ImageFile& file) {
  std::string path = tree + "/" + file.path;
  std::string place = DirectoryOf(path);
  TRY(MakeDirectories(DirectoryOf(place), kDirectory));
  TRY(MakeDirectories(place, kPrivateDirectory));
  return WriteFileDurably(path, file.content, kPrivateFile, IfPresent::kReplace);
}

Result<void> WriteGuard(const std::string& tree, bool enrolled) {
  std::string directory = tree + "/etc/modprobe.d";
  TRY(MakeDirectories(directory, kDirectory));
  std::string text = enrolled ? GuardText() : "# nvunlock: nothing is enrolled\n";
  TRY(WriteFileDurably(directory + kGuardFile, text, 0644, IfPresent::kReplace));
  if (!enrolled) return {};
  return WriteFileDurably(directory + kImageGuardFile, ImageGuardText(), 0644, IfPresent::kReplace);
}

Result<void> WriteConfig(const std::string& tree, const std::string& config_dir) {
  std::string config = config_dir + "/nvunlock.conf";
  if (!Exists(config)) return {};
  Bytes text = TRY(ReadKernelFile(config, kFileLimit));  // it may be empty
  return Write(tree, {"etc/nvunlock/nvunlock.conf", std::string(AsText(text))});
}

/// A blob that is not the wrapped text of an encrypted key is ndctl's kek in clear. Firmware has
/// files of that suffix, too.
Result<void> RefuseClearKek(const std::string& path) {
  if (!path.ends_with(kBlobSuffix) || path.find("/firmware/") != std::string::npos) return {};
  Result<std::string> text = ReadFile(path, kFileLimit);
  if (text && text->starts_with("enc32 ")) return {};
  return Fail(path +
              " is a kek in clear, which must not go into an image: move it to a safe place " +
              "away from this machine");
}

Result<void> RefuseClearKeks(const std::string& place) {
  for (const std::string& file : TRY(FilesBelow(place))) TRY(RefuseClearKek(file));
  return {};
}

}  // namespace

Result<std::vector<ImageFile>> KeysForImage(const Environment& environment,
                                            bool with_passphrase_slots) {
  KeyStore store(environment.keys_dir);
  std::vector<KekName> keks = TRY(store.EnrolledKeks());
  std::vector<ImageFile> files = {FactsFile(environment, !keks.empty())};
  if (keks.empty()) return files;
  for (const KekName& kek : keks) {
    KeyFile file = ForImage(TRY(store.ReadKeyFile(kek)), with_passphrase_slots);
    files.push_back(KeysFile(kek.KeyFileName(), TRY(FormatKeyFile(file))));
  }
  for (const std::string& name : TRY(NamesToCopy(store))) {
    files.push_back(KeysFile(name, TRY(ReadFile(store.PathOf(name), kFileLimit))));
  }
  return files;
}

Result<void> WriteImageFiles(const Environment& environment, const ImageFilesOptions& options) {
  std::vector<KekName> keks = TRY(KeyStore(environment.keys_dir).EnrolledKeks());
  TRY(WriteGuard(options.tree, !keks.empty()));
  if (!options.guard_only) {
    for (const ImageFile& file : TRY(KeysForImage(environment, options.with_passphrase_slots))) {
      TRY(Write(options.tree, file));
    }
    TRY(WriteConfig(options.tree, environment.config_dir));
  }
  if (keks.empty()) return {};  // a kek in clear is how ndctl's users do it
  TRY(RefuseClearKeks(options.tree));
  for (const std::string& place : options.more) TRY(RefuseClearKeks(place));
  return {};
}

}  // namespace nvunlock
