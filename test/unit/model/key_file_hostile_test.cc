// SPDX-License-Identifier: Apache-2.0
// Key files that were cut, changed or made up by somebody else.
#include <gmock/gmock.h>

#include <string>

#include "src/model/key_file.h"
#include "src/model/pem.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/key_file_sample.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

/// TEXT with the one place where FROM stands changed to TO.
std::string Replace(std::string text, std::string_view from, std::string_view to) {
  size_t at = text.find(from);
  if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) {
    throw std::runtime_error("not exactly one '" + std::string(from) + "' to replace");
  }
  return text.replace(at, from.size(), to);
}

/// A key file whose blocks are these, in a row.
std::string WithBlocks(std::initializer_list<PemBlock> blocks) {
  std::string text = "kek: user:nvdimm-master\nkek-check: " + std::string(32, 'a') + "\n";
  for (const PemBlock& block : blocks) text += FormatPem(block.label, block.der);
  return text;
}

TEST(HostileKeyFileTest, ATruncatedFileIsRefusedAndNeverAnother) {
  const std::string text = SampleKeyFileText();
  const size_t last_line = text.size() - 1;  // the last newline is not missed
  for (size_t size = 0; size < last_line; size++) {
    EXPECT_THAT(ParseKeyFile(text.substr(0, size)), FailsWith(Errc::kBadKeyFile)) << size;
  }
}

TEST(HostileKeyFileTest, AMissingStartIsNoticed) {
  const std::string text = SampleKeyFileText();
  for (size_t at = text.find("kek: ") + 1; at < text.size(); at++) {
    EXPECT_THAT(ParseKeyFile(text.substr(at)), FailsWith(Errc::kBadKeyFile)) << at;
  }
}

/// Lines for people may change, and PCR values are for people. But no other kek comes out.
TEST(HostileKeyFileTest, NoChangedByteYieldsAnotherKek) {
  const std::string text = SampleKeyFileText();
  for (size_t i = 0; i < text.size(); i++) {
    for (char change : {'\x01', '\x20'}) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ change);
      Result<KeyFile> file = ParseKeyFile(changed);
      if (!file) {
        EXPECT_THAT(file, FailsWith(Errc::kBadKeyFile)) << i;
        continue;
      }
      Result<Secret> kek = OpenSlot(*file, file->slots.at(0), SampleSlotSecret());
      if (kek) {
        EXPECT_TRUE(kek->Equals(SampleKek())) << i;
      } else {
        EXPECT_THAT(kek, FailsWith(Errc::kBadKeyFile)) << i;
      }
    }
  }
}

struct BadField {
  std::string from;
  std::string to;
  const char* says;
};

TEST(HostileKeyFileTest, EveryBadFieldIsNamed) {
  const std::string check = "kek-check: " + ToHex(SampleKeyFile().check_value);
  const BadField bad_fields[] = {
      {"kek: user:nvdimm-master\n", "", "not have one 'kek:'"},
      {"kek: user:nvdimm-master\n", "kek: user:a\nkek: user:b\n", "not have one 'kek:'"},
      {"kek: user:nvdimm-master\n", "kek: nvdimm-master\n", "its 'kek:' line"},
      {"kek: user:nvdimm-master\n", "kek: user:../master\n", "its 'kek:' line"},
      {"kek: user:nvdimm-master\n", "kek: \n", "its 'kek:' line"},
      {"kek-check: ", "kek-chack: ", "'kek-check:'"},
      {check, "kek-check: 00", "'kek-check:' line is malformed"},
      {check, "kek-check: zz", "'kek-check:' line is malformed"},
      {check, check + "00", "'kek-check:' line is malformed"},
      {"-----END CMS-----", "-----END CMX-----", "PEM block 3"},
      {"-----BEGIN TPM2 PARENT PUBLIC-----", "-----BEGIN TPM2 PARENT-----", "PEM block 2"},
  };
  for (const BadField& bad : bad_fields) {
    EXPECT_THAT(ParseKeyFile(Replace(SampleKeyFileText(), bad.from, bad.to)),
                FailsWith(Errc::kBadKeyFile, bad.says))
        << bad.from << " -> " << bad.to;
  }
}

class HostileSlotTest : public testing::Test {
 protected:
  const PemBlock key_ = {"TSS2 PRIVATE KEY", Must(EncodeTpmKey(SampleSlot().key))};
  const PemBlock parent_ = {"TPM2 PARENT PUBLIC", MarshalPublic(SampleParent())};
  const PemBlock cms_ = {"CMS", SampleSlot().kek_cms};
};

TEST_F(HostileSlotTest, TheThreeBlocksStandInTheirOrder) {
  EXPECT_THAT(ParseKeyFile(WithBlocks({key_, parent_, cms_})), Succeeds());
  for (const std::string& text : {WithBlocks({key_}), WithBlocks({key_, parent_}),
                                  WithBlocks({key_, cms_}), WithBlocks({key_, cms_, parent_}),
                                  WithBlocks({key_, parent_, {"OTHER", Bytes(3)}, cms_})}) {
    EXPECT_THAT(ParseKeyFile(text),
                FailsWith(Errc::kBadKeyFile, "without its TPM2 PARENT PUBLIC and CMS"));
  }
}

TEST_F(HostileSlotTest, AFileWithoutASlotIsRefused) {
  EXPECT_THAT(ParseKeyFile(WithBlocks({})), FailsWith(Errc::kBadKeyFile, "it has no slot"));
  EXPECT_THAT(ParseKeyFile(WithBlocks({parent_, cms_})),
              FailsWith(Errc::kBadKeyFile, "TPM2 PARENT PUBLIC"));
  EXPECT_THAT(ParseKeyFile(WithBlocks({cms_})), FailsWith(Errc::kBadKeyFile, "unknown key"));
}

TEST_F(HostileSlotTest, BlocksThatHoldSomethingElseAreRefused) {
  EXPECT_THAT(ParseKeyFile(WithBlocks({{key_.label, Bytes(20)}, parent_, cms_})),
              FailsWith(Errc::kBadKeyFile, "TSS2 PRIVATE KEY"));
  EXPECT_THAT(ParseKeyFile(WithBlocks({key_, {parent_.label, Bytes(20)}, cms_})),
              FailsWith(Errc::kBadKeyFile));
}

TEST_F(HostileSlotTest, AParentWhoseNameCannotBePinnedIsRefused) {
  TPM2B_PUBLIC parent = SampleParent();
  parent.publicArea.nameAlg = TPM2_ALG_SHA1;
  EXPECT_THAT(ParseKeyFile(WithBlocks({key_, {parent_.label, MarshalPublic(parent)}, cms_})),
              FailsWith(Errc::kBadKeyFile, "SHA-256"));
}

TEST_F(HostileSlotTest, ASealedObjectThatIsMalformedIsRefused) {
  TpmKey key = SampleSlot().key;
  key.sealed.public_area = Bytes(7, 0xff);
  EXPECT_THAT(ParseKeyFile(WithBlocks({{key_.label, Must(EncodeTpmKey(key))}, parent_, cms_})),
              FailsWith(Errc::kBadKeyFile));
}

TEST_F(HostileSlotTest, MoreThan64KiBAreRefused) {
  std::string text = WithBlocks({key_, parent_, cms_});
  text.resize(kKeyFileLimit, '\n');
  EXPECT_THAT(ParseKeyFile(text), Succeeds());
  text += '\n';
  EXPECT_THAT(ParseKeyFile(text), FailsWith(Errc::kBadKeyFile, "64 KiB"));
}

}  // namespace
}  // namespace nvunlock
