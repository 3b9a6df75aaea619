// SPDX-License-Identifier: Apache-2.0
#include "src/image/cpio.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace nvunlock {
namespace {

constexpr size_t kBufferSize = 64 << 10;
constexpr size_t kHeaderSize = 110;
constexpr size_t kMagicSize = 6;
constexpr size_t kFieldSize = 8;

/// PATH_MAX, as in the kernel.
constexpr uint32_t kNameLimit = 4096;

/// More than a real image has of names, and of files that anybody here wants.
constexpr uint64_t kKeptLimit = 32 << 20;

/// More than any image has when it is unpacked.
constexpr uint64_t kSizeLimit = uint64_t{8} << 30;

constexpr char kTrailer[] = "TRAILER!!!";

/// The numbers of a header, in their order.
enum Field {
  kInode,
  kMode,
  kUid,
  kGid,
  kLinks,
  kTime,
  kSize,
  kMajor,
  kMinor,
  kDeviceMajor,
  kDeviceMinor,
  kNameSize,
  kCheck,
  kFields
};
using Header = std::array<uint32_t, kFields>;

Result<Header> ParseHeader(std::string_view text) {
  if (!text.starts_with("070701") && !text.starts_with("070702")) {
    return Fail("not a cpio archive that Linux can unpack");
  }
  Header header;
  for (size_t i = 0; i < header.size(); i++) {
    const char* digits = text.data() + kMagicSize + i * kFieldSize;
    auto [end, error] = std::from_chars(digits, digits + kFieldSize, header[i], 16);
    if (error != std::errc() || end != digits + kFieldSize) {
      return Fail("a header of the cpio archive is damaged");
    }
  }
  return header;
}

std::string Normalize(std::string name) {
  for (;;) {
    if (name.starts_with("./")) {
      name.erase(0, 2);
    } else if (name.starts_with('/')) {
      name.erase(0, 1);
    } else {
      return name;
    }
  }
}

void Pad(std::string& archive) {
  archive.append(-archive.size() & 3, '\0');
}

void AppendEntry(std::string& archive, const CpioEntry& entry, uint32_t inode) {
  Header header = {};
  header[kInode] = inode;
  header[kMode] = entry.mode;
  header[kLinks] = 1;
  header[kSize] = static_cast<uint32_t>(entry.data ? entry.data->size() : 0);
  header[kNameSize] = static_cast<uint32_t>(entry.name.size() + 1);
  archive += "070701";
  for (uint32_t number : header) {
    char digits[kFieldSize + 1];
    snprintf(digits, sizeof(digits), "%08X", number);
    archive += digits;
  }
  archive.append(entry.name.c_str(), entry.name.size() + 1);
  Pad(archive);
  if (entry.data) archive += *entry.data;
  Pad(archive);
}

}  // namespace

Result<void> CpioReader::FillBuffer() {
  if (position_ < buffer_.size()) return {};
  buffer_.resize(kBufferSize);
  position_ = 0;
  if (offset_ > kSizeLimit) return Fail("larger than 8 GiB when unpacked");
  Result<size_t> count = source_.Read(buffer_);
  buffer_.resize(count ? *count : 0);
  if (!count) return Failure(std::move(count.error()));
  return {};
}

/// False at the end of the source.
Result<bool> CpioReader::SkipZeros() {
  for (;;) {
    TRY(FillBuffer());
    if (buffer_.empty()) return false;
    if (buffer_[position_] != 0) return true;
    position_++;
    offset_++;
  }
}

Result<std::string> CpioReader::Take(uint64_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    TRY(FillBuffer());
    if (buffer_.empty()) return Fail("the cpio archive is truncated");
    size_t count = std::min(static_cast<size_t>(size) - bytes.size(), buffer_.size() - position_);
    bytes.append(reinterpret_cast<const char*>(&buffer_[position_]), count);
    position_ += count;
    offset_ += count;
  }
  return bytes;
}

Result<void> CpioReader::Skip(uint64_t size) {
  while (size > 0) {
    TRY(FillBuffer());
    if (buffer_.empty()) return Fail("the cpio archive is truncated");
    size_t count =
        static_cast<size_t>(std::min(size, static_cast<uint64_t>(buffer_.size() - position_)));
    position_ += count;
    offset_ += count;
    size -= count;
  }
  return {};
}

/// The last file of an archive may end without.
Result<void> CpioReader::SkipPadding() {
  return Skip(-offset_ & 3);
}

Result<void> CpioReader::Keep(uint64_t size) {
  kept_ += size;
  if (kept_ > kKeptLimit) return Fail("too many files, or nvunlock's are too large");
  return {};
}

Result<CpioEntry> CpioReader::ReadEntry() {
  Header header = TRY(ParseHeader(TRY(Take(kHeaderSize))));
  if (header[kNameSize] == 0 || header[kNameSize] > kNameLimit) {
    return Fail("a name in the cpio archive is too long");
  }
  std::string name = TRY(Take(header[kNameSize]));
  TRY(Keep(name.size()));
  if (name.find('\0') != name.size() - 1) {
    return Fail("a name in the cpio archive has the wrong length");
  }
  name.pop_back();
  TRY(SkipPadding());
  CpioEntry entry;
  entry.name = Normalize(std::move(name));
  entry.mode = header[kMode];
  entry.size = header[kSize];
  bool has_names = S_ISREG(entry.mode) && header[kLinks] > 1;
  if (has_names) entry.link = {archive_, header[kMajor], header[kMinor], header[kInode]};
  if (entry.size <= kCpioKeptFileLimit && (has_names || wanted_(entry.name))) {
    TRY(Keep(entry.size));
    entry.data = std::make_shared<const std::string>(TRY(Take(entry.size)));
  } else {
    TRY(Skip(entry.size));
  }
  TRY(SkipPadding());
  return entry;
}

Result<std::optional<CpioEntry>> CpioReader::Next() {
  for (;;) {
    if (!TRY(SkipZeros())) {
      if (in_archive_) return Fail("the cpio archive is truncated");
      return std::optional<CpioEntry>();
    }
    // Linux takes an archive only at a multiple of 4.
    if (buffer_[position_] != '0' || offset_ % 4 != 0) {
      if (in_archive_) return Fail("the cpio archive is damaged");
      return std::optional<CpioEntry>();
    }
    in_archive_ = true;
    CpioEntry entry = TRY(ReadEntry());
    if (entry.name != kTrailer) return std::optional<CpioEntry>(std::move(entry));
    in_archive_ = false;
    archive_++;
  }
}

std::string WriteCpio(const std::vector<CpioEntry>& entries) {
  std::string archive;
  uint32_t inode = 1;
  for (const CpioEntry& entry : entries) AppendEntry(archive, entry, inode++);
  AppendEntry(archive, {.name = kTrailer}, 0);
  return archive;
}

}  // namespace nvunlock
