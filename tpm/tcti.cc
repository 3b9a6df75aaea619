#include "tpm/tcti.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tpm/response_check.h"

namespace nvunlock {
namespace {

constexpr uint64_t kMagic = 0x6e76756e6c6f636b;  // "nvunlock"
constexpr std::string_view kSwtpmPrefix = "swtpm:path=";

Result<UniqueFd> ConnectToSwtpm(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return Fail(Errc::kNoTpm, path + ": name too long");
  memcpy(address.sun_path, path.c_str(), path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() ||
      connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return Fail(Errc::kNoTpm, "swtpm at " + path + ": " + strerror(errno));
  }
  return fd;
}

Result<UniqueFd> OpenDevice(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd.valid()) return Fail(Errc::kNoTpm, path + ": " + strerror(errno));
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

Result<std::unique_ptr<Tcti>> Tcti::Open(const std::string& device) {
  if (device.starts_with(kSwtpmPrefix)) {
    UniqueFd fd = TRY(ConnectToSwtpm(device.substr(kSwtpmPrefix.size())));
    return std::unique_ptr<Tcti>(new Tcti(std::move(fd)));
  }
  std::string path = device == "auto" ? DefaultDevice() : device;
  if (path.empty()) return Fail(Errc::kNoTpm, "there is no TPM device (/dev/tpmrm0, /dev/tpm0)");
  UniqueFd fd = TRY(OpenDevice(path));
  return std::unique_ptr<Tcti>(new Tcti(std::move(fd)));
}

Tcti::Tcti(UniqueFd fd) : fd_(std::move(fd)) {
  common_.v1.magic = kMagic;
  common_.v1.version = 2;
  common_.v1.transmit = Transmit;
  common_.v1.receive = Receive;
}

TSS2_RC Tcti::Transmit(TSS2_TCTI_CONTEXT* context, size_t size, const uint8_t* command) {
  Tcti* tcti = Of(context);
  tcti->command_.assign(command, command + size);
  tcti->response_.clear();
  size_t sent = 0;
  while (sent < size) {
    ssize_t count = write(tcti->fd_.get(), command + sent, size - sent);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return TSS2_TCTI_RC_IO_ERROR;
    sent += static_cast<size_t>(count);
  }
  return TSS2_RC_SUCCESS;
}

/// A device hands over a response in one read; a socket may do it in parts.
TSS2_RC Tcti::FetchResponse() {
  Bytes buffer(kTpmMessageLimit);
  size_t filled = 0;
  size_t expected = 6;  // as far as the size in the header
  while (filled < expected) {
    ssize_t count = read(fd_.get(), buffer.data() + filled, buffer.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return TSS2_TCTI_RC_IO_ERROR;
    filled += static_cast<size_t>(count);
    if (filled >= 6) expected = std::min<size_t>(SizeInHeader(buffer), buffer.size());
  }
  buffer.resize(filled);
  if (FindMalformation(command_, buffer)) return TSS2_TCTI_RC_MALFORMED_RESPONSE;
  response_ = std::move(buffer);
  return TSS2_RC_SUCCESS;
}

TSS2_RC Tcti::Receive(TSS2_TCTI_CONTEXT* context, size_t* size, uint8_t* response,
                      int32_t /*timeout*/) {
  Tcti* tcti = Of(context);
  if (tcti->response_.empty()) {
    TSS2_RC rc = tcti->FetchResponse();
    if (rc != TSS2_RC_SUCCESS) return rc;
  }
  // ESYS asks twice: without a buffer for the size, and then for the response.
  size_t capacity = *size;
  *size = tcti->response_.size();
  if (response == nullptr) return TSS2_RC_SUCCESS;
  if (capacity < tcti->response_.size()) return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
  memcpy(response, tcti->response_.data(), tcti->response_.size());
  tcti->response_.clear();
  return TSS2_RC_SUCCESS;
}

}  // namespace nvunlock
