// SPDX-License-Identifier: Apache-2.0
#include "tpm/tcti.h"

#include <tss2/tss2_tpm2_types.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>

#include "tpm/response_check.h"

namespace nvunlock {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kMagic = 0x6e76756e6c6f636b;  // "nvunlock"

/// For how long a command is sent again. A self-test takes a second or two; the kernel's driver
/// tries again for some seconds of its own before it hands such an answer on.
constexpr milliseconds kPatience{5000};
constexpr milliseconds kLongestPause{250};

bool AsksForAnotherTry(uint32_t code) {
  return code == TPM2_RC_RETRY || code == TPM2_RC_YIELDED || code == TPM2_RC_TESTING;
}

void Sleep(milliseconds duration) {
  timespec pause = {.tv_sec = 0, .tv_nsec = duration.count() * 1000000};
  nanosleep(&pause, nullptr);
}

/// A command without sessions: its header, and then BODY.
Bytes MakeCommand(TPM2_CC code, const Bytes& body) {
  constexpr size_t kHeaderSize = 10;
  Bytes command = BigEndian(TPM2_ST_NO_SESSIONS, 2);
  for (const Bytes& part : {BigEndian(kHeaderSize + body.size(), 4), BigEndian(code, 4), body}) {
    command.insert(command.end(), part.begin(), part.end());
  }
  return command;
}

/// As a resource manager's own code, so that ESYS does not start all over: it would send the
/// command four times more, at once.
void MarkAsFinal(Bytes& response) {
  Bytes code = BigEndian(CodeInHeader(response) | TSS2_RESMGR_TPM_RC_LAYER, 4);
  std::copy(code.begin(), code.end(), response.begin() + 6);
}

}  // namespace

Result<std::unique_ptr<Tcti>> Tcti::Open(const std::string& device) {
  Wire wire = TRY(Wire::Open(device));
  return std::unique_ptr<Tcti>(new Tcti(std::move(wire), device));
}

Tcti::Tcti(Wire wire, std::string device) : wire_(std::move(wire)), device_(std::move(device)) {
  common_.v1.magic = kMagic;
  common_.v1.version = 2;
  common_.v1.transmit = Transmit;
  common_.v1.receive = Receive;
}

/// After an answer that is not authentic ESYS sends nothing any more, not even a flush; nor does a
/// wire that broke.
Tcti::~Tcti() {
  if (unflushed_.empty()) return;
  if (wire_.IsBroken()) {
    Result<Wire> fresh = Wire::Open(device_);
    if (!fresh) return;
    wire_ = std::move(*fresh);
  }
  for (uint32_t handle : unflushed_) {
    Bytes command = MakeCommand(TPM2_CC_FlushContext, BigEndian(handle, 4));
    (void)wire_.Exchange(command, response_);
  }
}

TSS2_RC Tcti::Transmit(TSS2_TCTI_CONTEXT* context, size_t size, const uint8_t* command) {
  return Of(context)->Ask({command, size});
}

TSS2_RC Tcti::Receive(TSS2_TCTI_CONTEXT* context, size_t* size, uint8_t* response,
                      int32_t /*timeout*/) {
  Tcti* tcti = Of(context);
  if (tcti->response_.empty()) return TSS2_TCTI_RC_BAD_SEQUENCE;
  // ESYS asks twice: without a buffer for the size, and then for the response.
  size_t capacity = *size;
  *size = tcti->response_.size();
  if (response == nullptr) return TSS2_RC_SUCCESS;
  if (capacity < tcti->response_.size()) return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
  memcpy(response, tcti->response_.data(), tcti->response_.size());
  tcti->response_.clear();
  return TSS2_RC_SUCCESS;
}

/// The response to COMMAND in response_.
TSS2_RC Tcti::Ask(ByteView command) {
  TSS2_RC rc = AskPatiently(command);
  if (rc == TSS2_RC_SUCCESS && CodeInHeader(response_) == TPM2_RC_INITIALIZE && StartUp()) {
    rc = AskPatiently(command);
  }
  if (rc == TSS2_RC_SUCCESS) KeepTrackOfHandles(command);
  return rc;
}

TSS2_RC Tcti::AskPatiently(ByteView command) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  for (milliseconds pause{1};; pause = std::min(2 * pause, kLongestPause)) {
    TSS2_RC rc = wire_.Exchange(command, response_);
    if (rc != TSS2_RC_SUCCESS || !AsksForAnotherTry(CodeInHeader(response_))) return rc;
    if (Clock::now() + pause > deadline) break;
    Sleep(pause);
  }
  MarkAsFinal(response_);
  return TSS2_RC_SUCCESS;
}

/// TPM2_Startup(CLEAR), which the firmware owes the TPM. False when the TPM does not take it; the
/// first answer stays in place then.
bool Tcti::StartUp() {
  Bytes first_answer = response_;
  Bytes startup = MakeCommand(TPM2_CC_Startup, BigEndian(TPM2_SU_CLEAR, 2));
  bool started =
      AskPatiently(startup) == TSS2_RC_SUCCESS && CodeInHeader(response_) == TPM2_RC_SUCCESS;
  if (!started) response_ = std::move(first_answer);
  return started;
}

void Tcti::KeepTrackOfHandles(ByteView command) {
  std::optional<uint32_t> made = FindNewHandle(command, response_);
  if (made) unflushed_.insert(*made);
  bool flushed =
      CodeInHeader(command) == TPM2_CC_FlushContext && CodeInHeader(response_) == TPM2_RC_SUCCESS;
  if (!flushed || command.size() < 14) return;
  uint32_t handle = 0;
  for (uint8_t byte : command.subspan(10, 4)) handle = handle << 8 | byte;
  unflushed_.erase(handle);
}

}  // namespace nvunlock
