// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "src/unlock/unlock.h"

namespace nvunlock {
namespace {

/// What an admin can do.
struct Remedy {
  Errc code;
  const char* text;
};

constexpr Remedy kRemedies[] = {
    {Errc::kNoTpm, "enable the TPM in the firmware, and check that the image has its driver"},
    {Errc::kTpmNotReady,
     "power-cycle the machine; if that does not help, check that the image has the TPM's driver"},
    {Errc::kPcrsChanging, "try again, and find out what keeps extending PCRs (IMA, systemd)"},
    {Errc::kLatchGone,
     "run 'nvunlock reseal', which makes new ones; without a recovery slot, move the key file "
     "away, "
     "put nvdimm-master.blob back from its safe place, and run 'nvunlock enroll --import'"},
    {Errc::kOwnerPassword,
     "remove the password (tpm2_changeauth -c owner -p PASSWORD), retry, then set it again "
     "(tpm2_changeauth -c owner PASSWORD); unlocking does not need it"},
    {Errc::kWrongTpm,
     "if the TPM was cleared or the board replaced, run 'nvunlock reseal'; without a recovery "
     "slot, move the key file away, put nvdimm-master.blob back from its safe place, and run "
     "'nvunlock enroll --import'"},
    {Errc::kPolicyMismatch,
     "boot what was approved; if you made the change, run 'nvunlock approve --now'; without a "
     "recovery slot, move the key file away, put nvdimm-master.blob back from its safe place, and "
     "run 'nvunlock enroll --import'"},
    {Errc::kNoSignature,
     "boot an image that the approved key has signed; if you have a new key, run 'nvunlock approve "
     "--signed=KEY.pem'"},
    {Errc::kWrongPin,
     "try again; after too many wrong PINs, use 'nvunlock load-keys --recovery' if there is a "
     "recovery slot"},
    {Errc::kLatchClosed,
     "for DIMM operations after boot, use 'nvunlock load-keys --recovery' if there is a recovery "
     "slot; the TPM opens again after a power cycle"},
    {Errc::kLockout,
     "leave the machine on until the TPM's lockout time is over, or clear the lockout with "
     "tpm2_dictionarylockout -c"},
    {Errc::kBadKeyFile, "restore the key file from a backup, then rebuild the initramfs image"},
    {Errc::kKeysIncomplete,
     "restore the keys directory from a backup, then rebuild the initramfs image"},
    {Errc::kDimmLocked,
     "put the blob of the machine that locked it into the keys directory, rebuild the "
     "image and power-cycle"},
    {Errc::kKekMissing,
     "load it with 'nvunlock load-keys', or after an unlock at boot with 'nvunlock load-keys "
     "--recovery'"},
    {Errc::kPassphraseRefused,
     "don't retry blindly: each wrong passphrase uses an attempt; 'nvunlock status' lists the "
     "blobs"},
    {Errc::kImageOutdated,
     "rebuild the image (dracut --force, update-initramfs -u, mkinitcpio -P); see 'nvunlock "
     "check-image'"},
    {Errc::kNotFrozen, "try 'nvunlock freeze-security all'"},
};

bool progress_shown = false;

/// A message that names a command says itself what to do.
bool NamesCommand(const std::string& message) {
  return message.find("'nvunlock ") != std::string::npos ||
         message.find("'keyctl ") != std::string::npos;
}

/// Empty where the message itself says it.
const char* RemedyFor(const Error& error) {
  if (NamesCommand(error.message)) return "";
  for (const Remedy& remedy : kRemedies) {
    if (remedy.code == error.code) return remedy.text;
  }
  return "";
}

}  // namespace

void Print(std::string_view text) {
  fwrite(text.data(), 1, text.size(), stdout);
}

std::string FormatJson(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void PrintJson(const nlohmann::ordered_json& json) {
  Print(FormatJson(json));
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

bool ErrorsGoToTerminal() {
  return isatty(STDERR_FILENO) != 0;
}

void PrintProgress(std::string_view text) {
  progress_shown = true;
  fprintf(stderr, "\r\x1b[K%.*s", static_cast<int>(text.size()), text.data());
}

void EndProgress() {
  if (!std::exchange(progress_shown, false)) return;
  fputs("\r\x1b[K", stderr);
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
  std::string remedy = RemedyFor(error);
  return remedy.empty() ? error.message : error.message + " -- " + remedy;
}

int Report(const Error& error) {
  if (!error.message.empty()) PrintError(Explain(error));
  return ExitCode(error.code);
}

int ReportAll(const std::vector<Error>& errors) {
  std::set<Errc> codes;
  int exit_code = 0;
  for (const Error& error : errors) {
    exit_code = Report(error);
    codes.insert(error.code);
  }
  std::optional<Errc> deepest = Deepest(codes);
  return deepest ? ExitCode(*deepest) : exit_code;
}

}  // namespace nvunlock
