// SPDX-License-Identifier: Apache-2.0
#include "src/model/tpm_key.h"

#include <gmock/gmock.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/commands.h"
#include "test/unit/support/temporary_directory.h"
#include "test/unit/support/tpm_samples.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;

TpmKey SampleKey() {
  return {.parent_handle = kSrkHandle, .sealed = SampleSealedObject(), .policy = SamplePolicy()};
}

/// A DER element of its own making, so that the tests can say what no program writes.
Bytes Der(uint8_t tag, std::initializer_list<ByteView> parts) {
  Bytes content = Concatenate(parts);
  Bytes size = {static_cast<uint8_t>(content.size())};
  if (content.size() >= 0x80) size = Concatenate({Hex("81"), size});
  if (content.size() >= 0x100) size = Concatenate({Hex("82"), BigEndian(content.size(), 2)});
  return Concatenate({Bytes{tag}, size, content});
}

constexpr uint8_t kInteger = 0x02;
constexpr uint8_t kOctets = 0x04;
constexpr uint8_t kSequence = 0x30;
constexpr uint8_t kContext = 0xa0;  // [0] EXPLICIT, and upwards

const Bytes kSealedKeyOid = Hex("06066781050a0105");
const Bytes kLoadableKeyOid = Hex("06066781050a0103");

/// NUMBER below 0x8000 in as few bytes as DER wants.
Bytes DerInteger(uint32_t number) {
  return Der(kInteger, {BigEndian(number, number < 0x80 ? 1 : 2)});
}

/// SampleIndex as written by hand: handle, name algorithm, attributes, policy, size.
const Bytes kIndexBody =
    Hex("002e"
        "01804e57"
        "000b"
        "22040008"
        "0020" +
        std::string(64, '0') + "0200");

Bytes PolicyStep(uint32_t command, const Bytes& body) {
  return Der(kSequence,
             {Der(kContext, {DerInteger(command)}), Der(kContext + 1, {Der(kOctets, {body})})});
}

Bytes PolicyOf(std::initializer_list<ByteView> steps) {
  return Der(kContext + 1, {Der(kSequence, steps)});
}

const Bytes kIndexStep = PolicyStep(TPM2_CC_PolicyAuthorizeNV, kIndexBody);
const Bytes kLatchStep = PolicyStep(TPM2_CC_PolicyNV, EncodeNvLatch(SampleLatch()));
const Bytes kPinStep = PolicyStep(TPM2_CC_PolicyAuthValue, {});
const Bytes kPolicy = PolicyOf({kIndexStep, kLatchStep});
const Bytes kSrkParent = Der(kInteger, {Hex("0081000001")});

/// A TPMKey of these parts; the sealed object is the sample.
Bytes MakeKey(ByteView oid, ByteView optional_fields, ByteView parent = kSrkParent) {
  SealedObject sealed = SampleSealedObject();
  return Der(kSequence, {oid, optional_fields, parent, Der(kOctets, {sealed.public_area}),
                         Der(kOctets, {sealed.private_area})});
}

const Bytes kEmptyAuth = Der(kContext, {Hex("0101ff")});

void ExpectSample(const TpmKey& key) {
  EXPECT_EQ(key.parent_handle, kSrkHandle);
  EXPECT_EQ(key.sealed.public_area, SampleSealedObject().public_area);
  EXPECT_EQ(key.sealed.private_area, SampleSealedObject().private_area);
  EXPECT_EQ(PolicyDigest(key.policy), PolicyDigest(SamplePolicy()));
}

TEST(TpmKeyTest, IsReadBack) {
  ExpectSample(Must(DecodeTpmKey(Must(EncodeTpmKey(SampleKey())))));
}

TEST(TpmKeyTest, IsTheTpmKeyOfTheDraft) {
  EXPECT_EQ(ToHex(Must(EncodeTpmKey(SampleKey()))),
            ToHex(MakeKey(kSealedKeyOid, Concatenate({kEmptyAuth, kPolicy}))));
}

TEST(TpmKeyTest, APinIsTheLastStepOfThePolicyAndTheAuthorizationIsNotEmpty) {
  TpmKey key = SampleKey();
  key.policy.pin = true;
  Bytes der = Must(EncodeTpmKey(key));
  const Bytes not_empty = Der(kContext, {Hex("010100")});
  const Bytes steps = PolicyOf({kIndexStep, kLatchStep, kPinStep});
  EXPECT_EQ(ToHex(der), ToHex(MakeKey(kSealedKeyOid, Concatenate({not_empty, steps}))));
  EXPECT_EQ(PolicyDigest(Must(DecodeTpmKey(der)).policy), PolicyDigest(key.policy));
}

TEST(TpmKeyTest, OpensslParsesIt) {
  TemporaryDirectory directory;
  std::string der = directory.Write("der", AsText(Must(EncodeTpmKey(SampleKey()))));
  std::string parsed = RunCommand("openssl asn1parse -inform DER -in " + der);
  EXPECT_THAT(parsed, HasSubstr(":2.23.133.10.1.5"));
  EXPECT_THAT(parsed, HasSubstr("INTEGER           :81000001"));
}

TEST(TpmKeyTest, OptionalFieldsThatChangeNothingAreAccepted) {
  const Bytes description = Der(kContext + 4, {Hex("0c026869")});
  const Bytes rsa_parent = Der(kContext + 5, {Hex("0101ff")});
  ExpectSample(Must(DecodeTpmKey(MakeKey(kSealedKeyOid, kPolicy))));
  ExpectSample(Must(DecodeTpmKey(
      MakeKey(kSealedKeyOid, Concatenate({kEmptyAuth, kPolicy, description, rsa_parent})))));
}

