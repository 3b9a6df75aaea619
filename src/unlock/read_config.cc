// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/read_config.h"

#include "src/os/file.h"

namespace nvunlock {
namespace {

constexpr size_t kConfigLimit = 64 << 10;
constexpr char kConfigFile[] = "/nvunlock.conf";

std::string_view AsText(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

ParsedConfig ReadConfig(const Environment& environment) {
  std::string path = environment.config_dir + kConfigFile;
  if (!Exists(path)) return {};
  Result<Bytes> text = ReadKernelFile(path, kConfigLimit);  // it may be empty
  ParsedConfig parsed = ParseConfig(text ? AsText(*text) : "");
  if (!text) parsed.complaints.push_back(text.error().message);
  for (std::string& complaint : parsed.complaints) complaint.insert(0, path + ": ");
  return parsed;
}

ParsedConfig ReadBootConfig(const Environment& environment) {
  ParsedConfig parsed = ReadConfig(environment);
  Result<Bytes> text = ReadKernelFile(environment.kernel_command_line, kConfigLimit);
  if (text) {
    ApplyCommandLine(AsText(*text), parsed);
  } else {
    parsed.complaints.push_back(text.error().message);
  }
  return parsed;
}

}  // namespace nvunlock
