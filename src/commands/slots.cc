// SPDX-License-Identifier: Apache-2.0
#include "src/seal/slots.h"

#include "src/commands/commands.h"
#include "src/model/key_store.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

struct Arguments {
  Environment environment = EnvironmentBelow("");
  KekName kek = {"user", "nvdimm-master"};
};

std::vector<Option> OptionsFor(Arguments& arguments) {
  std::vector<Option> options = {KekOption(arguments.kek)};
  Append(options, EnvironmentOptions(arguments.environment));
  return options;
}

std::string Describe(const SlotSummary& slot) {
  std::string line = slot.kind;
  line.resize(std::max<size_t>(line.size() + 1, 20), ' ');
  return line + slot.details + "\n";
}

Result<void> PrintSlots(const Arguments& arguments) {
  KeyFile file = TRY(KeyStore(arguments.environment.keys_dir).ReadKeyFile(arguments.kek));
  unsigned number = 0;
  for (const SlotSummary& slot : Summarize(file)) {
    Print(std::to_string(number++) + "  " + Describe(slot));
  }
  for (const Error& problem : file.problems) PrintError(problem.message);
  return {};
}

Result<void> WipeAndPrint(const Arguments& arguments, const std::vector<std::string>& names) {
  if (names.size() != 1) return Fail(Errc::kUsage, "name a slot by its number or its kind");
  WipeReport report = TRY(WipeSlots(arguments.environment, arguments.kek, names.front()));
  for (const SlotSummary& slot : report.wiped) Print("wiped " + Describe(slot));
  for (const std::string& note : report.notes) PrintError(note);
  Print(
      "Old copies of the key file, in images and backups, still open with recovery slots. Rebuild "
      "the "
      "initramfs image; to revoke a recovery slot, change the kek and the passphrases.\n");
  return {};
}

}  // namespace

Result<int> RunListSlots(const Invocation& invocation) {
  Arguments arguments;
  TRY(ParseOptionsOnly(invocation, OptionsFor(arguments)));
  TRY(PrintSlots(arguments));
  return 0;
}

Result<int> RunWipeSlot(const Invocation& invocation) {
  Arguments arguments;
  std::vector<Option> options = OptionsFor(arguments);
  options.push_back(TpmDeviceOption(arguments.environment));
  std::vector<std::string> names = TRY(ParseOptions(invocation, options));
  TRY(WipeAndPrint(arguments, names));
  return 0;
}

}  // namespace nvunlock
