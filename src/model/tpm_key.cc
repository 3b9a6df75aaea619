#include "src/model/tpm_key.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <tss2/tss2_tpm2_types.h>

#include <memory>
#include <optional>

#include "src/crypto/openssl.h"

namespace {

// The two SEQUENCEs of the draft, in the form that OpenSSL's ASN.1 templates want.

struct TPM_POLICY_STEP {
  ASN1_INTEGER* command_code;
  ASN1_OCTET_STRING* command_policy;
};

struct TPM_AUTH_POLICY {
  ASN1_UTF8STRING* name;
  STACK_OF(TPM_POLICY_STEP) * policy;
};

struct TPM_KEY {
  ASN1_OBJECT* type;
  ASN1_BOOLEAN empty_auth;
  STACK_OF(TPM_POLICY_STEP) * policy;
  ASN1_OCTET_STRING* secret;
  STACK_OF(TPM_AUTH_POLICY) * auth_policy;
  ASN1_UTF8STRING* description;
  ASN1_BOOLEAN rsa_parent;
  ASN1_INTEGER* parent;
  ASN1_OCTET_STRING* public_area;
  ASN1_OCTET_STRING* private_area;
};

// clang-format off
DEFINE_STACK_OF(TPM_POLICY_STEP)

ASN1_SEQUENCE(TPM_POLICY_STEP) = {
  ASN1_EXP(TPM_POLICY_STEP, command_code, ASN1_INTEGER, 0),
  ASN1_EXP(TPM_POLICY_STEP, command_policy, ASN1_OCTET_STRING, 1),
} static_ASN1_SEQUENCE_END(TPM_POLICY_STEP)

ASN1_SEQUENCE(TPM_AUTH_POLICY) = {
  ASN1_EXP_OPT(TPM_AUTH_POLICY, name, ASN1_UTF8STRING, 0),
  ASN1_EXP_SEQUENCE_OF(TPM_AUTH_POLICY, policy, TPM_POLICY_STEP, 1),
} static_ASN1_SEQUENCE_END(TPM_AUTH_POLICY)

ASN1_SEQUENCE(TPM_KEY) = {
  ASN1_SIMPLE(TPM_KEY, type, ASN1_OBJECT),
  ASN1_EXP_OPT(TPM_KEY, empty_auth, ASN1_BOOLEAN, 0),
  ASN1_EXP_SEQUENCE_OF_OPT(TPM_KEY, policy, TPM_POLICY_STEP, 1),
  ASN1_EXP_OPT(TPM_KEY, secret, ASN1_OCTET_STRING, 2),
  ASN1_EXP_SEQUENCE_OF_OPT(TPM_KEY, auth_policy, TPM_AUTH_POLICY, 3),
  ASN1_EXP_OPT(TPM_KEY, description, ASN1_UTF8STRING, 4),
  ASN1_EXP_OPT(TPM_KEY, rsa_parent, ASN1_BOOLEAN, 5),
  ASN1_SIMPLE(TPM_KEY, parent, ASN1_INTEGER),
  ASN1_SIMPLE(TPM_KEY, public_area, ASN1_OCTET_STRING),
  ASN1_SIMPLE(TPM_KEY, private_area, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(TPM_KEY)
    // clang-format on

    void FreeTpmKey(TPM_KEY * key) {
  ASN1_item_free(reinterpret_cast<ASN1_VALUE*>(key), ASN1_ITEM_rptr(TPM_KEY));
}

void FreeStep(TPM_POLICY_STEP* step) {
  ASN1_item_free(reinterpret_cast<ASN1_VALUE*>(step), ASN1_ITEM_rptr(TPM_POLICY_STEP));
}

}  // namespace

namespace nvunlock {
namespace {

constexpr char kSealedKeyOid[] = "2.23.133.10.1.5";

using Asn1Key = OpensslPtr<TPM_KEY, FreeTpmKey>;
using Asn1Step = OpensslPtr<TPM_POLICY_STEP, FreeStep>;
using Asn1Object = OpensslPtr<ASN1_OBJECT, ASN1_OBJECT_free>;

bool SetBytes(ASN1_OCTET_STRING* string, ByteView bytes) {
  return ASN1_OCTET_STRING_set(string, bytes.data(), static_cast<int>(bytes.size())) == 1;
}

ByteView BytesOf(const ASN1_OCTET_STRING* string) {
  return {ASN1_STRING_get0_data(string), static_cast<size_t>(ASN1_STRING_length(string))};
}

Asn1Step MakePcrStep(const PcrPolicy& policy) {
  Asn1Step step(reinterpret_cast<TPM_POLICY_STEP*>(ASN1_item_new(ASN1_ITEM_rptr(TPM_POLICY_STEP))));
  if (step == nullptr || ASN1_INTEGER_set_uint64(step->command_code, TPM2_CC_PolicyPCR) != 1 ||
      !SetBytes(step->command_policy, EncodePcrPolicy(policy))) {
    return nullptr;
  }
  return step;
}

bool AddPolicy(TPM_KEY* key, const PcrPolicy& policy) {
  Asn1Step step = MakePcrStep(policy);
  key->policy = sk_TPM_POLICY_STEP_new_null();
  if (step == nullptr || key->policy == nullptr ||
      sk_TPM_POLICY_STEP_push(key->policy, step.get()) <= 0) {
    return false;
  }
  [[maybe_unused]] TPM_POLICY_STEP* owned_by_key = step.release();
  return true;
}

bool Fill(TPM_KEY* out, const TpmKey& key) {
  ASN1_OBJECT_free(out->type);
  out->type = OBJ_txt2obj(kSealedKeyOid, 1);
  out->empty_auth = 1;
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

Result<PcrPolicy> TakePolicy(const TPM_KEY& key) {
  if (key.auth_policy != nullptr || sk_TPM_POLICY_STEP_num(key.policy) != 1) {
    return BadKey("its policy is not one that this version knows");
  }
  const TPM_POLICY_STEP* step = sk_TPM_POLICY_STEP_value(key.policy, 0);
  if (NumberOf(step->command_code) != TPM2_CC_PolicyPCR) {
    return BadKey("its policy is not one that this version knows");
  }
  return DecodePcrPolicy(BytesOf(step->command_policy));
}

}  // namespace

Result<Bytes> EncodeTpmKey(const TpmKey& key) {
  InitOpenssl();
  Asn1Key out(reinterpret_cast<TPM_KEY*>(ASN1_item_new(ASN1_ITEM_rptr(TPM_KEY))));
  if (out == nullptr || !Fill(out.get(), key)) return FailOpenssl("encode a TPM key");
  uint8_t* der = nullptr;
  int size = ASN1_item_i2d(reinterpret_cast<ASN1_VALUE*>(out.get()), &der, ASN1_ITEM_rptr(TPM_KEY));
  if (size < 0) return FailOpenssl("encode a TPM key");
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

Result<TpmKey> DecodeTpmKey(ByteView der) {
  const uint8_t* cursor = der.data();
  Asn1Key in(reinterpret_cast<TPM_KEY*>(
      ASN1_item_d2i(nullptr, &cursor, static_cast<long>(der.size()), ASN1_ITEM_rptr(TPM_KEY))));
  if (in == nullptr || cursor != der.data() + der.size()) return BadKey("not a valid TPMKey");
  Asn1Object sealed_key(OBJ_txt2obj(kSealedKeyOid, 1));
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
