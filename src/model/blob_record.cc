// SPDX-License-Identifier: Apache-2.0
#include "src/model/blob_record.h"

#include <algorithm>

#include "src/base/hex.h"
#include "src/base/text.h"
#include "src/crypto/hash.h"
#include "src/model/dimm_id.h"

namespace nvunlock {
namespace {

constexpr std::string_view kMacInfo = "blob record";

std::string WithoutMac(const RecordLine& line) {
  return line.passphrase + " " + line.hash + " " + line.kek;
}

Result<std::string> Authenticate(const RecordLine& line, const Secret& kek) {
  Secret key = TRY(HkdfSha256(kek.bytes(), kMacInfo, 32));
  return ToHex(HmacSha256(key.bytes(), {AsBytes(WithoutMac(line))}));
}

}  // namespace

std::string RecordLine::ToString() const {
  return WithoutMac(*this) + " " + mac;
}

std::string HashOfBlob(std::string_view blob_text) {
  return ToHex(Sha256({AsBytes(Trim(blob_text))}));
}

std::string PassphraseName(PassphraseRole role, const DimmId& dimm_id) {
  return BlobKind{role}.KeyDescription(dimm_id.canonical());
}

Result<RecordLine> MakeRecordLine(const std::string& passphrase, const Enc32Blob& blob,
                                  const Secret& kek) {
  RecordLine line = {passphrase, HashOfBlob(blob.text), blob.kek.ToString(), ""};
  line.mac = TRY(Authenticate(line, kek));
  return line;
}

Result<bool> IsAuthentic(const RecordLine& line, const Secret& kek) {
  std::string expected = TRY(Authenticate(line, kek));
  return EqualInConstantTime(AsBytes(line.mac), AsBytes(expected));
}

std::optional<RecordLine> ParseRecordLine(std::string_view text) {
  std::vector<std::string_view> words = Split(text, ' ');
  if (words.size() != 4 || std::find(words.begin(), words.end(), "") != words.end()) {
    return std::nullopt;
  }
  return RecordLine{std::string(words[0]), std::string(words[1]), std::string(words[2]),
                    std::string(words[3])};
}

BlobRecord ParseBlobRecord(std::string_view text) {
  BlobRecord record;
  for (std::string_view part : Split(text, '\n')) {
    if (part.empty() || part.starts_with('#')) continue;
    std::optional<RecordLine> line = ParseRecordLine(part);
    if (line) {
      record.lines.push_back(std::move(*line));
    } else {
      record.damaged++;
    }
  }
  return record;
}

std::string FormatBlobRecord(const std::vector<RecordLine>& lines) {
  std::string text = "# passphrase, SHA-256 of a blob that holds it, its kek, MAC of the line\n";
  for (const RecordLine& line : lines) text += line.ToString() + "\n";
  return text;
}

std::set<std::string> RecordedBlobs::PassphrasesOf(const Enc32Blob& blob) const {
  std::set<std::string> names;
  const std::string hash = HashOfBlob(blob.text);
  const std::string kek = blob.kek.ToString();
  for (const RecordLine& line : lines_) {
    if (line.hash == hash && line.kek == kek) names.insert(line.passphrase);
  }
  return names;
}

Result<size_t> AddAuthentic(const BlobRecord& record, const KekName& name, const Secret& kek,
                            RecordedBlobs& recorded) {
  size_t damaged = 0;
  for (const RecordLine& line : record.lines) {
    if (line.kek != name.ToString()) continue;
    if (TRY(IsAuthentic(line, kek))) {
      recorded.Add(line);
    } else {
      damaged++;
    }
  }
  return damaged;
}

}  // namespace nvunlock
