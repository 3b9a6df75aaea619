// SPDX-License-Identifier: Apache-2.0
#include "src/os/keyring.h"

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "src/base/text.h"

namespace nvunlock {
namespace {

/// Longest payload of a "user" key (user_defined.c) and more than any blob text.
constexpr size_t kPayloadLimit = 32767;

/// What add_key(2) says about a blob, in words.
Failure FailToLoad(const std::string& description, int error_number) {
  switch (error_number) {
    case EINVAL:
      return Fail("load " + description +
                  ": the kernel refused the blob (damaged, wrapped by another kek, or a key of "
                  "this name is already loaded)");
    case ENOKEY:
    case EKEYREVOKED:
    case EKEYEXPIRED:
      return Fail("load " + description + ": its kek is not in the keyring");
    default:
      return FailErrno("load " + description, error_number);
  }
}

struct NamedKey {
  std::string type;
  std::string description;
};

/// nullopt for a key that is gone or hides its name.
std::optional<NamedKey> NameOf(key_serial_t serial) {
  char* text = nullptr;
  if (keyctl_describe_alloc(serial, &text) < 0) return std::nullopt;
  std::unique_ptr<char, decltype(&free)> owned(text, free);
  // "type;uid;gid;perm;description"
  std::vector<std::string_view> parts = Split(text, ';');
  constexpr size_t kDescription = 4;
  if (parts.size() <= kDescription) return std::nullopt;
  return NamedKey{std::string(parts[0]), std::string(parts[kDescription].data())};
}

}  // namespace

Result<Secret> Key::Read() const {
  Secret payload = TRY(Secret::Create(kPayloadLimit));
  auto* buffer = reinterpret_cast<char*>(payload.bytes().data());
  long size = keyctl_read(serial_, buffer, payload.size());
  if (size < 0) return FailErrno("read a key", errno);
  if (size == 0 || static_cast<size_t>(size) > payload.size()) {
    return Fail("read a key: its payload has an impossible size");
  }
  payload.Shrink(static_cast<size_t>(size));
  return payload;
}

Result<void> Key::Rewrap(const std::string& kek) const {
  std::string payload = "update " + kek;
  if (keyctl_update(serial_, payload.data(), payload.size()) < 0) {
    return FailErrno("wrap a key under " + kek, errno);
  }
  return {};
}

Result<void> Key::ExpireAfter(unsigned seconds) const {
  if (keyctl_set_timeout(serial_, seconds) < 0) return FailErrno("set a key's timeout", errno);
  return {};
}

Result<void> Key::Invalidate() const {
  if (keyctl_invalidate(serial_) < 0) return FailErrno("invalidate a key", errno);
  return {};
}

Result<std::optional<Key>> Keyring::Find(const char* type, const std::string& description) const {
  long serial = keyctl_search(serial_, type, description.c_str(), 0);
  if (serial >= 0) return Key(static_cast<key_serial_t>(serial));
  switch (errno) {
    case ENOKEY:
    case EKEYEXPIRED:
    case EKEYREVOKED:
    case EKEYREJECTED:  // a negative key: some earlier request found nothing
      return std::optional<Key>();
    default:
      return FailErrno("search the keyring for " + description, errno);
  }
}

Result<Key> Keyring::AddUser(const std::string& description, ByteView payload) const {
  key_serial_t serial =
      add_key("user", description.c_str(), payload.data(), payload.size(), serial_);
  if (serial < 0) return FailErrno("add key user:" + description, errno);
  return Key(serial);
}

Result<Key> Keyring::LoadEncrypted(const std::string& description, std::string_view blob) const {
  std::string payload = "load " + std::string(blob);
  key_serial_t serial =
      add_key("encrypted", description.c_str(), payload.data(), payload.size(), serial_);
  if (serial < 0) return FailToLoad(description, errno);
  return Key(serial);
}

Result<Key> Keyring::NewEncrypted(const std::string& description, const std::string& kek) const {
  std::string payload = "new enc32 " + kek + " 32";
  key_serial_t serial =
      add_key("encrypted", description.c_str(), payload.data(), payload.size(), serial_);
  if (serial < 0) return FailErrno("make key " + description, errno);
  return Key(serial);
}

Result<void> Keyring::UnlinkMatching(
    const std::function<bool(const std::string&, const std::string&)>& matches) const {
  void* content = nullptr;
  long size = keyctl_read_alloc(serial_, &content);
  if (size < 0) return FailErrno("list the keyring", errno);
  std::unique_ptr<void, decltype(&free)> owned(content, free);
  std::span<const key_serial_t> serials(static_cast<const key_serial_t*>(content),
                                        static_cast<size_t>(size) / sizeof(key_serial_t));
  for (key_serial_t serial : serials) {
    std::optional<NamedKey> name = NameOf(serial);
    if (!name || !matches(name->type, name->description)) continue;
    if (keyctl_unlink(serial, serial_) < 0) {
      return FailErrno("take " + name->description + " out of the keyring", errno);
    }
  }
  return {};
}

Result<void> RestrictToSearch(const Key& key) {
  if (keyctl_setperm(key.serial(), KEY_POS_SEARCH) < 0) {
    return FailErrno("restrict the kek in the keyring", errno);
  }
  return {};
}

Result<void> JoinSessionWith(const Keyring& keyring) {
  if (keyctl_join_session_keyring(nullptr) < 0) return FailErrno("join a session keyring", errno);
  if (keyctl_link(keyring.serial(), KEY_SPEC_SESSION_KEYRING) < 0) {
    return FailErrno("link the keyring into the session", errno);
  }
  return {};
}

}  // namespace nvunlock
