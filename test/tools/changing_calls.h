// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_TOOLS_CHANGING_CALLS_H_
#define NVUNLOCK_TEST_TOOLS_CHANGING_CALLS_H_

#include <linux/keyctl.h>
#include <sys/syscall.h>

#include <map>

/// A system call that can change something outside of the process: which arguments tell what.
struct Call {
  const char* name;
  int path = -1;   ///< argument that is a path
  int other = -1;  ///< a second one
  int fd = -1;     ///< argument that is an open file
  int flags = -1;  ///< argument with open flags: it counts only if it creates or truncates
};

/// By number.
inline const std::map<long, Call> kCalls = {
    {SYS_open, {.name = "open", .path = 0, .flags = 1}},
    {SYS_openat, {.name = "openat", .path = 1, .flags = 2}},
    {SYS_creat, {.name = "creat", .path = 0}},
    {SYS_write, {.name = "write", .fd = 0}},
    {SYS_writev, {.name = "writev", .fd = 0}},
    {SYS_pwrite64, {.name = "pwrite", .fd = 0}},
    {SYS_pwritev, {.name = "pwritev", .fd = 0}},
    {SYS_pwritev2, {.name = "pwritev2", .fd = 0}},
    {SYS_sendfile, {.name = "sendfile", .fd = 0}},
    {SYS_splice, {.name = "splice", .fd = 2}},
    {SYS_copy_file_range, {.name = "copy_file_range", .fd = 2}},
    {SYS_rename, {.name = "rename", .path = 0, .other = 1}},
    {SYS_renameat, {.name = "renameat", .path = 1, .other = 3}},
    {SYS_renameat2, {.name = "renameat2", .path = 1, .other = 3}},
    {SYS_unlink, {.name = "unlink", .path = 0}},
    {SYS_unlinkat, {.name = "unlinkat", .path = 1}},
    {SYS_rmdir, {.name = "rmdir", .path = 0}},
    {SYS_mkdir, {.name = "mkdir", .path = 0}},
    {SYS_mkdirat, {.name = "mkdirat", .path = 1}},
    {SYS_mknodat, {.name = "mknodat", .path = 1}},
    {SYS_link, {.name = "link", .path = 0, .other = 1}},
    {SYS_linkat, {.name = "linkat", .path = 1, .other = 3}},
    {SYS_symlink, {.name = "symlink", .path = 0, .other = 1}},
    {SYS_symlinkat, {.name = "symlinkat", .path = 0, .other = 2}},
    {SYS_truncate, {.name = "truncate", .path = 0}},
    {SYS_ftruncate, {.name = "ftruncate", .fd = 0}},
    {SYS_fallocate, {.name = "fallocate", .fd = 0}},
    {SYS_chmod, {.name = "chmod", .path = 0}},
    {SYS_fchmod, {.name = "fchmod", .fd = 0}},
    {SYS_fchmodat, {.name = "fchmodat", .path = 1}},
    {SYS_chown, {.name = "chown", .path = 0}},
    {SYS_lchown, {.name = "lchown", .path = 0}},
    {SYS_fchown, {.name = "fchown", .fd = 0}},
    {SYS_fchownat, {.name = "fchownat", .path = 1}},
    {SYS_utimensat, {.name = "utimensat", .fd = 0}},
    {SYS_fsetxattr, {.name = "fsetxattr", .fd = 0}},
    {SYS_fsync, {.name = "fsync", .fd = 0}},
    {SYS_fdatasync, {.name = "fdatasync", .fd = 0}},
    {SYS_syncfs, {.name = "syncfs", .fd = 0}},
    {SYS_sync, {.name = "sync"}},
    {SYS_mount, {.name = "mount", .path = 0, .other = 1}},
    {SYS_umount2, {.name = "umount2", .path = 0}},
    {SYS_add_key, {.name = "add_key", .path = 0, .other = 1}},
    {SYS_request_key, {.name = "request_key", .path = 0, .other = 1}},
    {SYS_init_module, {.name = "init_module"}},
    {SYS_finit_module, {.name = "finit_module", .fd = 0}},
    {SYS_delete_module, {.name = "delete_module", .path = 0}},
};

/// Operations of keyctl that change a key or a keyring.
inline const std::map<long, const char*> kKeyOperations = {
    {KEYCTL_JOIN_SESSION_KEYRING, "join session"},
    {KEYCTL_UPDATE, "update"},
    {KEYCTL_REVOKE, "revoke"},
    {KEYCTL_CHOWN, "chown"},
    {KEYCTL_SETPERM, "setperm"},
    {KEYCTL_CLEAR, "clear"},
    {KEYCTL_LINK, "link"},
    {KEYCTL_UNLINK, "unlink"},
    {KEYCTL_SET_TIMEOUT, "set timeout"},
    {KEYCTL_INVALIDATE, "invalidate"},
    {KEYCTL_MOVE, "move"},
};

#endif  // NVUNLOCK_TEST_TOOLS_CHANGING_CALLS_H_
