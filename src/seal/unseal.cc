// SPDX-License-Identifier: Apache-2.0
#include "src/seal/unseal.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "src/crypto/hash.h"
#include "src/model/pcr_terms.h"
#include "tpm/lockout.h"
#include "tpm/pcr_race.h"
#include "tpm/sealed_object.h"
#include "tpm/session.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

constexpr unsigned kPinTries = 5;

/// "PCR 1, 8 (sha256) differ" when the file says what was enrolled, else nothing.
std::string DescribeDifference(Tpm& tpm, const TpmSlot& slot) {
  Result<PcrTerms> enrolled = ParsePcrTerms(slot.pcr_values);
  if (!enrolled || enrolled->bank == nullptr) return "";
  uint32_t mask = 0;
  for (const auto& [pcr, value] : enrolled->pcrs) mask |= 1U << pcr;
  Result<PcrValues> current = ReadPcrs(tpm, *enrolled->bank, mask);
  if (!current) return "";
  std::string differing;
  for (const auto& [pcr, value] : enrolled->pcrs) {
    if (value == (*current)[pcr]) continue;
    differing += (differing.empty() ? "PCR " : ", ") + std::to_string(pcr);
  }
  return differing.empty() ? "" : "; " + differing + " (" + enrolled->bank->name + ") differs";
}

/// The policy but for the PIN is asserted first, so that nobody is asked in vain.
Result<void> CheckRestOfPolicy(Tpm& tpm, const TpmSlot& slot) {
  ESYS_TR parent = TRY(PinParent(tpm, slot.key.parent_handle, slot.parent));
  Policy rest = slot.key.policy;
  rest.pin = false;
  Result<void> asserted = OutrunPcrChanges([&]() -> Result<void> {
    TpmObject session = TRY(StartPolicySession(tpm, parent));
    return AssertPolicy(tpm, session.tr(), rest);
  });
  if (asserted || asserted.error().code != Errc::kPolicyMismatch) return asserted;
  Error error = std::move(asserted.error());
  error.message += DescribeDifference(tpm, slot);
  return Failure(std::move(error));
}

Result<Secret> UnsealWithPin(Tpm& tpm, const KeyFile& file, const TpmSlot& slot,
                             const PinQuestion& ask_pin) {
  if (!ask_pin) return Fail(Errc::kWrongPin, "it wants a PIN, and there is nobody to ask");
  TRY(CheckRestOfPolicy(tpm, slot));
  LockoutState lockout = TRY(ReadLockoutState(tpm));
  // One try is left for the TPM's other users.
  unsigned tries = std::min(kPinTries, lockout.tries_left > 0 ? lockout.tries_left - 1 : 0);
  std::string before;
  for (; tries > 0; tries--) {
    Secret pin = TRY(ask_pin(file.kek, before, tries));
    PinKeys keys = TRY(DerivePinKeys(pin, *slot.scrypt));
    Result<Secret> kek = UnsealKekThrough(tpm, file, slot, &keys);
    if (kek || kek.error().code != Errc::kWrongPin) return kek;
    before = kek.error().message;
  }
  if (!before.empty()) return Fail(Errc::kWrongPin, "the PIN was wrong too often");
  return Fail(Errc::kLockout, DescribeLockout(lockout));
}

}  // namespace

Result<Secret> UnsealKekThrough(Tpm& tpm, const KeyFile& file, const TpmSlot& slot,
                                const PinKeys* pin_keys) {
  ESYS_TR parent = TRY(PinParent(tpm, slot.key.parent_handle, slot.parent));
  Result<Secret> slot_secret = Unseal(tpm, parent, slot.key.sealed, slot.key.policy,
                                      pin_keys == nullptr ? nullptr : &pin_keys->auth_value);
  if (!slot_secret) {
    Error error = std::move(slot_secret.error());
    if (error.code == Errc::kPolicyMismatch) error.message += DescribeDifference(tpm, slot);
    return Failure(std::move(error));
  }
  return OpenSlot(file, slot, *slot_secret, pin_keys);
}

Result<Secret> UnsealKek(Tpm& tpm, const KeyFile& file, const PinQuestion& ask_pin) {
  std::optional<Error> first_error;
  for (const TpmSlot& slot : file.slots) {
    Result<Secret> kek = slot.key.policy.pin ? UnsealWithPin(tpm, file, slot, ask_pin)
                                             : UnsealKekThrough(tpm, file, slot);
    if (kek) return kek;
    if (!first_error) first_error = std::move(kek.error());
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
