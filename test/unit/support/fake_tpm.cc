// SPDX-License-Identifier: Apache-2.0
#include "test/unit/support/fake_tpm.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <stdexcept>

#include "test/unit/support/byte_strings.h"

namespace nvunlock {
namespace {

constexpr size_t kHeaderSize = 10;

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

UniqueFd ListenAt(const std::string& path) {
  sockaddr_un address = AddressOf(path);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(fd.get(), 1) != 0) {
    throw std::runtime_error("cannot listen at " + path);
  }
  return fd;
}

/// Exactly SIZE bytes, or nothing when the other end hung up.
Bytes ReceiveBytes(int fd, size_t size) {
  Bytes bytes(size);
  if (size == 0) return bytes;
  ssize_t count = recv(fd, bytes.data(), size, MSG_WAITALL);
  if (count != static_cast<ssize_t>(size)) return {};
  return bytes;
}

/// A whole command or response; empty when the other end hung up.
Bytes ReceiveMessage(int fd) {
  Bytes header = ReceiveBytes(fd, kHeaderSize);
  if (header.empty()) return {};
  size_t size = size_t{header[4]} << 8 | header[5];
  return Concatenate({header, ReceiveBytes(fd, size - kHeaderSize)});
}

void SendBytes(int fd, const Bytes& bytes) {
  send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

}  // namespace

FakeTpm::FakeTpm(Answer answer) : answer_(std::move(answer)) {
  listener_ = ListenAt(directory_.PathOf("s"));
  thread_ = std::thread([this] { Serve(); });
}

FakeTpm::~FakeTpm() {
  shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

void FakeTpm::Serve() {
  for (;;) {
    UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) return;
    ServeClient(client.get());
  }
}

void FakeTpm::ServeClient(int client) const {
  for (;;) {
    Bytes command = ReceiveMessage(client);
    if (command.empty()) return;
    Pieces pieces = answer_(command);
    for (size_t i = 0; i < pieces.size(); i++) {
      if (pieces[i].empty()) return;
      if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      SendBytes(client, pieces[i]);
    }
  }
}

RawTpm::RawTpm(const std::string& socket_path) {
  sockaddr_un address = AddressOf(socket_path);
  fd_ = UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error("cannot connect to " + socket_path);
  }
}

Bytes RawTpm::Exchange(const Bytes& command) const {
  SendBytes(fd_.get(), command);
  return ReceiveMessage(fd_.get());
}

uint32_t CommandCodeOf(ByteView command) {
  return static_cast<uint32_t>(command[6]) << 24 | static_cast<uint32_t>(command[7]) << 16 |
         static_cast<uint32_t>(command[8]) << 8 | command[9];
}

Bytes MakeResponse(uint16_t tag, uint32_t code, ByteView body) {
  return Concatenate(
      {BigEndian(tag, 2), BigEndian(kHeaderSize + body.size(), 4), BigEndian(code, 4), body});
}

}  // namespace nvunlock
