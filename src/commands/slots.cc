#include "src/seal/slots.h"

#include "src/commands/commands.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/model/key_store.h"

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
  if (names.size() != 1) return Fail(Errc::kUsage, "say which slot: its number or its kind");
  for (const SlotSummary& slot :
       TRY(WipeSlots(arguments.environment, arguments.kek, names.front()))) {
    Print("wiped " + Describe(slot));
  }
  Print(
      "Old copies of the key file still open with them: images, backups. Rebuild the initramfs "
      "image; to revoke a slot, change the kek and the passphrases.\n");
  return {};
}

}  // namespace

int RunListSlots(const Invocation& invocation) {
  Arguments arguments;
  Result<void> done = ParseOptionsOnly(invocation, OptionsFor(arguments));
  if (done) done = PrintSlots(arguments);
  return done ? 0 : Report(done.error());
}

int RunWipeSlot(const Invocation& invocation) {
  Arguments arguments;
  Result<std::vector<std::string>> names = ParseOptions(invocation, OptionsFor(arguments));
  if (!names) return Report(names.error());
  Result<void> done = WipeAndPrint(arguments, *names);
  return done ? 0 : Report(done.error());
}

}  // namespace nvunlock
