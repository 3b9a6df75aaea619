// SPDX-License-Identifier: Apache-2.0
// kexec_boot KERNEL INITRAMFS COMMAND-LINE: loads and starts another kernel in place of the one
// that runs, with the system calls of "kexec --kexec-file-syscall --load" and "kexec --exec". Not
// kexec-tools' own program, because to install that package is to change how the host reboots.
#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

[[noreturn]] void Die(const char* what) {
  perror(what);
  exit(1);
}

int Open(const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) Die(path);
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: kexec_boot KERNEL INITRAMFS COMMAND-LINE\n");
    return 2;
  }
  int kernel = Open(argv[1]);
  int initramfs = Open(argv[2]);
  const char* command_line = argv[3];
  if (syscall(SYS_kexec_file_load, kernel, initramfs, strlen(command_line) + 1, command_line, 0) !=
      0) {
    Die("kexec_file_load");
  }
  sync();
  syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, nullptr);
  Die("reboot into it");
}
