// SPDX-License-Identifier: Apache-2.0
#include "tpm/wire.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tpm/response_check.h"

namespace nvunlock {
namespace {

constexpr std::string_view kSwtpmPrefix = "swtpm:path=";

/// The kernel has time-outs of its own for a device: write() waits for the TPM.
constexpr int kPatienceMilliseconds = 20000;

/// No TPM is another thing than one that cannot be asked: the latter may hold a latch open.
Failure FailOpen(const std::string& place, int error_number) {
  bool is_missing = error_number == ENOENT || error_number == ENOTDIR || error_number == ENODEV ||
                    error_number == ENXIO || error_number == ECONNREFUSED;
  return Fail(is_missing ? Errc::kNoTpm : Errc::kTpmNotReady,
              place + ": " + strerror(error_number));
}

Result<UniqueFd> ConnectToSwtpm(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return Fail(Errc::kNoTpm, path + ": name too long");
  memcpy(address.sun_path, path.c_str(), path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() ||
      connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return FailOpen("swtpm at " + path, errno);
  }
  return fd;
}

Result<UniqueFd> OpenDevice(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd.valid()) return FailOpen(path, errno);
  struct stat status;
  if (fstat(fd.get(), &status) != 0 || !S_ISCHR(status.st_mode)) {
    return Fail(Errc::kNoTpm, path + ": not a character device");
  }
  // O_NONBLOCK kept open() from waiting; the transfer itself shall wait for the TPM.
  fcntl(fd.get(), F_SETFL, O_RDWR);
  return fd;
}

/// The resource manager of the first TPM that there is, else the TPM itself. A driver that was
/// bound anew counts on.
std::string DefaultDevice() {
  for (const char* kind : {"/dev/tpmrm", "/dev/tpm"}) {
    for (char number = '0'; number <= '9'; number++) {
      std::string path = std::string(kind) + number;
      if (access(path.c_str(), F_OK) == 0) return path;
    }
  }
  return "";
}

uint32_t SizeInHeader(ByteView message) {
  return static_cast<uint32_t>(message[2]) << 24 | static_cast<uint32_t>(message[3]) << 16 |
         static_cast<uint32_t>(message[4]) << 8 | message[5];
}

}  // namespace

Result<Wire> Wire::Open(const std::string& device) {
  if (device.starts_with(kSwtpmPrefix)) {
    return Wire(TRY(ConnectToSwtpm(device.substr(kSwtpmPrefix.size()))));
  }
  std::string path = device == "auto" ? DefaultDevice() : device;
  if (path.empty()) return Fail(Errc::kNoTpm, "there is no TPM device (/dev/tpmrm0, /dev/tpm0)");
  return Wire(TRY(OpenDevice(path)));
}

TSS2_RC Wire::Exchange(ByteView command, Bytes& response) {
  response.clear();
  TSS2_RC rc = IsBroken() ? TSS2_TCTI_RC_IO_ERROR : ExchangeOnce(command, response);
  if (rc != TSS2_RC_SUCCESS) fd_ = UniqueFd();
  return rc;
}

TSS2_RC Wire::ExchangeOnce(ByteView command, Bytes& response) const {
  if (!Send(command)) return TSS2_TCTI_RC_IO_ERROR;
  Bytes received = ReceiveResponse();
  if (received.empty()) return TSS2_TCTI_RC_IO_ERROR;
  if (FindMalformation(command, received)) return TSS2_TCTI_RC_MALFORMED_RESPONSE;
  response = std::move(received);
  return TSS2_RC_SUCCESS;
}

bool Wire::Send(ByteView command) const {
  while (!command.empty()) {
    ssize_t count = write(fd_.get(), command.data(), command.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    command = command.subspan(static_cast<size_t>(count));
  }
  return true;
}

ssize_t Wire::ReceiveSome(std::span<uint8_t> buffer) const {
  pollfd answer = {.fd = fd_.get(), .events = POLLIN, .revents = 0};
  int ready = poll(&answer, 1, kPatienceMilliseconds);
  if (ready == 0) errno = ETIMEDOUT;
  return ready > 0 ? read(fd_.get(), buffer.data(), buffer.size()) : -1;
}

/// Empty when the connection breaks. A device hands over a response in one read; a socket may do
/// it in parts.
Bytes Wire::ReceiveResponse() const {
  Bytes buffer(kTpmMessageLimit);
  size_t filled = 0;
  size_t expected = 6;  // as far as the size in the header
  while (filled < expected) {
    ssize_t count = ReceiveSome(std::span(buffer).subspan(filled));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return {};
    filled += static_cast<size_t>(count);
    if (filled >= 6) expected = std::min<size_t>(SizeInHeader(buffer), buffer.size());
  }
  buffer.resize(filled);
  return buffer;
}

}  // namespace nvunlock
