#ifndef NVUNLOCK_MODEL_ENROLLED_DIMMS_H_
#define NVUNLOCK_MODEL_ENROLLED_DIMMS_H_

#include <map>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/kek_name.h"

namespace nvunlock {

/// The file in the keys directory that holds an EnrolledDimms.
inline constexpr char kEnrolledDimmsFile[] = "enrolled-dimms";

/// Which DIMMs had a blob when enroll, or a passphrase command, last looked: by this, `unlock`
/// tells a blob that is missing from a DIMM that is not ours, and notices swapped blobs.
struct EnrolledDimms {
  /// Canonical DIMM id to the SHA-256 of its blob in hex.
  std::map<std::string, std::string> blob_hashes;
};

/// The SHA-256 of a blob's text in hex.
std::string HashOfBlob(std::string_view blob_text);

/// The text of the file; its last line is a MAC under a key derived from KEK.
Result<std::string> FormatEnrolledDimms(const EnrolledDimms& dimms, const KekName& name,
                                        const Secret& kek);

/// Reads the text; the MAC is not verified here.
Result<EnrolledDimms> ParseEnrolledDimms(std::string_view text);

/// Whether the MAC of the file was made with KEK. False does not tell an attacker from an admin
/// with an editor: warn only.
Result<bool> VerifyEnrolledDimms(std::string_view text, const KekName& name, const Secret& kek);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_ENROLLED_DIMMS_H_
