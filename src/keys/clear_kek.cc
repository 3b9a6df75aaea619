// SPDX-License-Identifier: Apache-2.0
#include "src/keys/clear_kek.h"

#include <algorithm>
#include <cctype>

#include "src/base/text.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

/// As ndctl reads it.
constexpr size_t kClearKekLimit = 4096;
/// ndctl takes nvdimm-master for trusted where this file is.
constexpr char kTpmHandleFile[] = "tpm.handle";

Failure Refuse(const std::string& what) {
  return Fail(what +
              ": trusted keks are not supported yet; leave the keys directory as it is and stay "
              "with ndctl");
}

/// The kernel prints a trusted key in hex: two areas of the TPM, far longer than a user kek is.
bool IsTextOfTrustedKey(const Secret& content) {
  constexpr size_t kShortest = 256;
  std::string_view text = Trim(AsText(content.bytes()));
  return text.size() >= kShortest && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isxdigit(c) != 0;
         });
}

Result<void> CheckBlobs(const KeyStore& store, const KekName& name) {
  for (const BlobName& file : TRY(store.AllBlobs())) {
    Result<Enc32Blob> blob = store.ReadBlob(file);
    if (!blob || blob->kek != KekName{"trusted", name.description}) continue;
    return Refuse(store.PathOf(file.name) + " is wrapped by " + blob->kek.ToString());
  }
  return {};
}

}  // namespace

KekName NdctlKek() {
  return {"user", "nvdimm-master"};
}

std::string OptionForKek(const KekName& name) {
  return name == NdctlKek() ? "" : " --kek=" + name.ToString();
}

bool IsOnlyInClear(const KeyStore& store, const KekName& name) {
  return !Exists(store.PathOf(name.KeyFileName())) && Exists(store.PathOf(name.ClearFileName()));
}

Result<void> CheckNoTrustedKek(const KeyStore& store, const KekName& name) {
  std::string handle = store.PathOf(kTpmHandleFile);
  if (name.description == NdctlKek().description && Exists(handle)) {
    return Refuse(handle + " says that " + name.description + " is a trusted kek");
  }
  TRY(CheckBlobs(store, name));
  std::string clear = store.PathOf(name.ClearFileName());
  if (!Exists(clear)) return {};
  Result<Secret> content = ReadClearKek(store, name);
  if (!content || !IsTextOfTrustedKey(*content)) return {};
  return Refuse(clear + " holds a trusted kek, which the TPM has sealed for the kernel");
}

Result<Secret> ReadClearKek(const KeyStore& store, const KekName& name) {
  return ReadSecretFile(store.PathOf(name.ClearFileName()), kClearKekLimit);
}

}  // namespace nvunlock
