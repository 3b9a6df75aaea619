// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_PCR_TERMS_H_
#define NVUNLOCK_MODEL_PCR_TERMS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "tpm/pcr.h"

namespace nvunlock {

/// What --tpm2-pcrs= asks for: PCRs of one bank, some with the value that they shall have.
struct PcrTerms {
  const PcrBank* bank = nullptr;                  ///< nullptr: whichever the TPM has active
  std::map<unsigned, std::optional<Bytes>> pcrs;  ///< nullopt: the value of this boot
};

/// The PCRs of TERMS, bit n for PCR n.
uint32_t MaskOf(const PcrTerms& terms);

/// Parses systemd-cryptenroll's grammar: terms joined by "+" or ",", each NAME or INDEX, then
/// ":BANK", then "=DIGEST" in hex. Fails with kUsage on anything else, on a PCR given twice, and
/// on terms of more than one bank.
Result<PcrTerms> ParsePcrTerms(std::string_view text);

/// "7+12:sha256": the PCRs of a selection in that grammar, without values.
std::string FormatPcrs(const TPMS_PCR_SELECTION& pcrs);

/// Whether this PCR is extended between the initramfs and the running system, so that its value
/// now says little about the next boot's unlock.
bool ChangesAfterInitramfs(unsigned pcr);

/// Whether VALUE is what a reset leaves behind: nothing has ever been measured into the PCR.
bool IsResetValue(ByteView value);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_PCR_TERMS_H_
