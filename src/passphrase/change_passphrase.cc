// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/change_passphrase.h"

#include <algorithm>

#include "src/keys/kek_in_keyring.h"
#include "src/keys/recorded_blobs.h"
#include "src/model/dimm_id.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"
#include "src/passphrase/change_dimm.h"
#include "src/passphrase/dimm_passphrase.h"
#include "src/passphrase/passphrase_checks.h"
#include "src/records/unlock_record.h"

namespace nvunlock {
namespace {

/// One DIMM on its way through the steps.
struct Task {
  DimmPassphrase passphrase;
  std::optional<KekName> kek;  ///< of the new passphrase
  bool changed = false;        ///< the DIMM is as it shall be, its blobs are not
  bool done = false;           ///< nothing is left to do
  std::optional<Error> problem;

  [[nodiscard]] const Dimm& dimm() const { return passphrase.dimm(); }
  [[nodiscard]] bool IsOpen() const { return !problem && !done; }
};

/// All DIMMs take a step before any takes the next: what one step finds out, of DIMMs, blobs and
/// images, decides what the later ones do.
class PassphraseChanger {
 public:
  PassphraseChanger(const Environment& environment, const ChangeOptions& options)
      : environment_(environment),
        options_(options),
        place_(PlaceIn(environment)),
        change_(place_.bus, options) {}

  DimmReport Run(const std::vector<std::string>& nmems) {
    Result<void> done = Prepare(nmems);
    if (!done) {
      report_.problems.push_back(std::move(done.error()));
      return std::move(report_);
    }
    if (!options_.dry_run && StageAll()) {
      ForEach([this](Task& task) { return Change(task); });
      UpdateBlobs();
      if (UsesImages()) UpdateImages();
    }
    Report();
    return std::move(report_);
  }

 private:
  bool IsMaster() const { return options_.role == PassphraseRole::kMaster; }
  /// An unlock has no use for a master passphrase.
  bool UsesImages() const { return !IsMaster() && options_.refresh_images; }
  bool Makes() const { return options_.change != PassphraseChange::kRemove; }

  void Say(const std::string& step) const {
    if (options_.on_step) options_.on_step("step: " + step);
  }

  template <typename Step>
  void ForEach(Step step) {
    for (Task& task : tasks_) {
      if (!task.IsOpen()) continue;
      Result<void> done = step(task);
      if (!done) task.problem = std::move(done.error());
    }
  }

  // --- what is there

  Result<void> Prepare(const std::vector<std::string>& nmems) {
    if (!options_.dry_run) {
      TRY(MakeDirectories(place_.store.directory(), 0700));
      lock_ = TRY(LockDirectory(place_.store.directory()));
      TRY(RemoveTemporaryFiles(place_.store.directory()));
    }
    RecordedBlobs recorded = FindRecordedBlobs(place_.store, place_.keyring, report_.notes);
    BlobChoice choice = TRY(ChooseBlobs(place_.store, environment_.host, recorded, options_.role));
    for (const std::string& nmem : nmems) AddTask(nmem, choice);
    PassphraseChecks checks(place_.bus, options_, ReadUnlockedWith(environment_));
    ForEach([&](Task& task) -> Result<void> {
      Readiness readiness = TRY(checks.Check(task.passphrase));
      task.changed = readiness == Readiness::kChanged;
      task.done = readiness == Readiness::kSettled;
      if (Makes() && !task.done) task.kek = TRY(ChooseKek(task));
      bool needs_old = options_.change == PassphraseChange::kUpdate && !options_.dry_run;
      if (needs_old) (void)TRY(task.passphrase.CurrentKey());
      return {};
    });
    blobs_moved_ = checks.has_moved_blobs();
    images_may_lag_ = checks.images_may_lag();
    return {};
  }

  void AddTask(const std::string& nmem, const BlobChoice& choice) {
    Result<Dimm> dimm = InspectDimm(place_.bus, nmem);
    if (!dimm) {
      report_.dimms.push_back({.dimm = {.nmem = nmem}, .problem = std::move(dimm.error())});
      return;
    }
    DimmId id = dimm->id;
    auto chosen = choice.chosen.find(id);
    std::optional<ChosenBlob> blobs;
    if (chosen != choice.chosen.end()) blobs = chosen->second;
    Task task = {.passphrase = {place_, std::move(*dimm), options_.role, std::move(blobs)}};
    auto unusable = choice.unusable.find(id);
    bool wants_blob = options_.change != PassphraseChange::kSetup && task.dimm().HasPassphrase();
    if (wants_blob && unusable != choice.unusable.end()) task.problem = unusable->second;
    tasks_.push_back(std::move(task));
  }

