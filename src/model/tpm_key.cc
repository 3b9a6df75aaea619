// SPDX-License-Identifier: Apache-2.0
#include "src/model/tpm_key.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <tss2/tss2_tpm2_types.h>

#include <memory>
#include <optional>

#include "src/crypto/openssl.h"

namespace {

// The two SEQUENCEs of the draft, in the form that OpenSSL's ASN.1 templates want.

struct Asn1PolicyStep {
  ASN1_INTEGER* command_code;
  ASN1_OCTET_STRING* command_policy;
};

struct Asn1AuthPolicy {
  ASN1_UTF8STRING* name;
  STACK_OF(Asn1PolicyStep) * policy;
};

struct Asn1TpmKey {
  ASN1_OBJECT* type;
  ASN1_BOOLEAN empty_auth;
  STACK_OF(Asn1PolicyStep) * policy;
  ASN1_OCTET_STRING* secret;
  STACK_OF(Asn1AuthPolicy) * auth_policy;
  ASN1_UTF8STRING* description;
  ASN1_BOOLEAN rsa_parent;
  ASN1_INTEGER* parent;
  ASN1_OCTET_STRING* public_area;
  ASN1_OCTET_STRING* private_area;
};

// clang-format off
DEFINE_STACK_OF(Asn1PolicyStep)

ASN1_SEQUENCE(Asn1PolicyStep) = {
  ASN1_EXP(Asn1PolicyStep, command_code, ASN1_INTEGER, 0),
  ASN1_EXP(Asn1PolicyStep, command_policy, ASN1_OCTET_STRING, 1),
} static_ASN1_SEQUENCE_END(Asn1PolicyStep)

ASN1_SEQUENCE(Asn1AuthPolicy) = {
  ASN1_EXP_OPT(Asn1AuthPolicy, name, ASN1_UTF8STRING, 0),
  ASN1_EXP_SEQUENCE_OF(Asn1AuthPolicy, policy, Asn1PolicyStep, 1),
} static_ASN1_SEQUENCE_END(Asn1AuthPolicy)

ASN1_SEQUENCE(Asn1TpmKey) = {
  ASN1_SIMPLE(Asn1TpmKey, type, ASN1_OBJECT),
  ASN1_EXP_OPT(Asn1TpmKey, empty_auth, ASN1_BOOLEAN, 0),
  ASN1_EXP_SEQUENCE_OF_OPT(Asn1TpmKey, policy, Asn1PolicyStep, 1),
  ASN1_EXP_OPT(Asn1TpmKey, secret, ASN1_OCTET_STRING, 2),
  ASN1_EXP_SEQUENCE_OF_OPT(Asn1TpmKey, auth_policy, Asn1AuthPolicy, 3),
  ASN1_EXP_OPT(Asn1TpmKey, description, ASN1_UTF8STRING, 4),
  ASN1_EXP_OPT(Asn1TpmKey, rsa_parent, ASN1_BOOLEAN, 5),
  ASN1_SIMPLE(Asn1TpmKey, parent, ASN1_INTEGER),
  ASN1_SIMPLE(Asn1TpmKey, public_area, ASN1_OCTET_STRING),
  ASN1_SIMPLE(Asn1TpmKey, private_area, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(Asn1TpmKey)
    // clang-format on

    void FreeTpmKey(Asn1TpmKey * key) {
  ASN1_item_free(reinterpret_cast<ASN1_VALUE*>(key), ASN1_ITEM_rptr(Asn1TpmKey));
}

void FreePolicyStep(Asn1PolicyStep* step) {
  ASN1_item_free(reinterpret_cast<ASN1_VALUE*>(step), ASN1_ITEM_rptr(Asn1PolicyStep));
}

}  // namespace

namespace nvunlock {
namespace {

constexpr char kSealedKeyOid[] = "2.23.133.10.1.5";

using OwnedKey = OpensslPtr<Asn1TpmKey, FreeTpmKey>;
using OwnedStep = OpensslPtr<Asn1PolicyStep, FreePolicyStep>;
using OwnedObject = OpensslPtr<ASN1_OBJECT, ASN1_OBJECT_free>;

bool SetBytes(ASN1_OCTET_STRING* string, ByteView bytes) {
  return ASN1_OCTET_STRING_set(string, bytes.data(), static_cast<int>(bytes.size())) == 1;
}

ByteView BytesOf(const ASN1_OCTET_STRING* string) {
  return {ASN1_STRING_get0_data(string), static_cast<size_t>(ASN1_STRING_length(string))};
}

bool AddStep(Asn1TpmKey* key, uint32_t command, const Bytes& body) {
  OwnedStep step(reinterpret_cast<Asn1PolicyStep*>(ASN1_item_new(ASN1_ITEM_rptr(Asn1PolicyStep))));
  if (step == nullptr || ASN1_INTEGER_set_uint64(step->command_code, command) != 1 ||
      !SetBytes(step->command_policy, body) ||
      sk_Asn1PolicyStep_push(key->policy, step.get()) <= 0) {
    return false;
  }
  [[maybe_unused]] Asn1PolicyStep* owned_by_key = step.release();
  return true;
}

bool AddSignedPcrs(Asn1TpmKey* key, const SignedPolicy& policy) {
  return AddStep(key, TPM2_CC_PolicyPCR, EncodeSelection(policy.pcrs)) &&
         AddStep(key, TPM2_CC_PolicyAuthorize, EncodeAuthorization(policy));
}

bool AddPolicy(Asn1TpmKey* key, const Policy& policy) {
  key->policy = sk_Asn1PolicyStep_new_null();
  if (key->policy == nullptr) return false;
  if (policy.signed_pcrs && !AddSignedPcrs(key, *policy.signed_pcrs)) return false;
  if (policy.pcrs && !AddStep(key, TPM2_CC_PolicyPCR, EncodePcrPolicy(*policy.pcrs))) return false;
  if (policy.latch && !AddStep(key, TPM2_CC_PolicyNV, EncodeNvLatch(*policy.latch))) return false;
  return !policy.pin || AddStep(key, TPM2_CC_PolicyAuthValue, {});
}

bool Fill(Asn1TpmKey* out, const TpmKey& key) {
  ASN1_OBJECT_free(out->type);
  out->type = OBJ_txt2obj(kSealedKeyOid, 1);
  out->empty_auth = key.policy.pin ? 0 : 0xff;  // DER knows no other true
  return out->type != nullptr && AddPolicy(out, key.policy) &&
         ASN1_INTEGER_set_uint64(out->parent, key.parent_handle) == 1 &&
         SetBytes(out->public_area, key.sealed.public_area) &&
         SetBytes(out->private_area, key.sealed.private_area);
}

std::optional<uint64_t> NumberOf(const ASN1_INTEGER* integer) {
  uint64_t number = 0;
  if (ASN1_INTEGER_get_uint64(&number, integer) != 1) return std::nullopt;
  return number;
}

Failure BadKey(const char* reason) {
  ERR_clear_error();
  return Fail(Errc::kBadKeyFile, std::string("TSS2 PRIVATE KEY block: ") + reason);
}

Result<void> TakeStep(const Asn1PolicyStep& step, Policy& policy) {
  ByteView body = BytesOf(step.command_policy);
  std::optional<uint64_t> command = NumberOf(step.command_code);
  if (policy.pin) return BadKey("its policy goes on behind the PIN");
  if (command == TPM2_CC_PolicyPCR && !policy.pcrs && !policy.latch) {
    policy.pcrs = TRY(DecodePcrPolicy(body));
  } else if (command == TPM2_CC_PolicyNV && !policy.latch) {
    policy.latch = TRY(DecodeNvLatch(body));
  } else if (command == TPM2_CC_PolicyAuthValue && body.empty()) {
    policy.pin = true;
  } else {
    return BadKey("its policy is not one that this version knows");
  }
  return {};
}

/// PolicyAuthorize replaces what was asserted before it: the PCRs whose values are signed.
bool StartsWithSignedPcrs(const STACK_OF(Asn1PolicyStep) * steps) {
  return sk_Asn1PolicyStep_num(steps) >= 2 &&
         NumberOf(sk_Asn1PolicyStep_value(steps, 0)->command_code) == TPM2_CC_PolicyPCR &&
         NumberOf(sk_Asn1PolicyStep_value(steps, 1)->command_code) == TPM2_CC_PolicyAuthorize;
}

Result<Policy> TakePolicy(const Asn1TpmKey& key) {
  if (key.auth_policy != nullptr) return BadKey("its policy has alternatives");
  Policy policy;
  int taken = 0;
  if (StartsWithSignedPcrs(key.policy)) {
    const Asn1PolicyStep* selection = sk_Asn1PolicyStep_value(key.policy, taken++);
    const Asn1PolicyStep* authorization = sk_Asn1PolicyStep_value(key.policy, taken++);
    policy.signed_pcrs = TRY(DecodeSignedPolicy(BytesOf(selection->command_policy),
                                                BytesOf(authorization->command_policy)));
  }
  for (; taken < sk_Asn1PolicyStep_num(key.policy); taken++) {
    TRY(TakeStep(*sk_Asn1PolicyStep_value(key.policy, taken), policy));
  }
  if (!policy.pcrs && !policy.signed_pcrs) return BadKey("its policy asserts no PCRs");
  return policy;
}

}  // namespace

Result<Bytes> EncodeTpmKey(const TpmKey& key) {
  InitOpenssl();
  OwnedKey out(reinterpret_cast<Asn1TpmKey*>(ASN1_item_new(ASN1_ITEM_rptr(Asn1TpmKey))));
  if (out == nullptr || !Fill(out.get(), key)) return FailOpenssl("encode a TPM key");
  uint8_t* der = nullptr;
  int size =
      ASN1_item_i2d(reinterpret_cast<ASN1_VALUE*>(out.get()), &der, ASN1_ITEM_rptr(Asn1TpmKey));
  if (size < 0) return FailOpenssl("encode a TPM key");
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

Result<TpmKey> DecodeTpmKey(ByteView der) {
  const uint8_t* cursor = der.data();
  OwnedKey in(reinterpret_cast<Asn1TpmKey*>(
      ASN1_item_d2i(nullptr, &cursor, static_cast<long>(der.size()), ASN1_ITEM_rptr(Asn1TpmKey))));
  if (in == nullptr || cursor != der.data() + der.size()) return BadKey("not a valid TPMKey");
  OwnedObject sealed_key(OBJ_txt2obj(kSealedKeyOid, 1));
  if (OBJ_cmp(in->type, sealed_key.get()) != 0) return BadKey("not sealed data");
  if (in->secret != nullptr) return BadKey("an importable key, which nvunlock does not make");
  std::optional<uint64_t> parent = NumberOf(in->parent);
  if (!parent || *parent >> 24 != TPM2_HT_PERSISTENT) {
    return BadKey("its parent is not a persistent handle");
  }
  TpmKey key;
  key.parent_handle = static_cast<uint32_t>(*parent);
  key.policy = TRY(TakePolicy(*in));
  ByteView public_area = BytesOf(in->public_area);
  ByteView private_area = BytesOf(in->private_area);
  key.sealed.public_area.assign(public_area.begin(), public_area.end());
  key.sealed.private_area.assign(private_area.begin(), private_area.end());
  return key;
}

}  // namespace nvunlock
