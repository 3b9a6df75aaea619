// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_OS_KEYRING_H_
#define NVUNLOCK_OS_KEYRING_H_

#include <keyutils.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"

namespace nvunlock {

/// A key in the kernel (keyrings(7)). The serial number is all we hold: the key lives as long as
/// a keyring links it.
class Key {
 public:
  explicit Key(key_serial_t serial) : serial_(serial) {}
  [[nodiscard]] key_serial_t serial() const { return serial_; }

  /// The payload as the kernel gives it to a possessor; for an encrypted key its blob text.
  [[nodiscard]] Result<Secret> Read() const;

  /// Wraps this encrypted key under another kek of the same type, named TYPE:NAME; its payload
  /// stays.
  [[nodiscard]] Result<void> Rewrap(const std::string& kek) const;

  /// Makes the key vanish after SECONDS, whatever becomes of this process.
  [[nodiscard]] Result<void> ExpireAfter(unsigned seconds) const;

  /// Takes the key out of every keyring at once.
  [[nodiscard]] Result<void> Invalidate() const;

 private:
  key_serial_t serial_;
};

/// A keyring that keys are added to and searched in.
class Keyring {
 public:
  explicit Keyring(key_serial_t serial) : serial_(serial) {}

  /// @u, root's user keyring, where ndctl and the kernel look for DIMM keys.
  static Keyring User() { return Keyring(KEY_SPEC_USER_KEYRING); }

  /// @p, which only this process sees and which dies with it.
  static Keyring Process() { return Keyring(KEY_SPEC_PROCESS_KEYRING); }

  /// The key TYPE:DESCRIPTION below this keyring; nullopt when there is none.
  [[nodiscard]] Result<std::optional<Key>> Find(const char* type,
                                                const std::string& description) const;

  /// Adds a "user" key. One that exists under this description would silently get the new
  /// payload, so look with Find first.
  [[nodiscard]] Result<Key> AddUser(const std::string& description, ByteView payload) const;

  /// Adds the "encrypted" key that BLOB wraps. Its kek must be in a keyring of this process.
  [[nodiscard]] Result<Key> LoadEncrypted(const std::string& description,
                                          std::string_view blob) const;

  /// Adds an "encrypted" key of 32 random bytes, a new passphrase, that KEK (TYPE:NAME) wraps.
  [[nodiscard]] Result<Key> NewEncrypted(const std::string& description,
                                         const std::string& kek) const;

  /// Unlinks the keys in this keyring for which MATCHES(type, description) holds.
  [[nodiscard]] Result<void> UnlinkMatching(
      const std::function<bool(const std::string&, const std::string&)>& matches) const;

  [[nodiscard]] key_serial_t serial() const { return serial_; }

 private:
  key_serial_t serial_;
};

/// Leaves KEY to kernel-internal searches by its possessor: no read, view, link or change
/// through keyctl(1), for anybody (permission mask 0x08000000).
Result<void> RestrictToSearch(const Key& key);

/// Gives this process a new session keyring with KEYRING linked in it. systemd's services start in
/// a session without @u, where encrypted keys cannot find a kek that @u holds.
Result<void> JoinSessionWith(const Keyring& keyring);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_KEYRING_H_
