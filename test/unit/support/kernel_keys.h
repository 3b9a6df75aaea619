// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_KERNEL_KEYS_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_KERNEL_KEYS_H_

#include <string>

#include "src/base/bytes.h"
#include "src/os/keyring.h"

namespace nvunlock {

/// A new session keyring of this process with one keyring in it. No key gets into root's user
/// keyring, and all are gone at the end.
class TestKeyring {
 public:
  TestKeyring();
  TestKeyring(const TestKeyring&) = delete;
  TestKeyring& operator=(const TestKeyring&) = delete;
  ~TestKeyring();

  [[nodiscard]] const Keyring& keyring() const { return keyring_; }

  /// Has the kernel make an encrypted key with a random passphrase, as ndctl does, and take it
  /// out again. Returns its blob. A kek "user:DESCRIPTION" must be in a keyring.
  [[nodiscard]] std::string MakeBlob(const std::string& kek_description) const;

 private:
  Keyring keyring_;
};

/// When KEY expires, as /proc/keys shows it: "perm", or how long it has.
std::string ExpiryOf(const Key& key);

/// The payload of a key as text.
std::string PayloadOf(const Key& key);

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_KERNEL_KEYS_H_
