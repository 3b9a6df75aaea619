// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/passphrase_rounds.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <string>

#include "src/crypto/openssl.h"

namespace nvunlock {
namespace {

using Parameters = OpensslPtr<PBKDF2PARAM, PBKDF2PARAM_free>;

/// Reads DER, element by element. After the first surprise there is nothing left to read.
class DerReader {
 public:
  explicit DerReader(ByteView der) : rest_(der) {}

  [[nodiscard]] bool AtEnd() const { return rest_.empty(); }
  [[nodiscard]] ByteView Rest() const { return rest_; }

  /// Whether the next element has TAG of CLASS_BITS.
  [[nodiscard]] bool Next(int tag, int class_bits) const {
    Element element = Parse();
    return element.tag == tag && element.class_bits == class_bits;
  }

  /// What is in the next element, when it has TAG of CLASS_BITS.
  DerReader Enter(int tag, int class_bits = V_ASN1_UNIVERSAL) {
    Element element = Parse();
    bool fits = element.tag == tag && element.class_bits == class_bits;
    rest_ = fits ? element.behind : ByteView();
    return DerReader(fits ? element.content : ByteView());
  }

 private:
  struct Element {
    int tag = -1;
    int class_bits = -1;
    ByteView content;
    ByteView behind;
  };

  [[nodiscard]] Element Parse() const {
    constexpr int kErrorOrIndefiniteLength = 0x81;
    Element element;
    const uint8_t* cursor = rest_.data();
    long length = 0;
    int flags = ASN1_get_object(&cursor, &length, &element.tag, &element.class_bits,
                                static_cast<long>(rest_.size()));
    if ((flags & kErrorOrIndefiniteLength) != 0) return {};
    ByteView content_on = rest_.subspan(static_cast<size_t>(cursor - rest_.data()));
    element.content = content_on.first(static_cast<size_t>(length));
    element.behind = content_on.subspan(static_cast<size_t>(length));
    return element;
  }

  ByteView rest_;
};

/// The RecipientInfos of a ContentInfo with EnvelopedData (RFC 5652, section 6.1).
DerReader EnterRecipients(ByteView der) {
  DerReader content_info = DerReader(der).Enter(V_ASN1_SEQUENCE);
  content_info.Enter(V_ASN1_OBJECT);
  DerReader enveloped = content_info.Enter(0, V_ASN1_CONTEXT_SPECIFIC).Enter(V_ASN1_SEQUENCE);
  enveloped.Enter(V_ASN1_INTEGER);
  if (enveloped.Next(0, V_ASN1_CONTEXT_SPECIFIC)) enveloped.Enter(0, V_ASN1_CONTEXT_SPECIFIC);
  return enveloped.Enter(V_ASN1_SET);
}

bool IsPbkdf2(ByteView object_content) {
  static constexpr uint8_t kPbkdf2[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c};
  return std::ranges::equal(object_content, kPbkdf2);
}

/// -1 when they cannot be read.
long ReadRounds(ByteView pbkdf2_parameters) {
  const uint8_t* cursor = pbkdf2_parameters.data();
  Parameters parameters(
      d2i_PBKDF2PARAM(nullptr, &cursor, static_cast<long>(pbkdf2_parameters.size())));
  return parameters == nullptr ? -1 : ASN1_INTEGER_get(parameters->iter);
}

Failure Refuse(const std::string& reason) {
  ERR_clear_error();
  return Fail(Errc::kBadKeyFile, "CMS block: " + reason);
}

}  // namespace

Result<void> CheckPassphraseRounds(ByteView der) {
  DerReader recipients = EnterRecipients(der);
  // PasswordRecipientInfo (section 6.2.4).
  DerReader recipient = recipients.Enter(3, V_ASN1_CONTEXT_SPECIFIC);
  bool alone = recipients.AtEnd() && !recipient.AtEnd();
  recipient.Enter(V_ASN1_INTEGER);
  DerReader derivation = recipient.Enter(0, V_ASN1_CONTEXT_SPECIFIC);
  bool is_pbkdf2 = IsPbkdf2(derivation.Enter(V_ASN1_OBJECT).Rest());
  if (!alone || !is_pbkdf2) return Refuse("not for one passphrase stretched by PBKDF2");
  long rounds = ReadRounds(derivation.Rest());
  if (rounds >= 1 && rounds <= kMostPassphraseRounds) return {};
  return Refuse("its passphrase is stretched by more than " +
                std::to_string(kMostPassphraseRounds) + " rounds of PBKDF2, which is too slow");
}

}  // namespace nvunlock
