#include "src/procedures/read_config.h"

#include "src/os/file.h"

namespace nvunlock {
namespace {

constexpr size_t kConfigLimit = 64 << 10;
constexpr char kConfigFile[] = "/nvunlock.conf";

}  // namespace

ParsedConfig ReadConfig(const Environment& environment) {
  std::string path = environment.config_dir + kConfigFile;
  if (!Exists(path)) return {};
  Result<std::string> text = ReadFile(path, kConfigLimit);
  ParsedConfig parsed = ParseConfig(text.value_or(""));
  if (!text) parsed.complaints.push_back(text.error().message);
  for (std::string& complaint : parsed.complaints) complaint.insert(0, path + ": ");
  return parsed;
}

ParsedConfig ReadBootConfig(const Environment& environment) {
  ParsedConfig parsed = ReadConfig(environment);
  Result<Bytes> text = ReadKernelFile(environment.kernel_command_line, kConfigLimit);
  if (text) {
    ApplyCommandLine({reinterpret_cast<const char*>(text->data()), text->size()}, parsed);
  } else {
    parsed.complaints.push_back(text.error().message);
  }
  return parsed;
}

}  // namespace nvunlock
