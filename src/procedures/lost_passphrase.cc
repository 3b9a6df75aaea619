#include "src/procedures/lost_passphrase.h"

#include <set>

#include "src/model/dimm_id.h"
#include "src/procedures/enrolled_record.h"
#include "src/procedures/operation_kek.h"

namespace nvunlock {
namespace {

/// The record goes before the blob: one without a blob would look like a lost one.
void LeaveRecord(const PassphrasePlace& place, const std::string& id, const KekName& kek) {
  std::vector<std::string> notes;
  if (!ReadEnrolledRecord(place.store, notes)) return;
  Result<Secret> secret = ReadKek(place.keyring, kek);
  // Without the kek the record stays; the DIMM is no longer asked for its passphrase.
  if (secret) (void)WriteEnrolledRecord(place.store, kek, *secret, {CanonicalDimmId(id)});
}

}  // namespace

Result<bool> ForgetLostPassphrase(const PassphrasePlace& place, const std::string& nmem) {
  Dimm dimm = TRY(InspectDimm(place.bus, nmem));
  if (dimm.security != SecurityState::kDisabled) return false;
  BlobChoice choice = TRY(ChooseBlobs(place.store, place.host, std::nullopt));
  auto chosen = choice.chosen.find(CanonicalDimmId(dimm.id));
  bool has_blob = chosen != choice.chosen.end();
  if (has_blob) LeaveRecord(place, dimm.id, chosen->second.blob.kek);
  TRY(DimmPassphrase(place, dimm, PassphraseRole::kUser, std::nullopt).Forget());
  return has_blob;
}

}  // namespace nvunlock
