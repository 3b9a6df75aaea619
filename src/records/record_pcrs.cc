// SPDX-License-Identifier: Apache-2.0
#include "src/records/record_pcrs.h"

#include "src/model/pcr_signature.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

constexpr size_t kRecordLimit = 64 << 10;

std::string RecordPath(const Environment& environment) {
  return environment.run_dir + "/" + kPcrRecordFile;
}

/// What systemd-stub hands over is in the initramfs only, and a later enroll wants it.
Result<void> KeepStubFiles(const Environment& environment) {
  for (const char* name : {kPcrSignatureFile, kPcrPublicKeyFile}) {
    std::string source = environment.stub_dir + "/" + name;
    if (!Exists(source)) continue;
    std::string content = TRY(ReadFile(source, kPcrSignatureLimit));
    TRY(WriteFileDurably(environment.run_dir + "/" + name, content, 0644, IfPresent::kReplace));
  }
  return {};
}

}  // namespace

bool PcrsAreRecorded(const Environment& environment) {
  return Exists(RecordPath(environment));
}

Result<void> RecordPcrs(const Environment& environment, TpmConnection& connection) {
  if (PcrsAreRecorded(environment)) return {};
  Result<Tpm*> tpm = connection.Get();
  if (!tpm) return {};
  constexpr uint32_t kAllPcrs = (1U << kPcrCount) - 1;
  PcrRecord record = {.in_initramfs = Exists(environment.image_facts), .banks = {}};
  for (const PcrBank& bank : KnownPcrBanks()) {
    Result<PcrValues> values = ReadPcrs(**tpm, bank, kAllPcrs);
    if (values) record.banks[bank.name] = std::move(*values);
  }
  TRY(MakeDirectories(environment.run_dir, 0755));
  TRY(KeepStubFiles(environment));
  return WriteFileDurably(RecordPath(environment), FormatPcrRecord(record), 0644,
                          IfPresent::kReplace);
}

Result<std::optional<PcrRecord>> ReadPcrRecord(const Environment& environment) {
  std::string path = RecordPath(environment);
  if (!Exists(path)) return std::optional<PcrRecord>();
  std::string text = TRY(ReadFile(path, kRecordLimit));
  return TRY_IN(path, ParsePcrRecord(text));
}

}  // namespace nvunlock
