// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_CONFIG_H_
#define NVUNLOCK_MODEL_CONFIG_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace nvunlock {

/// In which keyring `unlock` puts the kek.
enum class KekKeyring {
  kProcess,  ///< that of its own process: nobody else sees it, and it is gone at the end
  kUser,     ///< @u, where it stays for admins who run DIMM operations after boot
};

/// Who approves what boots after an update.
enum class Updates {
  kUnattended,  ///< root of the booted system: `unlock` leaves the update key
  kAttended,    ///< whoever types the recovery key or the PIN
};

/// What `unlock` does when a DIMM of ours did not come up.
enum class OnFailure { kHold, kProceed, kPowerOff };

/// nvunlock.conf, and what the kernel command line says for one boot.
struct Config {
  KekKeyring kek_keyring = KekKeyring::kProcess;
  Updates updates = Updates::kUnattended;
  bool key_revalidate = true;  ///< test the key of a DIMM that the firmware left unlocked
  OnFailure on_failure = OnFailure::kHold;
  std::string tpm_device = "auto";
  unsigned tpm_timeout = 30;    ///< seconds to wait for a TPM that the firmware describes
  bool recovery_prompt = true;  ///< ask for a recovery key when the TPM does not help
  bool recovery_passphrase_in_initramfs = false;  ///< put those slots into images
  unsigned recovery_timeout = 90;                 ///< seconds until nobody is thought to be there
  std::string rebuild_images;                     ///< program and arguments; empty: patch them
  bool off = false;                               ///< only on the command line: leave all as it is
  bool freeze = true;                             ///< only there: no freezes DIMMs, for admin work
};

struct ParsedConfig {
  Config config;
  std::vector<std::string> complaints;  ///< lines that were ignored, and why
};

/// Reads KEY=VALUE lines and # comments. A bad line is complained about and its key keeps the
/// default, which is the safe choice: a typing error must not keep a server down.
ParsedConfig ParseConfig(std::string_view text);

/// Applies the words of the kernel command line that are ours, over what PARSED holds:
/// nvunlock=off, nvunlock.timeout=SECONDS (of both timeouts), nvunlock.freeze=no,
/// nvunlock.on-failure=POLICY. As the kernel does it takes "_" for "-". What is wrong is complained
/// about and ignored.
void ApplyCommandLine(std::string_view command_line, ParsedConfig& parsed);

/// What an initramfs image says of itself in its file `image`; absent in a running system.
struct ImageFacts {
  bool enrolled = false;
  std::string host;  ///< the machine's name when the image was built; an initramfs has none yet
};

Result<ImageFacts> ParseImageFacts(std::string_view text);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_CONFIG_H_
