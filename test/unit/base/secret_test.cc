// SPDX-License-Identifier: Apache-2.0
#include "src/base/secret.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <string>
#include <type_traits>

#include "src/base/unique_fd.h"
#include "test/unit/support/byte_strings.h"

namespace nvunlock {
namespace {

using testing::Each;
using testing::ExitedWithCode;
using testing::HasSubstr;

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);

bool KernelHasSecretMemory() {
  return UniqueFd(static_cast<int>(syscall(SYS_memfd_secret, O_CLOEXEC))).valid();
}

/// From now on this process is on a kernel without memfd_secret(2), such as Debian 6.1.
void LoseSecretMemory() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_secret, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program = {.len = std::size(code), .filter = code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/// The flags that the kernel gives the memory at ADDRESS (proc(5), smaps).
std::string MemoryFlags(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  std::string start = ToHex(BigEndian(reinterpret_cast<uintptr_t>(address), 6)) + "-";
  bool found = false;
  for (std::string line; std::getline(smaps, line);) {
    found = found || line.starts_with(start);
    if (found && line.starts_with("VmFlags:")) return line + " ";
  }
  return "";
}

TEST(SecretTest, IsZeroAndOfTheSizeAskedFor) {
  for (size_t size : {size_t{1}, size_t{32}, size_t{4096}, size_t{4097}, size_t{64} << 10}) {
    Secret secret = Must(Secret::Create(size));
    EXPECT_EQ(secret.size(), size);
    EXPECT_EQ(secret.bytes().size(), size);
    EXPECT_THAT(secret.bytes(), Each(0));
  }
}

TEST(SecretTest, RefusesImpossibleSizes) {
  for (size_t size : {size_t{0}, (size_t{64} << 10) + 1, SIZE_MAX}) {
    EXPECT_THAT(Secret::Create(size), FailsWith(Errc::kFailed)) << size;
  }
}

TEST(SecretTest, EverySecretHasAPageOfItsOwn) {
  Secret one = Must(Secret::Create(1));
  Secret other = Must(Secret::Create(1));
  auto page_of = [](const Secret& secret) {
    return reinterpret_cast<uintptr_t>(secret.bytes().data()) / 4096;
  };
  EXPECT_NE(page_of(one), page_of(other));
}

TEST(SecretTest, ReportsTheProtectionThatThisKernelGives) {
  MemoryProtection best =
      KernelHasSecretMemory() ? MemoryProtection::kSecretMemory : MemoryProtection::kLockedMemory;
  EXPECT_EQ(Must(Secret::Create(32)).protection(), best);
}

TEST(SecretTest, StaysOutOfCoreDumpsSwapAndForkedChildren) {
  Secret secret = Must(Secret::Create(32));
  std::string flags = MemoryFlags(secret.bytes().data());
  EXPECT_THAT(flags, HasSubstr(" dd "));  // do not dump
  EXPECT_THAT(flags, HasSubstr(" lo "));  // locked
  EXPECT_THAT(flags, HasSubstr(" dc "));  // do not copy on fork
}

TEST(SecretTest, ProcMemDoesNotShowSecretMemory) {
  if (!KernelHasSecretMemory()) GTEST_SKIP() << "this kernel has no memfd_secret(2)";
  Secret secret = SampleSecret(32);
  UniqueFd memory(open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  uint8_t seen[32];
  auto address = reinterpret_cast<off_t>(secret.bytes().data());
  EXPECT_EQ(pread(memory.get(), seen, sizeof(seen), address), -1);
}

TEST(SecretTest, FallsBackToLockedMemoryWithoutSecretMemory) {
  auto check = [] {
    LoseSecretMemory();
    Secret secret = SampleSecret(5000);
    std::string flags = MemoryFlags(secret.bytes().data());
    bool kept = flags.find(" dd ") != std::string::npos &&
                flags.find(" lo ") != std::string::npos && flags.find(" dc ") != std::string::npos;
    _exit(secret.protection() == MemoryProtection::kLockedMemory && kept ? 0 : 1);
  };
  EXPECT_EXIT(check(), ExitedWithCode(0), "");
}

TEST(SecretTest, FailsRatherThanUseMemoryThatIsNotLocked) {
  auto check = [] {
    LoseSecretMemory();
    const rlimit none = {0, 0};
    setrlimit(RLIMIT_MEMLOCK, &none);
    if (setresuid(65534, 65534, 65534) != 0) _exit(2);
    Result<Secret> secret = Secret::Create(32);
    _exit(!secret && secret.error().message.starts_with("lock memory for a secret: ") ? 0 : 1);
  };
  EXPECT_EXIT(check(), ExitedWithCode(0), "");
}

TEST(SecretTest, ShrinkKeepsTheStartAndWipesTheRest) {
  Secret secret = SampleSecret(64);
  const uint8_t* memory = secret.bytes().data();
  secret.Shrink(4);
  EXPECT_EQ(Copy(secret.bytes()), Hex("01020304"));
  EXPECT_THAT(std::vector<uint8_t>(memory + 4, memory + 64), Each(0));
}

TEST(SecretTest, ShrinkNeverGrows) {
  Secret secret = SampleSecret(4);
  secret.Shrink(100);
  EXPECT_EQ(Copy(secret.bytes()), Hex("01020304"));
}

TEST(SecretTest, EqualsComparesAllBytesAndTheSize) {
  Secret secret = SampleSecret(32);
  EXPECT_TRUE(secret.Equals(SampleSecret(32)));
  EXPECT_FALSE(secret.Equals(SampleSecret(31)));
  EXPECT_FALSE(SampleSecret(31).Equals(secret));
  for (size_t i = 0; i < 32; i++) {
    Secret other = SampleSecret(32);
    other.bytes()[i] ^= 0x80;
    EXPECT_FALSE(secret.Equals(other)) << i;
  }
}

TEST(SecretTest, MovingHandsTheBytesOn) {
  Secret from = SampleSecret(4);
  Secret to(std::move(from));
  EXPECT_EQ(Copy(to.bytes()), Hex("01020304"));
  EXPECT_EQ(from.size(), 0U);

  Secret assigned = SampleSecret(16, 9);
  assigned = std::move(to);
  EXPECT_EQ(Copy(assigned.bytes()), Hex("01020304"));
}

}  // namespace
}  // namespace nvunlock
