// SPDX-License-Identifier: Apache-2.0
#include "test/unit/support/kernel_keys.h"

#include <keyutils.h>

#include <fstream>
#include <iomanip>
#include <sstream>
#include <stdexcept>

#include "test/unit/support/results.h"

namespace nvunlock {
namespace {

key_serial_t MakeKeyring() {
  if (keyctl_join_session_keyring(nullptr) < 0) throw std::runtime_error("no session keyring");
  key_serial_t serial = add_key("keyring", "nvunlock-test", nullptr, 0, KEY_SPEC_SESSION_KEYRING);
  if (serial < 0) throw std::runtime_error("cannot make a keyring");
  return serial;
}

}  // namespace

TestKeyring::TestKeyring() : keyring_(MakeKeyring()) {}

TestKeyring::~TestKeyring() {
  keyctl_clear(keyring_.serial());
  keyctl_clear(KEY_SPEC_PROCESS_KEYRING);
}

std::string TestKeyring::MakeBlob(const std::string& kek_description) const {
  std::string command = "new enc32 user:" + kek_description + " 32";
  key_serial_t serial =
      add_key("encrypted", "nvunlock-test-new", command.data(), command.size(), keyring_.serial());
  if (serial < 0) throw std::runtime_error("the kernel makes no encrypted key");
  std::string blob = PayloadOf(Key(serial));
  keyctl_unlink(serial, keyring_.serial());
  return blob;
}

std::string ExpiryOf(const Key& key) {
  std::ostringstream serial;
  serial << std::hex << std::setw(8) << std::setfill('0') << key.serial();
  std::ifstream keys("/proc/keys");
  for (std::string line; std::getline(keys, line);) {
    std::istringstream words(line);
    std::string first, flags, usage, expiry;
    words >> first >> flags >> usage >> expiry;
    if (first == serial.str()) return expiry;
  }
  return "";
}

std::string PayloadOf(const Key& key) {
  return std::string(AsText(Must(key.Read()).bytes()));
}

}  // namespace nvunlock