TEST(TpmKeyTest, OtherTypesOfKeyAreRefused) {
  EXPECT_THAT(DecodeTpmKey(MakeKey(kLoadableKeyOid, kPolicy)),
              FailsWith(Errc::kBadKeyFile, "not sealed data"));
  const Bytes secret = Der(kContext + 2, {Hex("04020102")});
  EXPECT_THAT(DecodeTpmKey(MakeKey(kSealedKeyOid, Concatenate({kPolicy, secret}))),
              FailsWith(Errc::kBadKeyFile, "importable"));
}

/// Among them those of former versions, which asserted PCRs themselves.
TEST(TpmKeyTest, PoliciesThatAreNotKnownHereAreRefused) {
  const Bytes pcr = PolicyStep(TPM2_CC_PolicyPCR, Bytes(42));
  const Bytes pin_with_body = PolicyStep(TPM2_CC_PolicyAuthValue, Bytes(1));
  const Bytes auth_policy =
      Der(kContext + 3, {Der(kSequence, {Der(kSequence, {PolicyOf({kIndexStep, kLatchStep})})})});
  for (const Bytes& policy :
       {Bytes(), PolicyOf({}), PolicyOf({kIndexStep}), PolicyOf({kLatchStep}), PolicyOf({kPinStep}),
        PolicyOf({kLatchStep, kIndexStep}), PolicyOf({kIndexStep, kPinStep}),
        PolicyOf({kIndexStep, kPinStep, kLatchStep}), PolicyOf({kPinStep, kIndexStep, kLatchStep}),
        PolicyOf({kIndexStep, kIndexStep}), PolicyOf({kIndexStep, kLatchStep, kLatchStep}),
        PolicyOf({kIndexStep, kLatchStep, kPinStep, kPinStep}),
        PolicyOf({kIndexStep, kLatchStep, pin_with_body}), PolicyOf({pcr}),
        PolicyOf({pcr, kLatchStep}), PolicyOf({kIndexStep, kLatchStep, pcr}),
        PolicyOf({PolicyStep(0, kIndexBody), kLatchStep}), Concatenate({kPolicy, auth_policy})}) {
    EXPECT_THAT(DecodeTpmKey(MakeKey(kSealedKeyOid, policy)),
                FailsWith(Errc::kBadKeyFile, "its policy"))
        << ToHex(policy);
  }
}

TEST(TpmKeyTest, AMalformedIndexIsRefused) {
  std::vector<Bytes> bodies = {Concatenate({kIndexBody, Bytes(1)}), Hex("00")};
  for (size_t size = 0; size < kIndexBody.size(); size++) {
    bodies.push_back(Copy(ByteView(kIndexBody).first(size)));
  }
  Bytes sha1 = kIndexBody;
  sha1[7] = 0x04;
  bodies.push_back(sha1);
  for (const Bytes& body : bodies) {
    Bytes step = PolicyStep(TPM2_CC_PolicyAuthorizeNV, body);
    EXPECT_THAT(DecodeTpmKey(MakeKey(kSealedKeyOid, PolicyOf({step, kLatchStep}))),
                FailsWith(Errc::kBadKeyFile, "its policy is malformed"))
        << ToHex(body);
  }
}

TEST(TpmKeyTest, AMalformedLatchIsRefused) {
  Bytes step = PolicyStep(TPM2_CC_PolicyNV, Hex("00"));
  EXPECT_THAT(DecodeTpmKey(MakeKey(kSealedKeyOid, PolicyOf({kIndexStep, step}))),
              FailsWith(Errc::kBadKeyFile, "latch policy is malformed"));
}

TEST(TpmKeyTest, OnlyPersistentParentsAreAccepted) {
  for (const char* parent :
       {"40000001", "0080000000", "0180000001", "00", "81000001", "018100000100000000"}) {
    Bytes integer = Der(kInteger, {Hex(parent)});
    EXPECT_THAT(DecodeTpmKey(MakeKey(kSealedKeyOid, kPolicy, integer)),
                FailsWith(Errc::kBadKeyFile, "persistent"))
        << parent;
  }
}

TEST(TpmKeyTest, ATruncatedKeyIsRefused) {
  const Bytes der = Must(EncodeTpmKey(SampleKey()));
  for (size_t size = 0; size < der.size(); size++) {
    EXPECT_THAT(DecodeTpmKey(ByteView(der).first(size)), FailsWith(Errc::kBadKeyFile)) << size;
  }
}

TEST(TpmKeyTest, BytesBehindTheKeyAreRefused) {
  Bytes der = Must(EncodeTpmKey(SampleKey()));
  der.push_back(0);
  EXPECT_THAT(DecodeTpmKey(der), FailsWith(Errc::kBadKeyFile));
}

TEST(TpmKeyTest, ChangedBytesNeverCrash) {
  const Bytes der = Must(EncodeTpmKey(SampleKey()));
  for (size_t i = 0; i < der.size(); i++) {
    for (uint8_t value : {0x00, 0x30, 0x7f, 0x80, 0xff}) {
      Bytes changed = der;
      changed[i] = value;
      Result<TpmKey> key = DecodeTpmKey(changed);
      if (!key) {
        EXPECT_THAT(key, FailsWith(Errc::kBadKeyFile)) << i;
      }
    }
  }
}

}  // namespace
}  // namespace nvunlock
