// SPDX-License-Identifier: Apache-2.0
#include "tpm/response_check.h"

#include <tss2/tss2_tpm2_types.h>

#include "src/base/endian_reader.h"

namespace nvunlock {
namespace {

using Malformation = std::optional<std::string_view>;

constexpr size_t kHeaderSize = 10;
constexpr size_t kHandleSize = 4;

struct Header {
  uint32_t tag;
  uint32_t size;
  uint32_t code;
};

Header ReadHeader(ByteView message) {
  BigEndianReader reader(message);
  uint32_t tag = reader.Number(2);
  uint32_t size = reader.Number(4);
  return {tag, size, reader.Number(4)};
}

/// Whether a successful response starts with a handle.
bool ReturnsHandle(uint32_t command_code) {
  switch (command_code) {
    case TPM2_CC_StartAuthSession:
    case TPM2_CC_Load:
    case TPM2_CC_LoadExternal:
    case TPM2_CC_CreatePrimary:
    case TPM2_CC_CreateLoaded:
    case TPM2_CC_ContextLoad:
    case TPM2_CC_HMAC_Start:
    case TPM2_CC_HashSequenceStart:
      return true;
    default:
      return false;
  }
}

/// Whether the first response parameter is a TPM2B, so that a session may encrypt it.
bool ReturnsSizedBufferFirst(uint32_t command_code) {
  switch (command_code) {
    case TPM2_CC_Unseal:
    case TPM2_CC_GetRandom:
    case TPM2_CC_Create:
    case TPM2_CC_CreatePrimary:
    case TPM2_CC_Load:
    case TPM2_CC_ReadPublic:
    case TPM2_CC_NV_Read:
    case TPM2_CC_NV_ReadPublic:
    case TPM2_CC_PolicyGetDigest:
      return true;
    default:
      return false;
  }
}

Malformation CheckParameters(uint32_t command_code, ByteView parameters) {
  if (!ReturnsSizedBufferFirst(command_code)) return std::nullopt;
  BigEndianReader reader(parameters);
  reader.SkipSized();
  if (!reader.ok()) return "its first parameter is longer than the parameters together";
  return std::nullopt;
}

/// One TPMS_AUTH_RESPONSE or more, and nothing behind them.
Malformation CheckSessions(BigEndianReader& reader) {
  do {
    reader.SkipSized();  // nonce
    reader.Number(1);    // attributes
    reader.SkipSized();  // HMAC
  } while (reader.ok() && reader.remaining() > 0);
  if (!reader.ok()) return "its session area is cut short";
  return std::nullopt;
}

Malformation CheckSuccess(uint32_t command_code, bool has_sessions, ByteView body) {
  BigEndianReader reader(body);
  if (ReturnsHandle(command_code)) reader.Take(kHandleSize);
  size_t parameter_size = has_sessions ? reader.Number(4) : reader.remaining();
  ByteView parameters = reader.Take(parameter_size);
  if (!reader.ok()) return "its parameters are longer than the response";
  if (auto problem = CheckParameters(command_code, parameters)) return problem;
  return has_sessions ? CheckSessions(reader) : std::nullopt;
}

}  // namespace

std::optional<std::string_view> FindMalformation(ByteView command, ByteView response) {
  if (response.size() < kHeaderSize) return "it is shorter than a header";
  if (response.size() > kTpmMessageLimit) return "it is longer than 4096 bytes";
  Header request = ReadHeader(command);
  Header answer = ReadHeader(response);
  if (answer.size != response.size()) return "its header gives another size than was received";
  if (answer.code != TPM2_RC_SUCCESS) {
    if (answer.tag != TPM2_ST_NO_SESSIONS && answer.tag != TPM2_ST_RSP_COMMAND) {
      return "its tag does not fit an error";
    }
    return response.size() == kHeaderSize ? Malformation() : "it is an error with a body";
  }
  if (answer.tag != request.tag) return "its tag is not the command's";
  return CheckSuccess(request.code, answer.tag == TPM2_ST_SESSIONS, response.subspan(kHeaderSize));
}

std::optional<uint32_t> FindNewHandle(ByteView command, ByteView response) {
  if (CodeInHeader(response) != TPM2_RC_SUCCESS || !ReturnsHandle(CodeInHeader(command))) {
    return std::nullopt;
  }
  BigEndianReader reader(response.subspan(kHeaderSize));
  return reader.Number(kHandleSize);
}

uint32_t CodeInHeader(ByteView message) {
  return ReadHeader(message).code;
}

}  // namespace nvunlock
