#include "src/commands/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace nvunlock {
namespace {

/// What an admin can do, empty where the message itself says it.
const char* RemedyFor(Errc code) {
  switch (code) {
    case Errc::kNoTpm:
      return "enable the TPM in the firmware, and see that the image has its driver";
    case Errc::kWrongTpm:
      return "if the TPM was cleared or the board replaced, run 'nvunlock reseal'; without a "
             "recovery slot: move the key file away, put nvdimm-master.blob back from its safe "
             "place, run 'nvunlock enroll --import'";
    case Errc::kPolicyMismatch:
      return "boot what was enrolled; if the change is yours, run 'nvunlock reseal'; without a "
             "recovery slot: move the key file away, put nvdimm-master.blob back from its safe "
             "place, run 'nvunlock enroll --import'";
    case Errc::kNoSignature:
      return "boot an image that the enrolled key has signed; if the key is a new one, run "
             "'nvunlock "
             "reseal --tpm2-public-key='";
    case Errc::kWrongPin:
      return "try again; after too many wrong PINs use 'nvunlock load-keys --recovery'";
    case Errc::kLatchClosed:
      return "for DIMM operations after boot use 'nvunlock load-keys --recovery'; the TPM opens "
             "again after a power cycle";
    case Errc::kLockout:
      return "leave the machine switched on until the TPM's lockout time is over, or clear the "
             "lockout with tpm2_dictionarylockout -c";
    case Errc::kBadKeyFile:
      return "restore the key file from a backup, then rebuild the initramfs image";
    case Errc::kKeysIncomplete:
      return "restore the keys directory from a backup, then rebuild the initramfs image";
    case Errc::kDimmLocked:
      return "put the blob of the machine that locked it into the keys directory, rebuild the "
             "image and power-cycle";
    case Errc::kNotFrozen:
      return "try 'nvunlock freeze-security all'";
    default:
      return "";
  }
}

}  // namespace

void Print(std::string_view text) {
  fwrite(text.data(), 1, text.size(), stdout);
}

Result<void> PrintSecret(const Secret& text) {
  TRY(FinishOutput());
  ByteView rest = text.bytes();
  while (!rest.empty()) {
    ssize_t written = write(STDOUT_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return FailErrno("write to standard output", errno);
    rest = rest.subspan(static_cast<size_t>(written));
  }
  return {};
}

bool PrintsToTerminal() {
  return isatty(STDOUT_FILENO) != 0;
}

Result<void> FinishOutput() {
  if (fflush(stdout) == 0 && ferror(stdout) == 0) return {};
  return FailErrno("write to standard output", errno);
}

void PrintError(std::string_view line) {
  fprintf(stderr, "nvunlock: %.*s\n", static_cast<int>(line.size()), line.data());
}

void PrintAndLog(LogLevel level, std::string_view line) {
  PrintError(line);
  WriteKernelLog(level, line);
}

std::string Explain(const Error& error) {
  std::string remedy = RemedyFor(error.code);
  return remedy.empty() ? error.message : error.message + " -- " + remedy;
}

int Report(const Error& error) {
  if (!error.message.empty()) PrintError(Explain(error));
  return ExitCode(error.code);
}

}  // namespace nvunlock
