// SPDX-License-Identifier: Apache-2.0
#include "src/model/pin.h"

#include <sys/random.h>

#include <cerrno>

#include "src/crypto/hash.h"

namespace nvunlock {
namespace {

constexpr size_t kSaltSize = 16;
constexpr size_t kKeySize = 32;

// Part of the format, like those of the key file.
constexpr std::string_view kAuthInfo = "nvunlock pin auth";
constexpr std::string_view kWrapInfo = "nvunlock pin wrap";

}  // namespace

Result<ScryptParameters> MakeScryptParameters() {
  ScryptParameters parameters;
  parameters.salt.resize(kSaltSize);
  if (getrandom(parameters.salt.data(), kSaltSize, 0) != static_cast<ssize_t>(kSaltSize)) {
    return FailErrno("make a salt", errno);
  }
  return parameters;
}

Result<PinKeys> DerivePinKeys(const Secret& pin, const ScryptParameters& parameters) {
  Secret stretched = TRY(Scrypt(pin, parameters, kKeySize));
  Secret auth_value = TRY(HkdfSha256(stretched.bytes(), kAuthInfo, kKeySize));
  Secret wrapping = TRY(HkdfSha256(stretched.bytes(), kWrapInfo, kKeySize));
  return PinKeys{std::move(auth_value), std::move(wrapping)};
}

}  // namespace nvunlock
