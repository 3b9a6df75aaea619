#include "src/procedures/lost_passphrase.h"

#include "src/model/dimm_id.h"
#include "src/model/enrolled_dimms.h"
#include "src/procedures/enrolled_record.h"

namespace nvunlock {

Result<bool> ForgetLostPassphrase(const PassphrasePlace& place, const std::string& nmem,
                                  std::vector<std::string>& notes) {
  Dimm dimm = TRY(InspectDimm(place.bus, nmem));
  if (dimm.security != SecurityState::kDisabled) return false;
  BlobChoice choice = TRY(ChooseBlobs(place.store, place.host, std::nullopt));
  auto chosen = choice.chosen.find(CanonicalDimmId(dimm.id));
  bool has_blob = chosen != choice.chosen.end();
  // The record goes before the blob: one without a blob would look like a lost one. Without the kek
  // it stays, and the DIMM is not asked for its passphrase any more.
  if (has_blob) {
    Result<void> updated = UpdateEnrolledRecord(place.store, place.keyring, chosen->second.blob.kek,
                                                {CanonicalDimmId(dimm.id)});
    if (!updated) {
      notes.push_back(nmem + " stays in " + kEnrolledDimmsFile +
                      ", which the next passphrase "
                      "command puts right: " +
                      updated.error().message);
    }
  }
  TRY(DimmPassphrase(place, dimm, PassphraseRole::kUser, std::nullopt).Forget());
  return has_blob;
}

}  // namespace nvunlock
