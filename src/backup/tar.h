// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_BACKUP_TAR_H_
#define NVUNLOCK_BACKUP_TAR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/result.h"

namespace nvunlock {

/// A file of an archive: a plain name without a directory, and its content.
struct TarFile {
  std::string name;
  std::string content;

  bool operator==(const TarFile&) const = default;
};

/// The largest file that is taken out of an archive.
inline constexpr size_t kTarFileLimit = 64 << 10;

/// A ustar archive (POSIX.1-2001) of FILES, all of mode 0600, of root and changed at TIME, in
/// seconds since 1970. Names too long for ustar are written as GNU tar does. UnpackTar says whether
/// it can be read.
Bytes PackTar(const std::vector<TarFile>& files, int64_t time);

/// Reads what PackTar makes, as hostile input: regular files only, each within the limit and with
/// a plain name of its own, and nothing else. Fails with one cause.
Result<std::vector<TarFile>> UnpackTar(ByteView tar);

}  // namespace nvunlock

#endif  // NVUNLOCK_BACKUP_TAR_H_
