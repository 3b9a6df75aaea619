// SPDX-License-Identifier: Apache-2.0
#include "src/seal/unseal.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "src/crypto/hash.h"
#include "tpm/lockout.h"
#include "tpm/pcr_race.h"
#include "tpm/sealed_object.h"
#include "tpm/session.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

constexpr unsigned kPinTries = 5;

/// The policy but for the PIN is asserted first, so that nobody is asked in vain.
Result<void> CheckRestOfPolicy(Tpm& tpm, const TpmSlot& slot, const PcrSignatures& signatures) {
  ESYS_TR parent = TRY(PinParent(tpm, slot.key.parent_handle, slot.parent));
  Policy rest = slot.key.policy;
  rest.pin = false;
  return OutrunPcrChanges([&]() -> Result<void> {
    TpmObject session = TRY(StartPolicySession(tpm, parent));
    (void)TRY(AssertPolicy(tpm, session.tr(), rest, signatures));
    return {};
  });
}

Result<OpenedKek> UnsealWithPin(Tpm& tpm, const KeyFile& file, const TpmSlot& slot,
                                const PcrSignatures& signatures, const PinQuestion& ask_pin) {
  if (!ask_pin) return Fail(Errc::kWrongPin, "it wants a PIN, and there is nobody to ask");
  TRY(CheckRestOfPolicy(tpm, slot, signatures));
  LockoutState lockout = TRY(ReadLockoutState(tpm));
  // One try is left for the TPM's other users.
  unsigned tries = std::min(kPinTries, lockout.tries_left > 0 ? lockout.tries_left - 1 : 0);
  std::string before;
  for (; tries > 0; tries--) {
    Secret pin = TRY(ask_pin(file.kek, before, tries));
    PinKeys keys = TRY(DerivePinKeys(pin, *slot.scrypt));
    Result<OpenedKek> opened = UnsealKekThrough(tpm, file, slot, signatures, &keys);
    if (opened || opened.error().code != Errc::kWrongPin) return opened;
    before = opened.error().message;
  }
  if (!before.empty()) return Fail(Errc::kWrongPin, "the PIN was wrong too often");
  return Fail(Errc::kLockout, DescribeLockout(lockout));
}

}  // namespace

Result<OpenedKek> UnsealKekThrough(Tpm& tpm, const KeyFile& file, const TpmSlot& slot,
                                   const PcrSignatures& signatures, const PinKeys* pin_keys) {
  ESYS_TR parent = TRY(PinParent(tpm, slot.key.parent_handle, slot.parent));
  PolicyNeeds needs = {.signatures = &signatures,
                       .auth_value = pin_keys == nullptr ? nullptr : &pin_keys->auth_value};
  Unsealed unsealed = TRY(Unseal(tpm, parent, slot.key.sealed, slot.key.policy, needs));
  Secret kek = TRY(OpenSlot(file, slot, unsealed.secret, pin_keys));
  return OpenedKek{std::move(kek), std::move(unsealed.by)};
}

Result<OpenedKek> UnsealKek(Tpm& tpm, const KeyFile& file, const PcrSignatures& signatures,
                            const PinQuestion& ask_pin) {
  std::optional<Error> first_error;
  for (const TpmSlot& slot : file.slots) {
    Result<OpenedKek> opened = slot.key.policy.pin
                                   ? UnsealWithPin(tpm, file, slot, signatures, ask_pin)
                                   : UnsealKekThrough(tpm, file, slot, signatures);
    if (opened) return opened;
    if (!first_error) first_error = std::move(opened.error());
  }
  return Failure(std::move(*first_error).Within(file.kek.ToString()));
}

Result<Secret> MakeRandomSecret(Tpm& tpm, ESYS_TR session, size_t size) {
  Secret kernel_random = TRY(Secret::Create(32));
  if (getrandom(kernel_random.bytes().data(), kernel_random.size(), 0) !=
      static_cast<ssize_t>(kernel_random.size())) {
    return FailErrno("get random bytes from the kernel", errno);
  }
  Bytes tpm_random = TRY(tpm.GetRandom(32, session));
  Secret both = TRY(Secret::Create(64));
  std::copy(kernel_random.bytes().begin(), kernel_random.bytes().end(), both.bytes().begin());
  std::copy(tpm_random.begin(), tpm_random.end(), both.bytes().begin() + 32);
  return HkdfSha256(both.bytes(), "nvunlock random", size);
}

}  // namespace nvunlock
