// SPDX-License-Identifier: Apache-2.0
#include "src/image/image_archive.h"

#include <sys/stat.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/image/uki.h"
#include "src/os/file_part.h"

namespace nvunlock {
namespace {

/// The first file of a patch.
constexpr char kPatchName[] = "etc/nvunlock/image-patch";
constexpr char kPatchPrefix[] = "base=";
constexpr size_t kHeaderSize = 110;

/// Blobs and key files of many DIMMs are not as large.
constexpr uint64_t kPatchLimit = 8 << 20;

/// At least so many zeros are between image and patch. A legacy lz4 file does not say where it
/// ends: Linux (from 5.14 on) takes a block of size 0 for that, and this is one.
constexpr uint64_t kGap = 4;
constexpr uint64_t kAlignment = 4;

constexpr std::string_view kBootConfigMagic = "#BOOTCONFIG\n";

/// More than there are files in any image.
constexpr size_t kEntryLimit = 1 << 18;

/// There is one, or none; other files may have something of the same look in them.
constexpr int kPatchTries = 64;

struct Patch {
  uint64_t base_size = 0;
  std::vector<CpioEntry> entries;
};

uint64_t PatchOffset(uint64_t base_size) {
  return (base_size + kGap + kAlignment - 1) / kAlignment * kAlignment;
}

/// The names of one file have the data of the one that has it. It is not copied: a small image may
/// have a file of thousands of names.
void ShareData(std::vector<CpioEntry>& entries) {
  std::map<CpioLink, const CpioEntry*> with_data;
  for (const CpioEntry& entry : entries) {
    if (entry.link && entry.data && !entry.data->empty()) with_data[*entry.link] = &entry;
  }
  for (CpioEntry& entry : entries) {
    if (!entry.link || !entry.data || !entry.data->empty()) continue;
    auto found = with_data.find(*entry.link);
    if (found == with_data.end()) continue;
    entry.data = found->second->data;
    entry.size = found->second->size;
  }
}

Result<std::vector<CpioEntry>> ReadEntries(CpioReader& reader) {
  std::vector<CpioEntry> entries;
  while (auto entry = TRY(reader.Next())) {
    if (entries.size() == kEntryLimit) return Fail("too many files");
    entries.push_back(std::move(*entry));
  }
  ShareData(entries);
  return entries;
}

/// The patch that BYTES, which are at OFFSET of the file, begin with and end with.
std::optional<Patch> ParsePatch(ByteView bytes, uint64_t offset) {
  MemorySource source(bytes);
  CpioReader reader(source, [](const std::string&) { return true; });
  Result<std::vector<CpioEntry>> entries = ReadEntries(reader);
  bool is_whole = entries && reader.AtEnd() && reader.CountArchives() == 1 && !entries->empty();
  if (!is_whole) return std::nullopt;
  const CpioEntry& first = entries->front();
  if (first.name != kPatchName || !first.data || !first.data->starts_with(kPatchPrefix)) {
    return std::nullopt;
  }
  // A file size of more than 32 bits is no image's.
  auto size = ParseUnsigned(Trim(std::string_view(*first.data).substr(sizeof(kPatchPrefix) - 1)));
  if (!size || PatchOffset(*size) != offset) return std::nullopt;
  return Patch{*size, std::move(*entries)};
}

class ImageReader {
 public:
  ImageReader(const LargeFile& file, const CpioReader::Predicate& wanted)
      : file_(file), wanted_(wanted) {}

  Result<ImageArchive> Run() {
    image_.file_version = file_.version();
    Bytes head = TRY(file_.Part(0, std::min<uint64_t>(file_.size(), kPeHeadSize)));
    if (IsPe(head)) return ReadUki(head);
    std::optional<Patch> patch = TRY(FindPatch());
    image_.base_size = patch ? patch->base_size : file_.size();
    TRY(ReadParts({0, image_.base_size}));
    if (patch) image_.layers.push_back(std::move(patch->entries));
    return std::move(image_);
  }

 private:
  Result<ImageArchive> ReadUki(ByteView head) {
    image_.is_uki = true;
    image_.base_size = file_.size();
    TRY(ReadParts(TRY(FindInitrd(head, file_.size()))));
    return std::move(image_);
  }

