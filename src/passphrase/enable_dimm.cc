// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/enable_dimm.h"

#include <set>

#include "src/model/dimm_id.h"
#include "src/passphrase/dimm_passphrase.h"
#include "src/passphrase/preconditions.h"
#include "src/unlock/bind_dimm.h"

namespace nvunlock {
namespace {

/// The ids of NMEMS, as far as they have one.
std::set<DimmId> IdsOf(const NdBus& bus, const std::vector<std::string>& nmems) {
  std::set<DimmId> ids;
  for (const std::string& nmem : nmems) {
    Result<Dimm> dimm = InspectDimm(bus, nmem);
    if (dimm) ids.insert(dimm->id);
  }
  return ids;
}

/// Keys for the DIMMs in the keyring, as far as its keks go. No TPM is asked: its latch is closed.
Result<LoadedKeys> LoadKeysFor(const Environment& environment,
                               const std::vector<std::string>& nmems) {
  TpmConnection nobody("none");
  return LoadKeys(KeyStore(environment.keys_dir), nobody,
                  {.keyring = Keyring(environment.keyring),
                   .keep_kek = true,
                   .expire_seconds = kOperationSeconds,
                   .host = environment.host,
                   .keyring_only = true,
                   .only = IdsOf(NdBus(environment.sysfs_root), nmems)});
}

/// What ndctl or an admin has put there without leaving a blob: where there is one, only its own
/// key is sent. It counts only under each name that kernels look for: one that finds none sends
/// zeros.
Result<void> AddFromKeyring(const Environment& environment, const Dimm& dimm, LoadedKeys& keys) {
  const DimmId& id = dimm.id;
  if (keys.keys.contains(id) || keys.failed.contains(id)) return {};
  std::vector<Key> present;
  for (const std::string& description : dimm.id.KeyDescriptions()) {
    auto key = TRY(Keyring(environment.keyring).Find("encrypted", description));
    if (!key) return {};
    present.push_back(*key);
  }
  keys.keys.emplace(id, std::move(present));
  keys.notes.push_back(dimm.nmem + " (" + dimm.id.spelling() +
                       ") has no blob; using its key from the keyring");
  return {};
}

template <typename Act>
DimmReport ForEach(const Environment& environment, const std::vector<std::string>& nmems,
                   const EnableOptions& options, Act act) {
  NdBus bus(environment.sysfs_root);
  DimmReport report;
  for (const std::string& nmem : nmems) {
    DimmResult result = {.dimm = {.nmem = nmem}};
    Result<Dimm> dimm = InspectDimm(bus, nmem);
    Result<void> done = dimm ? act(*dimm, result) : Failure(std::move(dimm.error()));
    if (!done) result.problem = std::move(done.error());
    result.dimm = InspectDimm(bus, nmem).value_or(result.dimm);
    bool say = !result.problem && !options.dry_run && options.on_step;
    if (say) options.on_step("step: " + nmem + " " + (result.dimm.bound ? "enabled" : "disabled"));
    report.dimms.push_back(std::move(result));
  }
  return report;
}

}  // namespace

DimmReport EnableDimms(const Environment& environment, const std::vector<std::string>& nmems,
                       const EnableOptions& options) {
  Result<LoadedKeys> loaded = options.dry_run ? LoadedKeys() : LoadKeysFor(environment, nmems);
  LoadedKeys keys = loaded ? std::move(*loaded) : LoadedKeys();
  BindOptions open = {.keyring = Keyring(environment.keyring),
                      .expire_seconds = kOperationSeconds,
                      .revalidate = true};
  DimmBinder binder(environment, open, keys);
  auto enable = [&](const Dimm& dimm, DimmResult& result) -> Result<void> {
    if (options.dry_run) {
      result.planned = {"bind " + dimm.nmem + " to its driver"};
      return {};
    }
    if (dimm.bound && dimm.security != SecurityState::kLocked) return {};
    if (loaded) TRY(AddFromKeyring(environment, dimm, keys));
    std::optional<Error> problem = binder.Bind(dimm).problem;
    if (problem) return Failure(std::move(*problem));
    return {};
  };
  DimmReport report = ForEach(environment, nmems, options, enable);
  report.notes = keys.notes;
  report.notes.insert(report.notes.end(), binder.notes().begin(), binder.notes().end());
  if (!loaded) report.notes.push_back(std::move(loaded.error().message));
  return report;
}

DimmReport DisableDimms(const Environment& environment, const std::vector<std::string>& nmems,
                        const EnableOptions& options) {
  NdBus bus(environment.sysfs_root);
  auto disable = [&](const Dimm& dimm, DimmResult& result) -> Result<void> {
    TRY(CheckNotInUse(bus, dimm.nmem));
    if (options.dry_run) {
      result.planned = {"take " + dimm.nmem + " from its driver"};
      return {};
    }
    if (!dimm.bound) return {};
    return bus.UnbindNmem(dimm.nmem);
  };
  return ForEach(environment, nmems, options, disable);
}

}  // namespace nvunlock
