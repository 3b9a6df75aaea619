// SPDX-License-Identifier: Apache-2.0
#include "src/seal/enroll.h"

#include <algorithm>

#include "src/base/hex.h"
#include "src/keys/clear_kek.h"
#include "src/keys/recorded_blobs.h"
#include "src/keys/select_blobs.h"
#include "src/model/dimm.h"
#include "src/model/dimm_id.h"
#include "src/model/key_store.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"
#include "src/os/keyring.h"
#include "src/seal/unseal.h"
#include "tpm/session.h"

namespace nvunlock {
namespace {

constexpr size_t kNewKekSize = 32;

/// One run of Enroll.
class Enroller {
 public:
  Enroller(const Environment& environment, const EnrollOptions& options)
      : environment_(environment), options_(options), store_(environment.keys_dir) {}

  Result<EnrollReport> Run() {
    TRY(MakeDirectories(store_.directory(), 0700));
    DirectoryLock lock = TRY(LockDirectory(store_.directory()));
    TRY(CheckNothingIsLost());
    Tpm tpm = TRY(Tpm::Connect(environment_.tpm_device));
    SealingParent parent = TRY(PrepareToSeal(tpm));
    KeyFile file = {.kek = options_.kek};
    Result<EnrollReport> report = EnrollIn(tpm, parent, file);
    // The file on disk needs its index, whatever fails then.
    bool is_given_up = !report && !Exists(report_.key_file) && !file.slots.empty();
    if (is_given_up) (void)RetireSlots(tpm, file.slots);
    return report;
  }

 private:
  Result<EnrollReport> EnrollIn(Tpm& tpm, const SealingParent& parent, KeyFile& file) {
    ApprovalPlan plan = TRY(PlanApproval(environment_, tpm, parent.tr, options_.policy));
    report_.notes = plan.notes;
    report_.approval = plan.approval;
    Secret kek = TRY(ObtainKek(tpm, parent.tr));
    TRY(CheckOpensBlobs(kek));
    std::optional<SlotPin> pin = TRY(MakeSlotPin(options_.pin));
    TRY(FillKeyFile(tpm, parent, plan, kek, pin ? &*pin : nullptr, file));
    TRY(ProveRecoverySlots(options_.recovery, file, kek));
    bool in_keyring = TRY(CheckKeyring(kek));
    TRY(WriteFiles(file, kek));
    if (!in_keyring) TRY(PlaceInKeyring(kek));
    return std::move(report_);
  }

  [[nodiscard]] std::string ClearPath() const {
    return store_.PathOf(options_.kek.ClearFileName());
  }

  Result<void> CheckNothingIsLost() {
    report_.key_file = store_.PathOf(options_.kek.KeyFileName());
    if (Exists(ClearPath())) report_.clear_file = ClearPath();
    if (options_.kek.type != "user") {
      return Fail(options_.kek.ToString() + ": this version enrolls keks of type user only");
    }
    if (Exists(report_.key_file)) {
      return Fail(report_.key_file +
                  " exists and is not overwritten; 'nvunlock load-keys' uses it");
    }
    TRY(CheckNoTrustedKek(store_, options_.kek));
    if (options_.import_clear_kek) return {};
    if (Exists(ClearPath())) {
      return Fail(ClearPath() + " holds this kek in clear; use it with 'nvunlock enroll --import'");
    }
    if (TRY(KeyringHolds())) {
      return Fail(options_.kek.ToString() + " is in the keyring; save it as " + ClearPath() +
                  " (keyctl pipe) and use 'nvunlock enroll --import'");
    }
    return {};
  }

  Result<bool> KeyringHolds() const {
    return TRY(Keyring(environment_.keyring).Find("user", options_.kek.description)).has_value();
  }

  Result<Secret> ObtainKek(Tpm& tpm, ESYS_TR parent) {
    if (options_.import_clear_kek) return ReadClearKek(store_, options_.kek);
    TpmObject session = TRY(StartHmacSession(tpm, parent));
    return MakeRandomSecret(tpm, session.tr(), kNewKekSize);
  }