  [[nodiscard]] Result<std::optional<Patch>> FindPatch() const {
    static constexpr std::string_view kName = {kPatchName, sizeof(kPatchName)};
    uint64_t begin = file_.size() - std::min(file_.size(), kPatchLimit);
    Bytes end = TRY(file_.Part(begin, file_.size() - begin));
    std::string_view text = AsText(end);
    int tries = 0;
    for (size_t at = text.find(kName); at != text.npos; at = text.find(kName, at + 1)) {
      if (at < kHeaderSize || (begin + at - kHeaderSize) % kAlignment != 0) continue;
      if (++tries > kPatchTries) return Fail("it has too many patches");
      size_t start = at - kHeaderSize;
      auto patch = ParsePatch(ByteView(end).subspan(start), begin + start);
      if (patch) return patch;
    }
    return std::optional<Patch>();
  }

  Result<void> ReadParts(FileRange range) {
    TRY(CutOffBootConfig(range));
    FilePart plain(file_, range.begin, range.end);
    CpioReader reader(plain, wanted_);
    std::vector<CpioEntry> entries = TRY(ReadEntries(reader));
    if (!entries.empty()) image_.layers.push_back(std::move(entries));
    if (reader.AtEnd()) {
      return image_.layers.empty() ? Result<void>(Fail("it is empty")) : Result<void>();
    }
    range.begin += reader.offset();
    return ReadCompressed(range);
  }

  /// The boot configuration that Linux reads from the end is no part of the archive: text, its
  /// size, its checksum, magic.
  Result<void> CutOffBootConfig(FileRange& range) {
    uint64_t footer = 2 * sizeof(uint32_t) + kBootConfigMagic.size();
    uint64_t size = range.end - range.begin;
    if (size < footer) return {};
    Bytes end = TRY(file_.Part(range.end - footer, footer));
    if (!AsText(end).ends_with(kBootConfigMagic)) return {};
    uint64_t text = end[0] | end[1] << 8 | end[2] << 16 | static_cast<uint64_t>(end[3]) << 24;
    if (text > size - footer) return Fail("its boot configuration is damaged");
    range.end -= footer + text;
    image_.has_boot_config = true;
    return {};
  }

  Result<void> ReadCompressed(const FileRange& range) {
    Bytes start = TRY(file_.Part(range.begin, std::min<uint64_t>(range.end - range.begin, 8)));
    image_.compression = CompressionOf(start);
    if (!image_.compression) return Fail("its compression format is unknown");
    FilePart packed(file_, range.begin, range.end);
    auto unpacked = TRY(Decompression::Start(*image_.compression, packed));
    CpioReader reader(*unpacked, wanted_);
    std::vector<CpioEntry> entries = TRY(ReadEntries(reader));
    if (!reader.AtEnd() || entries.empty()) return Fail("it contains no cpio archive");
    image_.layers.push_back(std::move(entries));
    return {};
  }

  const LargeFile& file_;
  const CpioReader::Predicate& wanted_;
  ImageArchive image_;
};

}  // namespace

Result<ImageArchive> ReadImageArchive(const std::string& path,
                                      const CpioReader::Predicate& wanted) {
  LargeFile file = TRY(LargeFile::Open(path));
  return TRY_IN(path, ImageReader(file, wanted).Run());
}

std::map<std::string, const CpioEntry*> UnpackedTree(const ImageArchive& image) {
  std::map<std::string, const CpioEntry*> tree;
  for (const auto& layer : image.layers) {
    for (const CpioEntry& entry : layer) tree[entry.name] = &entry;
  }
  return tree;
}

std::string FormatPatch(uint64_t base_size, std::vector<CpioEntry> entries) {
  std::string text = kPatchPrefix + std::to_string(base_size) + "\n";
  entries.insert(entries.begin(), {.name = kPatchName,
                                   .mode = S_IFREG | 0600,
                                   .data = std::make_shared<const std::string>(std::move(text))});
  return std::string(PatchOffset(base_size) - base_size, '\0') + WriteCpio(entries);
}

}  // namespace nvunlock
