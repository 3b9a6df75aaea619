// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_OS_FILE_H_
#define NVUNLOCK_OS_FILE_H_

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"

namespace nvunlock {

/// The directory that PATH lies in.
std::string DirectoryOf(const std::string& path);

/// PATH without symbolic links in it.
Result<std::string> ResolvePath(const std::string& path);

/// True when PATH names something that exists.
bool Exists(const std::string& path);

/// True when PATH names a directory.
bool IsDirectory(const std::string& path);

/// True when PATH is a symbolic link.
bool IsLink(const std::string& path);

/// True when PATH names an empty regular file.
bool IsEmpty(const std::string& path);

/// The whole of a regular file that holds 1 to LIMIT bytes; anything else is an error that says
/// so. Never blocks on a FIFO or a device.
Result<std::string> ReadFile(const std::string& path, size_t limit);

/// ReadFile for bytes that must stay secret.
Result<Secret> ReadSecretFile(const std::string& path, size_t limit);

/// The whole of a file that the kernel makes up, whose size it does not tell, and which has at most
/// LIMIT bytes.
Result<Bytes> ReadKernelFile(const std::string& path, size_t limit);

/// When the content of a file was last changed, in seconds since 1970.
Result<int64_t> ModificationTime(const std::string& path);

/// What a sysfs attribute holds now, without the newline.
Result<std::string> ReadAttribute(const std::string& path);

/// Writes TEXT to a sysfs attribute with one write(2).
Result<void> WriteAttribute(const std::string& path, std::string_view text);

/// WriteAttribute for who acts on the error number: returns it, or 0.
int TryWriteAttribute(const std::string& path, std::string_view text);

/// Names in a directory but for "." and "..", in the order in which the file system keeps them.
Result<std::vector<std::string>> ListUnsorted(const std::string& path);

/// Names in a directory but for "." and "..", sorted; numbers in them count as numbers, so that
/// nmem10 follows nmem9.
Result<std::vector<std::string>> ListDirectory(const std::string& path);

/// Paths of all regular files at and below PATH; symbolic links are not followed.
Result<std::vector<std::string>> FilesBelow(const std::string& path);

/// Makes PATH and what leads to it, with MODE for each new directory.
Result<void> MakeDirectories(const std::string& path, mode_t mode);

enum class IfPresent { kReplace, kFail };

/// Puts CONTENT into place at PATH so that a reader, also one after a power cut, sees the old
/// file or the whole new one: temporary file beside it, fsync, rename, fsync of the directory.
/// With kFail an existing file is left alone and is an error.
Result<void> WriteFileDurably(const std::string& path, std::string_view content, mode_t mode,
                              IfPresent if_present);

/// Removes what a WriteFileDurably that was killed has left in the directory. Nobody may be
/// writing.
Result<void> RemoveTemporaryFiles(const std::string& directory);

/// Gives the file FROM the name TO in the same directory, in place of any file of that name, so
/// that it stays so after a power cut.
Result<void> RenameDurably(const std::string& from, const std::string& to);

/// Removes a file so that it stays so after a power cut. It is no error when there is none.
Result<void> RemoveDurably(const std::string& path);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_FILE_H_
