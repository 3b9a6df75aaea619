// SPDX-License-Identifier: Apache-2.0
#include "test/unit/support/swtpm.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "test/unit/support/commands.h"
#include "test/unit/support/nv_indexes.h"

namespace nvunlock {

Swtpm::Swtpm(const std::string& banks, bool firmware) : firmware_(firmware) {
  if (!banks.empty()) {
    RunCommand("swtpm_setup --tpm2 --tpmstate " + directory_.path() + " --pcr-banks " + banks);
  }
  Start();
  AwaitReady();
}

Swtpm::~Swtpm() {
  Stop();
}

void Swtpm::PowerCycle() {
  Stop();
  Start();
  AwaitReady();
}

void Swtpm::Start() {
  std::string state = "dir=" + directory_.path();
  std::string server = "type=unixio,path=" + socket_path();
  std::string control = server + ".ctrl";  // tpm2-tools want one
  const char* flags = firmware_ ? "not-need-init,startup-clear" : "not-need-init";
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int nowhere = open("/dev/null", O_RDWR);
  for (int fd : {0, 1, 2}) dup2(nowhere, fd);
  if (getppid() == parent) {
    execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state.c_str(), "--server",
           server.c_str(), "--ctrl", control.c_str(), "--flags", flags, nullptr);
  }
  _exit(127);
}

void Swtpm::Stop() const {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Swtpm::AwaitReady() const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!Tcti::Open(device())) {
    if (std::chrono::steady_clock::now() > deadline || waitpid(pid_, nullptr, WNOHANG) != 0) {
      Stop();
      throw std::runtime_error("swtpm does not start");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

std::string Swtpm::RunTools(const std::string& command) const {
  TemporaryDirectory scratch;
  // Without a resource manager, what the tools load stays until it is flushed.
  return RunCommand("cd " + scratch.path() + " && export TPM2TOOLS_TCTI=" + device() +
                    " && set -e\n" + command + "\ntpm2_flushcontext -t >flushed");
}

void ExtendPcr(Tpm& tpm, unsigned pcr, const PcrBank& bank, uint8_t digest_byte) {
  TPML_DIGEST_VALUES values = {};
  values.count = 1;
  values.digests[0].hashAlg = bank.algorithm;
  auto* digest = reinterpret_cast<BYTE*>(&values.digests[0].digest);
  std::fill(digest, digest + bank.digest_size, digest_byte);
  TSS2_RC rc = Esys_PCR_Extend(tpm.esys(), ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                               ESYS_TR_NONE, &values);
  if (rc != TSS2_RC_SUCCESS) throw std::runtime_error("cannot extend a PCR");
}

void EvictPersistent(Tpm& tpm, TPM2_HANDLE handle) {
  ESYS_TR object = ESYS_TR_NONE;
  TSS2_RC rc =
      Esys_TR_FromTPMPublic(tpm.esys(), handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object);
  if (rc != TSS2_RC_SUCCESS) return;
  ESYS_TR gone = ESYS_TR_NONE;
  rc = Esys_EvictControl(tpm.esys(), ESYS_TR_RH_OWNER, object, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                         ESYS_TR_NONE, handle, &gone);
  if (rc != TSS2_RC_SUCCESS) throw std::runtime_error("cannot evict a persistent object");
}

SwtpmTest::SwtpmTest() {
  Tpm tpm = ConnectTo(swtpm());
  for (TPM2_HANDLE index : ListNvIndexes(tpm)) UndefineIndex(tpm, index);
}

}  // namespace nvunlock
