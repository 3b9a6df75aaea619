// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_SAMPLE_IMAGE_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_SAMPLE_IMAGE_H_

#include <sys/stat.h>

#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "src/image/cpio.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {

/// An initramfs image that a test makes up.
class SampleImage {
 public:
  void Put(const std::string& path, const std::string& content, mode_t mode = S_IFREG | 0600) {
    files_[path] = {.name = path,
                    .mode = mode,
                    .size = content.size(),
                    .data = std::make_shared<const std::string>(content)};
  }
  void Remove(const std::string& path) { files_.erase(path); }

  [[nodiscard]] std::string Archive() const {
    std::vector<CpioEntry> entries;
    for (const auto& [path, entry] : files_) entries.push_back(entry);
    return WriteCpio(entries);
  }

 private:
  std::map<std::string, CpioEntry> files_;
};

/// CONTENT as COMMAND packs it, such as "gzip -c".
inline std::string Packed(const std::string& command, const std::string& content) {
  TemporaryDirectory directory;
  std::string plain = directory.Write("plain", content);
  std::string line = command + " <" + plain + " >" + directory.PathOf("packed");
  if (std::system(line.c_str()) != 0) throw std::runtime_error(command + " failed");
  return directory.Read("packed");
}

/// A number as PE files have it.
inline std::string InLittleEndian(uint64_t number, size_t size) {
  std::string bytes;
  for (; size > 0; size--, number >>= 8) bytes += static_cast<char>(number & 0xff);
  return bytes;
}

/// A UKI with an .initrd section, behind another one.
inline std::string SampleUki(const std::string& initrd) {
  constexpr size_t kInitrdAt = 0x400;
  std::string head = "MZ" + std::string(0x3a, '\0') + InLittleEndian(0x80, 4);
  head.resize(0x80);
  head += std::string("PE\0\0", 4) + InLittleEndian(0x8664, 2) + InLittleEndian(2, 2);
  head +=
      std::string(12, '\0') + InLittleEndian(16, 2) + InLittleEndian(0, 2) + std::string(16, '\0');
  auto section = [](const std::string& name, uint64_t size, uint64_t offset) {
    std::string text = name;
    text.resize(8);
    return text + InLittleEndian(size, 4) + InLittleEndian(0, 4) +
           InLittleEndian((size + 511) & ~511, 4) + InLittleEndian(offset, 4) +
           std::string(16, '\0');
  };
  head += section(".linux", 16, 0x200) + section(".initrd", initrd.size(), kInitrdAt);
  head.resize(kInitrdAt);
  std::string file = head + initrd;
  file.resize(kInitrdAt + ((initrd.size() + 511) & ~size_t{511}));
  return file;
}

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_SAMPLE_IMAGE_H_