  Result<KekName> ChooseKek(const Task& task) const {
    const Candidate* current = task.passphrase.Current();
    if (!options_.kek && current == nullptr) {
      return Fail(Errc::kUsage, "choose the kek that wraps its passphrase with --key-handle");
    }
    KekName kek = options_.kek ? *options_.kek : current->blob.kek;
    TRY(RequireKek(place_.keyring, place_.store, kek));
    return kek;
  }

  // --- the steps

  std::string PathOf(const Task& task, BlobStage stage) const {
    BlobKind kind = {options_.role, stage};
    return place_.store.PathOf(MakeBlobName(kind, task.dimm().id, environment_.host).name);
  }

  std::vector<std::string> DescribePlan(const Task& task) const {
    std::string command = "write \"" + change_.Command() + "\" and the key to its security";
    std::string current = PathOf(task, BlobStage::kCurrent);
    if (!Makes()) return {command, "remove " + current};
    std::vector<std::string> plan = {"write " + PathOf(task, BlobStage::kStaged)};
    if (UsesImages()) plan.emplace_back("put it into the images");
    plan.push_back(std::move(command));
    plan.push_back("rename it to " + current);
    return plan;
  }

  /// False when nothing may be changed.
  bool StageAll() {
    if (!Makes()) return true;
    ForEach([this](Task& task) { return Stage(task); });
    if (CountOpen() == 0) return true;
    Say("staged");
    if (!UsesImages()) return true;
    Result<std::vector<std::string>> images = options_.refresh_images();
    if (images) {
      images_staged_ = true;
      Say("image staged");
      return true;
    }
    ForEach([&](Task& task) -> Result<void> {
      TRY(task.passphrase.DropStaged());
      return Fail(images.error().code, "not changed: the images could not be prepared");
    });
    report_.problems.push_back(std::move(images.error()));
    return false;
  }

  size_t CountOpen() const {
    return static_cast<size_t>(std::count_if(tasks_.begin(), tasks_.end(),
                                             [](const Task& task) { return task.IsOpen(); }));
  }

  Result<void> Stage(Task& task) {
    if (options_.import == nullptr) return task.passphrase.StageNew(*task.kek);
    Secret kek = TRY(ReadKek(place_.keyring, *task.kek));
    return task.passphrase.Stage(TRY(WrapPassphrase(*task.kek, kek, *options_.import)));
  }

  Result<void> Change(Task& task) {
    if (task.changed) return {};
    TRY(change_.Apply(task.passphrase));
    task.changed = true;
    if (!IsMaster()) FollowInRecord(task);
    Say(task.dimm().nmem + " changed");
    return {};
  }

  /// Else the next refresh of images would miss the blob of the old passphrase.
  void FollowInRecord(const Task& task) {
    Result<void> followed =
        RecordChange(environment_, task.dimm().id, task.passphrase.StagedHash());
    if (!followed) report_.notes.push_back(std::move(followed.error().message));
  }

  void UpdateBlobs() {
    ForEach([this](Task& task) -> Result<void> {
      TRY(Makes() ? task.passphrase.MakeStagedCurrent() : task.passphrase.Forget());
      blobs_moved_ = true;
      return {};
    });
    if (blobs_moved_) Say("settled");
  }

  /// Images that are up to date are not touched.
  void UpdateImages() {
    bool is_due = blobs_moved_ || images_staged_;
    if (!is_due && !images_may_lag_) return;
    Result<std::vector<std::string>> images = options_.refresh_images();
    if (!is_due) return;
    if (images) return Say("image settled");
    // What is left there of a passphrase that is removed is not asked for.
    if (!Makes()) return report_.notes.push_back(std::move(images.error().message));
    report_.problems.push_back(
        std::move(images.error())
            .Within("the DIMMs are changed, and the images still unlock them"));
  }

  void Report() {
    for (Task& task : tasks_) {
      DimmResult result = {.dimm = InspectDimm(place_.bus, task.dimm().nmem).value_or(task.dimm())};
      if (options_.dry_run && task.IsOpen()) result.planned = DescribePlan(task);
      result.problem = std::move(task.problem);
      report_.dimms.push_back(std::move(result));
    }
  }

  const Environment& environment_;
  const ChangeOptions& options_;
  PassphrasePlace place_;
  DimmChange change_;
  DirectoryLock lock_;
  bool blobs_moved_ = false;
  bool images_staged_ = false;
  bool images_may_lag_ = false;
  std::vector<Task> tasks_;
  DimmReport report_;
};

}  // namespace

DimmReport ChangePassphrases(const Environment& environment, const std::vector<std::string>& nmems,
                             const ChangeOptions& options) {
  return PassphraseChanger(environment, options).Run(nmems);
}

}  // namespace nvunlock
