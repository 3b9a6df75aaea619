// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/questions.h"

#include "src/os/prompt.h"

namespace nvunlock {
namespace {

/// Shorter ones can be guessed offline by whoever has the key file.
constexpr size_t kShortestPassphrase = 12;

Result<Secret> AskTwice(const std::string& what) {
  Secret answer = TRY(AskSecret({.text = "New " + what}));
  Secret again = TRY(AskSecret({.text = "Repeat it"}));
  if (!again.Equals(answer)) return Fail(Errc::kUsage, "the two entries differ");
  return answer;
}

}  // namespace

std::string RecoveryPrompt(const KekName& kek) {
  return "Recovery key or passphrase for " + kek.ToString();
}

Result<Secret> AskForRecovery(const KekName& kek) {
  return AskSecret({.text = RecoveryPrompt(kek)});
}

std::string PinPrompt(const KekName& kek, const std::string& before, unsigned tries) {
  std::string text = before.empty() ? "" : before + "; tries left: " + std::to_string(tries) + ". ";
  return text + "PIN for " + kek.ToString();
}

Result<Secret> AskForPin(const KekName& kek, const std::string& before, unsigned tries) {
  return AskSecret({.text = PinPrompt(kek, before, tries)});
}

Result<std::optional<Secret>> AskNewPin(bool wanted) {
  if (!wanted) return std::optional<Secret>();
  Secret pin = TRY(AskTwice("PIN"));
  return std::optional<Secret>(std::move(pin));
}

Result<Secret> AskNewPassphrase() {
  Secret passphrase = TRY(AskTwice("recovery passphrase"));
  if (passphrase.size() >= kShortestPassphrase) return passphrase;
  return Fail(Errc::kUsage,
              "a recovery passphrase needs at least 12 characters: anyone with the key file can "
              "guess it offline");
}

}  // namespace nvunlock
