// SPDX-License-Identifier: Apache-2.0
#include "test/unit/support/signer.h"

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/commands.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

std::string Digits(const PcrValues& values) {
  return ToHex(SignedDigest(PolicyForValues(Sha256Bank(), values)));
}

}  // namespace

Signer::Signer() {
  RunCommand("openssl genpkey -quiet -algorithm RSA -out " + key_path() + " && openssl pkey -in " +
             key_path() + " -pubout -out " + public_path());
  key_ = Must(ParseRsaKey(directory_.Read("key.pem")));
}

SignedPolicy Signer::PolicyOn(uint32_t mask, const std::string& reference) const {
  SignedPolicy policy = {
      .pcrs = {}, .key_name = NameOfKey(key_), .reference = Copy(AsBytes(reference))};
  policy.pcrs.count = 1;
  policy.pcrs.pcrSelections[0] = SelectPcrs(Sha256Bank(), mask);
  return policy;
}

PolicySignature Signer::Sign(const PcrValues& values, const std::string& reference) const {
  PolicySignature signature;
  signature.policy = SignedDigest(PolicyForValues(Sha256Bank(), values));
  directory_.Write("message", std::string(AsText(signature.policy)) + reference);
  signature.signature =
      Hex(RunCommand("openssl dgst -sha256 -sign " + key_path() + " " +
                     directory_.PathOf("message") + " | od -An -v -tx1 | tr -d ' \\n'"));
  return signature;
}

std::string Signer::EntryFor(const PcrValues& values, const std::string& reference) const {
  std::string pcrs;
  for (const auto& [pcr, value] : values) pcrs += (pcrs.empty() ? "" : ",") + std::to_string(pcr);
  directory_.Write("signature", AsText(Sign(values, reference).signature));
  return "{\"pcrs\":[" + pcrs + "],\"pkfp\":\"00\",\"pol\":\"" + Digits(values) + "\",\"sig\":\"" +
         RunCommand("base64 -w 0 " + directory_.PathOf("signature")) + "\"}";
}

std::string Signer::FileOf(std::initializer_list<std::string> entries) {
  std::string all;
  for (const std::string& entry : entries) all += (all.empty() ? "" : ",") + entry;
  return "{\"sha256\":[" + all + "]}";
}

}  // namespace nvunlock
