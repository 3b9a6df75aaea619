// SPDX-License-Identifier: Apache-2.0
#include "test/unit/support/event_logs.h"

#include "test/unit/support/swtpm.h"

namespace nvunlock {

Bytes LittleEndian(uint64_t number, size_t size) {
  Bytes bytes = BigEndian(number, size);
  return {bytes.rbegin(), bytes.rend()};
}

void LogWriter::AddSpecId(const Algorithms& algorithms, size_t count) {
  std::string data("Spec ID Event03\0", 16);
  auto append = [&](const Bytes& bytes) { data += AsText(bytes); };
  append({0, 0, 0, 0, 0, 2, 0, 2});
  append(LittleEndian(count, 4));
  for (const auto& [algorithm, size] : algorithms) {
    append(LittleEndian(algorithm, 2));
    append(LittleEndian(size, 2));
  }
  append({3, 'v', 'e', 'n'});
  AddLegacy(0, kNoActionEvent, Bytes(20), data);
}

void LogWriter::AddAgile(uint32_t pcr, uint32_t type, const std::vector<LoggedDigest>& digests,
                         std::string_view data, size_t count) {
  Add(LittleEndian(pcr, 4));
  Add(LittleEndian(type, 4));
  Add(LittleEndian(count, 4));
  for (const LoggedDigest& logged : digests) {
    Add(LittleEndian(logged.algorithm, 2));
    Add(logged.digest);
  }
  AddData(data);
}

void LogWriter::AddLegacy(uint32_t pcr, uint32_t type, const Bytes& digest, std::string_view data) {
  Add(LittleEndian(pcr, 4));
  Add(LittleEndian(type, 4));
  Add(digest);
  AddData(data);
}

void LogWriter::AddData(std::string_view data) {
  Add(LittleEndian(data.size(), 4));
  Add(Bytes(data.begin(), data.end()));
  ends_.push_back(bytes_.size());
}

std::vector<LoggedDigest> BothDigests(uint8_t byte) {
  return {{TPM2_ALG_SHA1, Bytes(20, byte)}, {TPM2_ALG_SHA256, Bytes(32, byte)}};
}

Bytes LogOfPcrs(const std::vector<unsigned>& pcrs) {
  LogWriter log;
  log.AddSpecId({{TPM2_ALG_SHA1, 20}, {TPM2_ALG_SHA256, 32}});
  for (unsigned pcr : pcrs) log.AddAgile(pcr, kSeparatorEvent, BothDigests(1));
  return log.bytes();
}

void ExtendBoth(Tpm& tpm, unsigned pcr, uint8_t byte) {
  for (const char* bank : {"sha1", "sha256"}) ExtendPcr(tpm, pcr, *FindPcrBank(bank), byte);
}

}  // namespace nvunlock