  /// A kek that does not open the blobs made under its name would lock their DIMMs for good.
  Result<void> CheckOpensBlobs(const Secret& kek) {
    for (const BlobName& file : TRY(store_.AllBlobs())) {
      Result<Enc32Blob> blob = store_.ReadBlob(file);
      if (!blob) {
        NoteUnopened(file, blob.error().message + "; this blob will not unlock its DIMM");
        continue;
      }
      if (blob->kek != options_.kek || VerifyEnc32(*blob, kek)) continue;
      std::string why = store_.PathOf(file.name) + " was made under another " +
                        options_.kek.ToString() + " than this, or is damaged";
      if (file.kind == BlobKind{}) {
        return Fail(Errc::kKeysIncomplete,
                    why + (options_.import_clear_kek ? ""
                                                     : "; put that kek into " + ClearPath() +
                                                           " and use 'nvunlock enroll --import'"));
      }
      NoteUnopened(file, std::move(why));
    }
    return {};
  }

  void NoteUnopened(const BlobName& file, std::string why) {
    report_.unopened.push_back(file.name);
    report_.notes.push_back(std::move(why));
  }

  Result<void> FillKeyFile(Tpm& tpm, const SealingParent& parent, const ApprovalPlan& plan,
                           const Secret& kek, const SlotPin* pin, KeyFile& file) {
    file.check_value = TRY(KekCheckValue(kek));
    if (options_.policy.signed_pcrs) file.signers = {options_.policy.signed_pcrs->key};
    file.recovery = TRY(MakeRecoverySlots(options_.recovery, kek));
    return ReplaceTpmSlots(tpm, parent, plan, kek, pin, file);
  }

  /// Whether the keyring holds KEK already. Another one in its place is never replaced: it may be
  /// the only copy.
  Result<bool> CheckKeyring(const Secret& kek) const {
    Keyring keyring(environment_.keyring);
    std::optional<Key> present = TRY(keyring.Find("user", options_.kek.description));
    if (!present) return false;
    if (TRY(present->Read()).Equals(kek)) return true;
    return Fail("another " + options_.kek.ToString() +
                " is in the keyring; save it (keyctl pipe) " +
                "and take it out (keyctl unlink), then enroll again");
  }

  /// ndctl and the kernel look for it there.
  Result<void> PlaceInKeyring(const Secret& kek) const {
    Keyring keyring(environment_.keyring);
    (void)TRY_IN("the key file is written, but",
                 keyring.AddUser(options_.kek.description, kek.bytes()));
    return {};
  }

  Result<void> WriteFiles(const KeyFile& file, const Secret& kek) {
    TRY(WriteFileDurably(report_.key_file, TRY(FormatKeyFile(file)), 0600, IfPresent::kFail));
    BlobChoice choice = TRY(ChooseBlobs(store_, environment_.host, RecordedBlobs()));
    NoteDimmsWithoutBlob(choice);
    return RecordBlobs(choice, kek);
  }

  /// Whoever enrolls vouches for the blobs that unlock would use now.
  Result<void> RecordBlobs(const BlobChoice& choice, const Secret& kek) const {
    std::vector<RecordLine> lines;
    for (const auto& [id, chosen] : choice.chosen) {
      std::string passphrase = PassphraseName(PassphraseRole::kUser, id);
      std::vector<const Candidate*> candidates = {&chosen};
      if (chosen.spare) candidates.push_back(&*chosen.spare);
      for (const Candidate* candidate : candidates) {
        bool is_ours = candidate->blob.kek == options_.kek && VerifyEnc32(candidate->blob, kek);
        if (is_ours) lines.push_back(TRY(MakeRecordLine(passphrase, candidate->blob, kek)));
      }
    }
    auto is_older = [this](const RecordLine& line) { return line.kek == options_.kek.ToString(); };
    TRY(ChangeBlobRecord(store_, is_older, lines));
    return {};
  }

  void NoteDimmsWithoutBlob(const BlobChoice& choice) {
    NdBus bus(environment_.sysfs_root);
    for (const std::string& nmem : bus.Nmems()) {
      Result<Dimm> dimm = InspectDimm(bus, nmem);
      if (!dimm || !dimm->HasPassphrase()) continue;
      const DimmId& id = dimm->id;
      if (choice.chosen.contains(id) || choice.unusable.contains(id)) continue;
      report_.notes.push_back(nmem + " (" + dimm->id.spelling() + ") has a passphrase, but " +
                              store_.directory() + " holds no blob for it");
    }
  }

  const Environment& environment_;
  const EnrollOptions& options_;
  KeyStore store_;
  EnrollReport report_;
};

}  // namespace

Result<EnrollReport> Enroll(const Environment& environment, const EnrollOptions& options) {
  return Enroller(environment, options).Run();
}

}  // namespace nvunlock
