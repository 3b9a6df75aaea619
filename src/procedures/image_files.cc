#include "src/procedures/image_files.h"

#include <string_view>

#include "src/model/enrolled_dimms.h"
#include "src/model/key_store.h"
#include "src/os/file.h"
#include "src/procedures/guard.h"

namespace nvunlock {
namespace {

constexpr size_t kFileLimit = 64 << 10;
constexpr mode_t kDirectory = 0755;
constexpr mode_t kPrivateDirectory = 0700;
constexpr mode_t kPrivateFile = 0600;

/// One run of WriteImageFiles.
class ImageWriter {
 public:
  ImageWriter(const Environment& environment, const ImageFilesOptions& options)
      : environment_(environment), options_(options), store_(environment.keys_dir) {}

  Result<void> Run() {
    std::vector<KekName> keks = TRY(store_.EnrolledKeks());
    TRY(WriteGuard(!keks.empty()));
    if (!options_.guard_only) {
      TRY(Describe(!keks.empty()));
      if (!keks.empty()) TRY(WriteKeys(keks));
    }
    return keks.empty() ? Result<void>() : RefuseClearKeksEverywhere();
  }

 private:
  Result<void> Write(const std::string& directory, const std::string& name,
                     std::string_view content) const {
    std::string place = options_.tree + directory;
    TRY(MakeDirectories(place.substr(0, place.rfind('/')), kDirectory));
    TRY(MakeDirectories(place, kPrivateDirectory));
    return WriteFileDurably(place + "/" + name, content, kPrivateFile, IfPresent::kReplace);
  }

  /// Where nothing is enrolled, a kek in clear is how ndctl's users do it.
  [[nodiscard]] Result<void> RefuseClearKeksEverywhere() const {
    TRY(RefuseClearKeks(options_.tree));
    for (const std::string& place : options_.more) TRY(RefuseClearKeks(place));
    return {};
  }

  Result<void> CopyIfPresent(const std::string& from, const std::string& directory,
                             const std::string& name) const {
    if (!Exists(from + "/" + name)) return {};
    return Write(directory, name, TRY(ReadFile(from + "/" + name, kFileLimit)));
  }

  [[nodiscard]] Result<void> WriteGuard(bool enrolled) const {
    std::string directory = options_.tree + "/etc/modprobe.d";
    TRY(MakeDirectories(directory, kDirectory));
    std::string text = enrolled ? GuardText() : "# nvunlock: nothing is enrolled\n";
    TRY(WriteFileDurably(directory + kGuardFile, text, 0644, IfPresent::kReplace));
    if (!enrolled) return {};
    return WriteFileDurably(directory + kImageGuardFile, ImageGuardText(), 0644,
                            IfPresent::kReplace);
  }

  /// The initramfs has no host name of its own, by which unlock prefers blobs.
  [[nodiscard]] Result<void> Describe(bool enrolled) const {
    TRY(Write(
        "/etc/nvunlock", "image",
        std::string("enrolled=") + (enrolled ? "yes" : "no") + "\nhost=" + options_.host + "\n"));
    std::string config = environment_.config_dir + "/nvunlock.conf";
    if (!Exists(config)) return {};
    Bytes text = TRY(ReadKernelFile(config, kFileLimit));  // it may be empty
    return Write("/etc/nvunlock", "nvunlock.conf",
                 {reinterpret_cast<const char*>(text.data()), text.size()});
  }

  [[nodiscard]] Result<void> WriteKeys(const std::vector<KekName>& keks) const {
    for (const KekName& kek : keks) {
      KeyFile file = TRY(store_.ReadKeyFile(kek));
      std::string text =
          TRY(FormatKeyFile(ForImage(std::move(file), options_.with_passphrase_slots)));
      TRY(Write("/etc/ndctl/keys", kek.KeyFileName(), text));
    }
    for (const BlobFile& blob : TRY(store_.Blobs())) {
      TRY(CopyIfPresent(store_.directory(), "/etc/ndctl/keys", blob.name));
    }
    return CopyIfPresent(store_.directory(), "/etc/ndctl/keys", kEnrolledDimmsFile);
  }

  /// A blob that is not the wrapped text of an encrypted key is ndctl's kek in clear. Firmware has
  /// files of that suffix, too.
  static Result<void> RefuseClearKek(const std::string& path) {
    if (!path.ends_with(".blob") || path.find("/firmware/") != std::string::npos) return {};
    Result<std::string> text = ReadFile(path, kFileLimit);
    if (text && text->starts_with("enc32 ")) return {};
    return Fail(path +
                " is a kek in clear and must not go into an image: move it to a safe place " +
                "away from this machine");
  }

  static Result<void> RefuseClearKeks(const std::string& place) {
    for (const std::string& file : TRY(FilesBelow(place))) TRY(RefuseClearKek(file));
    return {};
  }

  const Environment& environment_;
  const ImageFilesOptions& options_;
  KeyStore store_;
};

}  // namespace

Result<void> WriteImageFiles(const Environment& environment, const ImageFilesOptions& options) {
  return ImageWriter(environment, options).Run();
}

}  // namespace nvunlock
