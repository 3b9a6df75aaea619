#include "src/procedures/enrolled_record.h"

#include "src/model/dimm_id.h"
#include "src/os/file.h"
#include "src/procedures/operation_kek.h"

namespace nvunlock {
namespace {

constexpr size_t kLimit = 64 << 10;

Result<EnrolledRecord> Read(const std::string& path) {
  EnrolledRecord record;
  record.text = TRY(ReadFile(path, kLimit));
  record.dimms = TRY(ParseEnrolledDimms(record.text));
  return record;
}

}  // namespace

std::optional<EnrolledRecord> ReadEnrolledRecord(const KeyStore& store,
                                                 std::vector<std::string>& notes) {
  std::string path = store.PathOf(kEnrolledDimmsFile);
  if (!Exists(path)) return std::nullopt;
  Result<EnrolledRecord> record = Read(path);
  if (record) return std::move(*record);
  notes.push_back(path + " is not used: " + record.error().message);
  return std::nullopt;
}

Result<EnrolledDimms> FindEnrolledDimms(const KeyStore& store) {
  EnrolledDimms dimms;
  for (const BlobFile& file : TRY(store.Blobs())) {
    Result<std::string> text = store.ReadBlobText(file);
    if (text) dimms.blob_hashes[CanonicalDimmId(file.dimm_id)] = HashOfBlob(*text);
  }
  return dimms;
}

Result<void> WriteEnrolledRecord(const KeyStore& store, const KekName& name, const Secret& kek,
                                 const std::set<std::string>& without) {
  EnrolledDimms dimms = TRY(FindEnrolledDimms(store));
  for (const std::string& id : without) dimms.blob_hashes.erase(id);
  std::string text = TRY(FormatEnrolledDimms(dimms, name, kek));
  return WriteFileDurably(store.PathOf(kEnrolledDimmsFile), text, 0600, IfPresent::kReplace);
}

Result<void> UpdateEnrolledRecord(const KeyStore& store, const Keyring& keyring,
                                  const KekName& name, const std::set<std::string>& without) {
  if (!Exists(store.PathOf(kEnrolledDimmsFile))) return {};
  Secret kek = TRY(ReadKek(keyring, name));
  return WriteEnrolledRecord(store, name, kek, without);
}

}  // namespace nvunlock
