// SPDX-License-Identifier: Apache-2.0
#include "src/seal/choose_pcrs.h"

#include <algorithm>

#include "src/os/file.h"

namespace nvunlock {
namespace {

/// Who measures what (systemd.io/TPM2_PCR_MEASUREMENTS, GRUB's manual "Measured Boot").
constexpr unsigned kBootFiles = 4;  // firmware: the EFI programs that ran
constexpr unsigned kSecureBoot = 7;
constexpr unsigned kGrubCommands = 8;  // GRUB: its commands and the command line
constexpr unsigned kInitrd = 9;        // GRUB: files; Linux: initrd
constexpr unsigned kUki = 11;          // systemd-stub: the sections of a UKI
constexpr unsigned kStubCommandLine = 12;

bool IsMeasured(const PcrValues& values, unsigned pcr) {
  auto found = values.find(pcr);
  return found != values.end() && !IsResetValue(found->second);
}

PcrTerms Terms(const PcrBank& bank, std::initializer_list<unsigned> pcrs) {
  PcrTerms terms = {.bank = &bank, .pcrs = {}};
  for (unsigned pcr : pcrs) terms.pcrs.emplace(pcr, std::nullopt);
  return terms;
}

constexpr char kSecureBootVariable[] =
    "/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

}  // namespace

Result<PcrTerms> ChoosePcrs(const PcrBank& bank, const PcrValues& current) {
  if (IsMeasured(current, kUki)) {
    return Terms(bank, {kBootFiles, kSecureBoot, kUki, kStubCommandLine});
  }
  if (IsMeasured(current, kGrubCommands)) {
    return Terms(bank, {kBootFiles, kSecureBoot, kGrubCommands, kInitrd});
  }
  if (IsMeasured(current, kInitrd) || IsMeasured(current, kStubCommandLine)) {
    return Terms(bank, {kBootFiles, kSecureBoot, kInitrd, kStubCommandLine});
  }
  return Fail(Errc::kUsage,
              "no boot loader has measured anything into the TPM, so nothing could be told from a "
              "thief's boot; say with --tpm2-pcrs= what to bind to, or see nvunlock(8), POLICY");
}

Result<void> CheckCoversBoot(const PcrValues& values, const BootFacts& facts) {
  auto has = [&](unsigned pcr) { return IsMeasured(values, pcr); };
  bool by_secure_boot = facts.secure_boot && has(kSecureBoot);
  bool is_anchored = has(kBootFiles) || has(kInitrd) || has(kUki) || by_secure_boot;
  bool covers_initrd = has(kInitrd) || has(kUki) || (facts.by_stub && has(kBootFiles));
  // At its reset value PCR 12 says that the stub was given no other command line.
  bool names_line = has(kGrubCommands) || has(kStubCommandLine) ||
                    (facts.by_stub && values.contains(kStubCommandLine));
  bool covers_line = (is_anchored && names_line) || (facts.by_stub && by_secure_boot);
  if (covers_initrd && covers_line) return {};
  std::string what = covers_initrd ? "a kernel command line"
                     : covers_line ? "an initramfs"
                                   : "an initramfs and a kernel command line";
  return Fail("a policy on these PCRs would also open for " + what +
              " of somebody else; use 4+7+8+9 (GRUB), 4+7+11+12 (UKI) or 4+7+9+12 (systemd-boot), "
              "or accept that with --weak-policy");
}

bool SecureBootIsOn(const std::string& sysfs_root) {
  Result<Bytes> variable = ReadKernelFile(sysfs_root + kSecureBootVariable, 16);
  return variable && variable->size() == 5 && variable->back() == 1;
}

}  // namespace nvunlock
