#include "src/model/tar.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <set>

namespace nvunlock {
namespace {

constexpr size_t kBlockSize = 512;
constexpr size_t kLongestName = 255;
constexpr char kRegularFile = '0';
constexpr char kPaxHeader = 'x';

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
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char device[16];
  char prefix[155];
  char padding[12];
};
static_assert(sizeof(Header) == kBlockSize);

constexpr std::string_view kMagic = std::string_view("ustar\0", 6);

/// FIELD up to its first NUL or its end.
template <size_t Size>
std::string_view TextOf(const char (&field)[Size]) {
  return {field, strnlen(field, Size)};
}

/// Octal digits and a NUL, which fill FIELD.
template <size_t Size>
void PutOctal(char (&field)[Size], uint64_t number) {
  snprintf(field, Size, "%0*llo", static_cast<int>(Size - 1),
           static_cast<unsigned long long>(number));
}

/// nullopt unless all of FIELD but a NUL or a space at its end is octal digits.
template <size_t Size>
std::optional<uint64_t> ReadOctal(const char (&field)[Size]) {
  uint64_t number = 0;
  for (size_t i = 0; i < Size - 1; i++) {
    bool is_end = i > 0 && (field[i] == '\0' || field[i] == ' ');
    if (is_end) return number;
    if (field[i] < '0' || field[i] > '7') return std::nullopt;
    number = number * 8 + static_cast<uint64_t>(field[i] - '0');
  }
  return number;
}

/// The sum of all bytes, with those of the checksum itself as spaces.
uint64_t ChecksumOf(Header header) {
  memset(header.checksum, ' ', sizeof(header.checksum));
  uint8_t bytes[kBlockSize];
  memcpy(bytes, &header, kBlockSize);
  uint64_t sum = 0;
  for (uint8_t byte : bytes) sum += byte;
  return sum;
}

/// No directory, nothing hidden, and nothing that a terminal acts on.
bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && name[0] != '.' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && c != '/'; });
}

Result<void> Check(const TarFile& file, const std::set<std::string>& names) {
  if (!IsPlainName(file.name)) return Fail("a file in it has a name that is not plain");
  if (names.contains(file.name)) return Fail(file.name + " is in it twice");
  if (file.content.size() > kTarFileLimit) return Fail(file.name + " is larger than 64 KiB");
  if (names.size() == kTarMostFiles) return Fail("it has too many files");
  return {};
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
  memcpy(header.magic, kMagic.data(), kMagic.size());
  memset(header.version, '0', sizeof(header.version));
  PutOctal(header.checksum, ChecksumOf(header));
  const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
  tar.insert(tar.end(), bytes, bytes + kBlockSize);
  tar.insert(tar.end(), content.begin(), content.end());
  tar.resize((tar.size() + kBlockSize - 1) / kBlockSize * kBlockSize);
}

/// "LENGTH path=NAME\n", where LENGTH counts itself, too.
std::string PaxRecord(const std::string& name) {
  std::string rest = " path=" + name + "\n";
  size_t size = rest.size();
  while (size != rest.size() + std::to_string(size).size()) {
    size = rest.size() + std::to_string(size).size();
  }
  return std::to_string(size) + rest;
}

/// Takes one entry after the other off an archive.
class Reader {
 public:
  explicit Reader(ByteView tar) : rest_(tar) {}

  /// nullopt at the end, behind which there must be zeros only.
  Result<std::optional<TarFile>> Next() {
    if (TRY(IsAtEnd())) return std::optional<TarFile>();
    Header header = TRY(TakeHeader());
    std::string name(TextOf(header.name));
    if (header.type == kPaxHeader) {
      name = TRY(NameIn(TRY(TakeContent(header))));
      header = TRY(TakeHeader());
    }
    if (header.type != kRegularFile || !TextOf(header.link_name).empty()) {
      return Fail("something in it is not a regular file");
    }
    if (!TextOf(header.prefix).empty()) return Fail("a file in it is in a directory");
    std::string content = TRY(TakeContent(header));
    return std::optional<TarFile>({std::move(name), std::move(content)});
  }

 private:
  [[nodiscard]] Result<bool> IsAtEnd() const {
    if (rest_.size() % kBlockSize != 0 || rest_.size() < 2 * kBlockSize) return CutShort();
    if (rest_[0] != 0) return false;
    bool empty = std::all_of(rest_.begin(), rest_.end(), [](uint8_t byte) { return byte == 0; });
    if (!empty) return Fail("there is something behind its end");
    return true;
  }

  static Failure CutShort() { return Fail("it is cut short"); }

  Result<Header> TakeHeader() {
    if (rest_.size() < kBlockSize) return CutShort();
    Header header;
    memcpy(&header, rest_.data(), kBlockSize);
    rest_ = rest_.subspan(kBlockSize);
    bool is_ustar = memcmp(header.magic, kMagic.data(), kMagic.size()) == 0;
    if (!is_ustar || ReadOctal(header.checksum) != ChecksumOf(header)) {
      return Fail("a header in it is damaged");
    }
    return header;
  }

  Result<std::string> TakeContent(const Header& header) {
    std::optional<uint64_t> size = ReadOctal(header.size);
    if (!size || *size > kTarFileLimit) return Fail("a file in it has an impossible size");
    size_t padded = (*size + kBlockSize - 1) / kBlockSize * kBlockSize;
    if (rest_.size() < padded) return CutShort();
    std::string content(AsText(rest_.first(*size)));
    rest_ = rest_.subspan(padded);
    return content;
  }

  static Result<std::string> NameIn(std::string_view record) {
    constexpr std::string_view kKey = " path=";
    size_t key = record.find(kKey);
    if (key == std::string_view::npos || record.back() != '\n') {
      return Fail("a pax header in it is not a name");
    }
    std::string name(record.substr(key + kKey.size()));
    name.pop_back();
    if (PaxRecord(name) != record) return Fail("a pax header in it is not a name");
    return name;
  }

  ByteView rest_;
};

}  // namespace

Result<Bytes> PackTar(const std::vector<TarFile>& files, int64_t time) {
  Bytes tar;
  std::set<std::string> names;
  for (const TarFile& file : files) {
    TRY(Check(file, names));
    names.insert(file.name);
    if (file.name.size() > sizeof(Header::name)) {
      PutFile(tar, "pax", PaxRecord(file.name), kPaxHeader, time);
    }
    PutFile(tar, file.name, file.content, kRegularFile, time);
  }
  tar.resize(tar.size() + 2 * kBlockSize);
  return tar;
}

Result<std::vector<TarFile>> UnpackTar(ByteView tar) {
  std::vector<TarFile> files;
  std::set<std::string> names;
  Reader reader(tar);
  for (;;) {
    std::optional<TarFile> file = TRY(reader.Next());
    if (!file) return files;
    TRY(Check(*file, names));
    names.insert(file->name);
    files.push_back(std::move(*file));
  }
}

}  // namespace nvunlock
