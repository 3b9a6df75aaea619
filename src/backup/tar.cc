// SPDX-License-Identifier: Apache-2.0
#include "src/backup/tar.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <optional>
#include <set>

namespace nvunlock {
namespace {

constexpr size_t kBlockSize = 512;
constexpr size_t kLongestName = 255;
constexpr char kRegularFile = '0';
constexpr char kLongName = 'L';  ///< GNU tar's: its content is the name of the next file

/// POSIX.1-2001, "ustar Interchange Format".
struct Header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link_name[100];
  char magic[8];  ///< and version
  char owner[80];
  char prefix[155];
  char padding[12];
};
static_assert(sizeof(Header) == kBlockSize);

constexpr char kMagic[] = {'u', 's', 't', 'a', 'r', '\0', '0', '0'};

/// Octal digits and a NUL, which fill FIELD.
template <size_t Size>
void PutOctal(char (&field)[Size], uint64_t number) {
  snprintf(field, Size, "%0*llo", static_cast<int>(Size - 1),
           static_cast<unsigned long long>(number));
}

/// Octal digits up to a NUL, a space or the end of FIELD; nullopt when there is anything else.
template <size_t Size>
std::optional<uint64_t> ReadOctal(const char (&field)[Size]) {
  uint64_t number = 0;
  for (char c : field) {
    if (c == '\0' || c == ' ') break;
    if (c < '0' || c > '7') return std::nullopt;
    number = number * 8 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

/// The sum of all bytes, with those of the checksum itself as spaces.
uint64_t ChecksumOf(Header header) {
  memset(header.checksum, ' ', sizeof(header.checksum));
  const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
  return std::accumulate(bytes, bytes + kBlockSize, uint64_t{0});
}

/// No directory, nothing hidden, and nothing that a terminal acts on.
bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && name[0] != '.' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && c != '/'; });
}

void PutFile(Bytes& tar, std::string_view name, std::string_view content, char type, int64_t time) {
  Header header = {};
  memcpy(header.name, name.data(), std::min(name.size(), sizeof(header.name)));
  PutOctal(header.mode, 0600);
  PutOctal(header.uid, 0);
  PutOctal(header.gid, 0);
  PutOctal(header.size, content.size());
  PutOctal(header.mtime, static_cast<uint64_t>(time));
  header.type = type;
  memcpy(header.magic, kMagic, sizeof(header.magic));
  PutOctal(header.checksum, ChecksumOf(header));
  const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
  tar.insert(tar.end(), bytes, bytes + kBlockSize);
  tar.insert(tar.end(), content.begin(), content.end());
  tar.resize((tar.size() + kBlockSize - 1) / kBlockSize * kBlockSize);
}

Failure CutShort() {
  return Fail("it is truncated or not a tar archive");
}

/// Behind the end there must be zeros only.
Result<bool> IsAtEnd(ByteView rest) {
  if (rest.size() % kBlockSize != 0 || rest.size() < 2 * kBlockSize) return CutShort();
  if (rest[0] != 0) return false;
  bool empty = std::all_of(rest.begin(), rest.end(), [](uint8_t byte) { return byte == 0; });
  if (!empty) return Fail("it has data after its end");
  return true;
}

Result<Header> TakeHeader(ByteView& rest) {
  if (rest.size() < kBlockSize) return CutShort();
  Header header;
  memcpy(&header, rest.data(), kBlockSize);
  rest = rest.subspan(kBlockSize);
  if (ReadOctal(header.checksum) == ChecksumOf(header)) return header;
  return Fail("a header in it is damaged");
}

Result<std::string> TakeContent(ByteView& rest, const Header& header) {
  std::optional<uint64_t> size = ReadOctal(header.size);
  if (!size || *size > kTarFileLimit) return Fail("a file in it has an impossible size");
  size_t padded = (*size + kBlockSize - 1) / kBlockSize * kBlockSize;
  if (rest.size() < padded) return CutShort();
  std::string content(AsText(rest.first(*size)));
  rest = rest.subspan(padded);
  return content;
}

Result<TarFile> TakeFile(ByteView& rest) {
  Header header = TRY(TakeHeader(rest));
  std::string name(header.name, strnlen(header.name, sizeof(header.name)));
  if (header.type == kLongName) {
    name = TRY(TakeContent(rest, header)).c_str();  // up to its NUL
    header = TRY(TakeHeader(rest));
  }
  if (header.type != kRegularFile) return Fail("an entry in it is not a regular file");
  if (header.prefix[0] != '\0') return Fail("a file in it is in a directory");
  std::string content = TRY(TakeContent(rest, header));
  return TarFile{std::move(name), std::move(content)};
}

}  // namespace

Bytes PackTar(const std::vector<TarFile>& files, int64_t time) {
  Bytes tar;
  for (const TarFile& file : files) {
    if (file.name.size() > sizeof(Header::name)) {
      PutFile(tar, "././@LongLink", file.name + '\0', kLongName, time);
    }
    PutFile(tar, file.name, file.content, kRegularFile, time);
  }
  tar.resize(tar.size() + 2 * kBlockSize);
  return tar;
}

Result<std::vector<TarFile>> UnpackTar(ByteView tar) {
  std::vector<TarFile> files;
  std::set<std::string> names;
  while (!TRY(IsAtEnd(tar))) {
    TarFile file = TRY(TakeFile(tar));
    if (!IsPlainName(file.name)) return Fail("a file in it has an invalid name");
    if (!names.insert(file.name).second) return Fail(file.name + " occurs in it twice");
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace nvunlock
