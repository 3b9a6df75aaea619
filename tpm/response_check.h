// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_RESPONSE_CHECK_H_
#define NVUNLOCK_TPM_RESPONSE_CHECK_H_

#include <optional>
#include <string_view>

#include "src/base/bytes.h"

namespace nvunlock {

/// Largest command and response of any TPM we talk to.
inline constexpr size_t kTpmMessageLimit = 4096;

/// What is wrong with the shape of RESPONSE as an answer to COMMAND, or nullopt when ESYS may
/// parse it (TPM 2.0 Part 1, section 18). The TPM and its bus count as hostile: tpm2-tss before
/// 4.2.0 trusts the sizes inside a response (GHSA-7638-f8gq-c475, GHSA-p3px-r4mm-jpw5).
std::optional<std::string_view> FindMalformation(ByteView command, ByteView response);

/// The handle of the object or session that COMMAND made, out of its well-formed RESPONSE; nullopt
/// when it made none.
std::optional<uint32_t> FindNewHandle(ByteView command, ByteView response);

/// The response code, or the command code, in the header of a well-formed message.
uint32_t CodeInHeader(ByteView message);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_RESPONSE_CHECK_H_
