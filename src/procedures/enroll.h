#ifndef NVUNLOCK_PROCEDURES_ENROLL_H_
#define NVUNLOCK_PROCEDURES_ENROLL_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/kek_name.h"
#include "src/model/pcr_terms.h"

namespace nvunlock {

struct EnrollOptions {
  KekName kek;
  bool import_clear_kek = false;  ///< seal ndctl's kek in clear instead of a new one
  PcrTerms pcrs;
  bool weak_policy = false;
};

struct EnrollReport {
  std::string key_file;         ///< path of what was written
  std::string clear_file;       ///< path of ndctl's kek in clear; empty when it is not there
  std::string pcrs;             ///< what the slot is bound to, in the grammar of --tpm2-pcrs
  bool unsealed_again = false;  ///< the proof; false when the PCRs hold other values now
  std::vector<std::string> notes;
};

/// Makes a kek, or takes ndctl's, seals it to this machine's TPM, proves that it opens when it
/// should and not otherwise, and only then writes the key file and puts the kek into the keyring.
/// Never overwrites a key file or a kek, and refuses a kek that existing blobs do not open with.
Result<EnrollReport> Enroll(const Environment& environment, const EnrollOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_ENROLL_H_
