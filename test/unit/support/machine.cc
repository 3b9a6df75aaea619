// SPDX-License-Identifier: Apache-2.0
#include "test/unit/support/machine.h"

#include <filesystem>

#include "test/unit/support/tpm_samples.h"

namespace nvunlock {

void MachineTest::SetUpTestSuite() {
  SwtpmTest::SetUpTestSuite();
  Tpm tpm = ConnectTo(swtpm());
  for (unsigned pcr : {7, 8}) ExtendPcr(tpm, pcr, Sha256Bank());
}

MachineTest::MachineTest()
    : environment_(EnvironmentBelow(directory_.path())), store_(environment_.keys_dir) {
  environment_.host = "here";
  environment_.tpm_device = swtpm().device();
  environment_.keyring = keyring().serial();
}

std::string MachineTest::AddBlob(const std::string& dimm_id, const Secret& kek,
                                 const std::string& kek_description,
                                 const std::string& host) const {
  Key key = Must(Keyring::Process().AddUser(kek_description, kek.bytes()));
  std::string blob = test_keyring_.MakeBlob(kek_description);
  Must(key.Invalidate());
  WriteKeysFile("nvdimm_" + dimm_id + "_" + host + ".blob", blob);
  return blob;
}

EnrollOptions MachineTest::DefaultOptions() {
  EnrollOptions options;
  options.kek = {"user", "nvdimm-master"};
  options.policy.pcrs = Must(ParsePcrTerms("7+8"));
  options.policy.weak_policy = true;
  return options;
}

void MachineTest::EnrollKek(const Secret& kek, const std::string& description) const {
  EnrollOptions options = DefaultOptions();
  options.kek.description = description;
  options.import_clear_kek = true;
  WriteKeysFile(options.kek.ClearFileName(), AsText(kek.bytes()));
  Must(Enroll(environment_, options));
  std::filesystem::remove(KeysPathOf(options.kek.ClearFileName()));
  Must(Must(keyring().Find("user", description))->Invalidate());
}

std::string MachineTest::LoadedBlob(const std::string& description, const Secret& kek) const {
  Key master = Must(Keyring::Process().AddUser("nvdimm-master", kek.bytes()));
  std::string blob = PayloadOf(*Must(keyring().Find("encrypted", description)));
  Must(master.Invalidate());
  return blob;
}

bool MachineTest::HoldsKey(const char* type, const std::string& description) const {
  return Must(keyring().Find(type, description)).has_value();
}

}  // namespace nvunlock
