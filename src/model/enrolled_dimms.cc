#include "src/model/enrolled_dimms.h"

#include "src/base/hex.h"
#include "src/base/text.h"
#include "src/crypto/hash.h"

namespace nvunlock {
namespace {

constexpr std::string_view kMacWord = "mac ";
constexpr std::string_view kMacInfo = "enrolled-dimms";

Result<std::string> MacLine(std::string_view body, const KekName& name, const Secret& kek) {
  Secret key = TRY(HkdfSha256(kek.bytes(), kMacInfo, 32));
  return std::string(kMacWord) + name.ToString() + " " +
         ToHex(HmacSha256(key.bytes(), {AsBytes(body)})) + "\n";
}

}  // namespace

std::string HashOfBlob(std::string_view blob_text) {
  return ToHex(Sha256({AsBytes(Trim(blob_text))}));
}

Result<std::string> FormatEnrolledDimms(const EnrolledDimms& dimms, const KekName& name,
                                        const Secret& kek) {
  std::string body = "# DIMMs that have a passphrase blob: id, SHA-256 of the blob\n";
  for (const auto& [id, hash] : dimms.blob_hashes) body += id + " " + hash + "\n";
  return body + TRY(MacLine(body, name, kek));
}

Result<EnrolledDimms> ParseEnrolledDimms(std::string_view text) {
  EnrolledDimms dimms;
  for (std::string_view line : Split(text, '\n')) {
    if (line.empty() || line.starts_with('#') || line.starts_with(kMacWord)) continue;
    std::vector<std::string_view> words = Split(line, ' ');
    if (words.size() != 2 || words[0].empty()) {
      return Fail("'" + std::string(line) + "' is not a DIMM id and a hash");
    }
    dimms.blob_hashes.emplace(words[0], words[1]);
  }
  return dimms;
}

Result<bool> VerifyEnrolledDimms(std::string_view text, const KekName& name, const Secret& kek) {
  size_t mac = text.rfind(kMacWord);
  if (mac == std::string_view::npos) return false;
  std::string expected = TRY(MacLine(text.substr(0, mac), name, kek));
  return EqualInConstantTime(AsBytes(text.substr(mac)), AsBytes(expected));
}

}  // namespace nvunlock
