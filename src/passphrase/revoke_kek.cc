// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/revoke_kek.h"

#include "src/keys/recorded_blobs.h"
#include "src/keys/select_blobs.h"
#include "src/model/key_store.h"
#include "src/os/keyring.h"
#include "src/passphrase/change_passphrase.h"

namespace nvunlock {
namespace {

/// The DIMMs that have a user passphrase here.
Result<std::vector<std::string>> DimmsWithBlobs(const Environment& environment) {
  NdBus bus(environment.sysfs_root);
  KeyStore store(environment.keys_dir);
  std::vector<std::string> notes;  // the change that follows has them
  RecordedBlobs recorded = FindRecordedBlobs(store, Keyring(environment.keyring), notes);
  BlobChoice choice = TRY(ChooseBlobs(store, environment.host, recorded));
  if (!choice.unusable.empty()) {
    return Failure(
        Error(choice.unusable.begin()->second).Within(choice.unusable.begin()->first.canonical()));
  }
  std::vector<std::string> nmems;
  for (const std::string& nmem : bus.Nmems()) {
    Dimm dimm = TRY(InspectDimm(bus, nmem));
    if (choice.chosen.erase(dimm.id) > 0) nmems.push_back(nmem);
  }
  if (choice.chosen.empty()) return nmems;
  return Fail("there is a blob for DIMM " + choice.chosen.begin()->first.canonical() +
              ", which is not in this machine; remove the blob, or run --revoke on the machine "
              "with the DIMM");
}

}  // namespace

Result<RevokeReport> RevokeKek(const Environment& environment, const RotateOptions& options) {
  std::vector<std::string> nmems = TRY(DimmsWithBlobs(environment));
  ChangeOptions change = {.change = PassphraseChange::kUpdate,
                          .kek = options.to,
                          .refresh_images = options.refresh_images,
                          .on_step = options.on_step};
  RevokeReport report = {.dimms = ChangePassphrases(environment, nmems, change)};
  if (!report.dimms.Succeeded()) return report;
  Result<void> retired = RetireKek(environment, options.from);
  if (!retired) {
    report.problem = std::move(retired.error());
    return report;
  }
  report.is_revoked = true;
  KeyStore store(environment.keys_dir);
  auto masters = TRY(store.Blobs({PassphraseRole::kMaster, BlobStage::kCurrent}));
  report.leaves_masters = !masters.empty();
  return report;
}

}  // namespace nvunlock
