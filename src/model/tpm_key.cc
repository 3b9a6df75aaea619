// SPDX-License-Identifier: Apache-2.0
#include "src/model/tpm_key.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>
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

/// The body of a PolicyAuthorizeNV element, for which the draft has none: TPM2B_NV_PUBLIC of the
/// index as written.
Bytes EncodeIndex(const PolicyIndex& index) {
  Bytes area = MarshalArea(index.area.nvPublic);
  Bytes body = BigEndian(area.size(), 2);
  body.insert(body.end(), area.begin(), area.end());
  return body;
}

bool AddPolicy(Asn1TpmKey* key, const Policy& policy) {
  key->policy = sk_Asn1PolicyStep_new_null();
  return key->policy != nullptr &&
         AddStep(key, TPM2_CC_PolicyAuthorizeNV, EncodeIndex(policy.index)) &&
         AddStep(key, TPM2_CC_PolicyNV, EncodeNvLatch(policy.latch)) &&
         (!policy.pin || AddStep(key, TPM2_CC_PolicyAuthValue, {}));
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

Result<PolicyIndex> DecodeIndex(ByteView body) {
  PolicyIndex index;
  size_t size = 0;
  TSS2_RC rc = Tss2_MU_TPM2B_NV_PUBLIC_Unmarshal(body.data(), body.size(), &size, &index.area);
  index.area.size = 0;
  // Anything else than what we write would be another policy than we would assert.
  bool is_ours = rc == TSS2_RC_SUCCESS && std::ranges::equal(EncodeIndex(index), body) &&
                 index.area.nvPublic.nameAlg == TPM2_ALG_SHA256;
  if (!is_ours) return BadKey("its policy is malformed");
  return index;
}

Result<Policy> TakePolicy(const Asn1TpmKey& key) {
  constexpr uint64_t kCommands[] = {TPM2_CC_PolicyAuthorizeNV, TPM2_CC_PolicyNV,
                                    TPM2_CC_PolicyAuthValue};
  int count = sk_Asn1PolicyStep_num(key.policy);
  bool is_known = key.auth_policy == nullptr && (count == 2 || count == 3);
  std::vector<ByteView> bodies;
  for (int i = 0; is_known && i < count; i++) {
    const Asn1PolicyStep* step = sk_Asn1PolicyStep_value(key.policy, i);
    is_known = NumberOf(step->command_code) == kCommands[i];
    bodies.push_back(BytesOf(step->command_policy));
  }
  if (!is_known || (count == 3 && !bodies[2].empty())) {
    return BadKey("its policy is not one that this version knows");
  }
  Policy policy = {.index = {}, .latch = {}, .pin = count == 3};
  policy.index = TRY(DecodeIndex(bodies[0]));
  policy.latch = TRY(DecodeNvLatch(bodies[1]));
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
