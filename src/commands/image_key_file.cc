#include "src/commands/commands.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/model/config.h"
#include "src/model/key_file.h"
#include "src/os/file.h"
#include "src/procedures/read_config.h"

namespace nvunlock {
namespace {

Result<std::string> FormatForImage(const std::string& path, const Config& config) {
  std::string text = TRY(ReadFile(path, kKeyFileLimit));
  KeyFile file = TRY_IN(path, ParseKeyFile(text));
  return FormatKeyFile(ForImage(std::move(file), config.recovery_passphrase_in_initramfs));
}

}  // namespace

int RunImageKeyFile(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  Result<std::vector<std::string>> paths =
      ParseOptions(invocation, EnvironmentOptions(environment));
  if (!paths) return Report(paths.error());
  if (paths->size() != 1) return Report({Errc::kUsage, "say which key file"});
  ParsedConfig parsed = ReadConfig(environment);
  for (const std::string& complaint : parsed.complaints) PrintError(complaint);
  Result<std::string> text = FormatForImage(paths->front(), parsed.config);
  if (!text) return Report(text.error());
  Print(*text);
  return 0;
}

}  // namespace nvunlock
