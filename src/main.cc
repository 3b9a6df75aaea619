// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <string>

#include "src/commands/commands.h"
#include "src/os/process.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

Result<int> RunHelp(const Invocation& invocation);

constexpr Command kCommands[] = {
    {"enroll", "[--tpm2-pcrs=LIST] [--import] [--kek=user:NAME] RECOVERY...",
     "seal a kek to this machine's TPM and write its key file", RunEnroll},
    {"approve", "[--now|--next-boot[=RESETS]|--signed=KEY.pem|--revoke] [--json]",
     "say what may boot next; without an option, show it", RunApprove},
    {"reseal", "[--tpm2-pcrs=LIST] [RECOVERY...]",
     "seal the same kek anew, for another PIN or TPM; add recovery slots", RunReseal},
    {"list-slots", "", "list the key file's slots", RunListSlots},
    {"wipe-slot", "NUMBER|KIND", "remove slots from the key file", RunWipeSlot},
    {"unlock", "[--at-boot]", "unlock, verify and freeze all DIMMs (the initramfs runs this)",
     RunUnlock},
    {"load-keys", "", "load keks and DIMM keys into the user keyring", RunLoadKeys},
    {"image-files", "[--guard-only] TREE [PLACE...]|--drivers",
     "put this machine's nvunlock files into an initramfs tree", RunImageFiles},
    {"backup", "[--json] FILE",
     "back up the keys directory to one file, and check that it is complete", RunBackup},
    {"restore", "[--list] [--force] [--json] FILE", "restore the keys directory from a backup",
     RunRestore},
    {"check-image", "[--json] FILE...|--all",
     "check whether initramfs images would unlock this machine", RunCheckImage},
    {"refresh-images", "[--json]", "update the keys in the initramfs images", RunRefreshImages},
    {"latch", "[--emergency]", "close the latch: no unseal until the next TPM reset", RunLatch},
    {"freeze-security", "nmemX...|all", "freeze the security of DIMMs until the next power-on",
     RunFreezeSecurity},
    {"setup-passphrase", "[-k TYPE:NAME] [-m] nmemX...|all", "give DIMMs a passphrase",
     RunSetupPassphrase},
    {"update-passphrase", "[-k TYPE:NAME] [-m] nmemX...|all", "change the passphrase of DIMMs",
     RunUpdatePassphrase},
    {"remove-passphrase", "[-m] nmemX...|all", "remove the passphrase of DIMMs",
     RunRemovePassphrase},
    {"sanitize-dimm", "[-c] [-o] [-m|-z] nmemX...|all", "erase all data on DIMMs for good",
     RunSanitizeDimm},
    {"wait-overwrite", "[--timeout=SECONDS] nmemX...|all", "wait for overwrites to end",
     RunWaitOverwrite},
    {"enable-dimm", "nmemX...|all", "bind DIMMs to their driver, which unlocks them",
     RunEnableDimm},
    {"disable-dimm", "nmemX...|all", "unbind DIMMs from their driver", RunDisableDimm},
    {"rotate-kek", "--kek=user:OLD --to=user:NEW [--revoke]",
     "wrap all passphrases under another kek", RunRotateKek},
    {"settle", "[--json]", "finish interrupted DIMM passphrase changes", RunSettle},
    {"list", "[-D] [-B] [-d DIMM] [-b BUS] [-r REGION] [-i] [-u] [--json]",
     "show DIMMs and their security; ndctl's options print ndctl's JSON", RunList},
    {"status", "[--json]", "show everything that the next boot's unlock depends on", RunStatus},
    {"verify", "[--json]", "check whether the next boot will unlock", RunVerify},
    {"help", "COMMAND", "list the commands, or the options of one", RunHelp},
};

std::string Usage() {
  std::string text = "usage: nvunlock COMMAND [OPTION...]; see 'nvunlock help COMMAND'\n\n";
  for (const Command& command : kCommands) {
    std::string left = std::string("  ") + command.name;
    left.append(left.size() < 20 ? 20 - left.size() : 1, ' ');
    text += left + command.summary + "\n";
  }
  return text + "\n  -h, --help, --version\n";
}

Result<int> RunCommand(const char* name, int argc, char** argv) {
  for (const Command& command : kCommands) {
    if (strcmp(name, command.name) == 0) {
      return command.run({command, argc, argv});
    }
  }
  return Fail(Errc::kUsage, *name == '\0'
                                ? "no command; see 'nvunlock --help'"
                                : "no command '" + std::string(name) + "'; see 'nvunlock --help'");
}

Result<int> ShowUsage() {
  Print(Usage());
  return 0;
}

Result<int> RunHelp(const Invocation& invocation) {
  std::vector<std::string> about = TRY(ParseOptions(invocation, {}));
  if (about.empty()) return ShowUsage();
  if (about.size() > 1) return Fail(Errc::kUsage, "'nvunlock help' takes one command, or none");
  std::string name = about.front();
  std::string option = "--help";
  char* argv[] = {name.data(), option.data(), nullptr};
  return RunCommand(name.c_str(), 2, argv);
}

Result<int> Run(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "";
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return ShowUsage();
  if (strcmp(name, "--version") == 0) {
    Print("nvunlock " NVUNLOCK_VERSION "\n");
    return 0;
  }
  return RunCommand(name, argc - 1, argv + 1);
}

}  // namespace
}  // namespace nvunlock

int main(int argc, char** argv) {
  nvunlock::ProtectProcess();
  nvunlock::Result<int> ended = nvunlock::Run(argc, argv);
  int exit_code = ended ? *ended : nvunlock::Report(ended.error());
  nvunlock::Result<void> printed = nvunlock::FinishOutput();
  return exit_code != 0 || printed ? exit_code : nvunlock::Report(printed.error());
}
