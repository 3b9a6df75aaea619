#ifndef NVUNLOCK_PROCEDURES_ENROLLED_RECORD_H_
#define NVUNLOCK_PROCEDURES_ENROLLED_RECORD_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/enrolled_dimms.h"
#include "src/model/key_store.h"
#include "src/os/keyring.h"

namespace nvunlock {

/// The file enrolled-dimms as it is.
struct EnrolledRecord {
  std::string text;
  EnrolledDimms dimms;
};

/// nullopt when there is none, or none that can be read; NOTES get to know the latter.
std::optional<EnrolledRecord> ReadEnrolledRecord(const KeyStore& store,
                                                 std::vector<std::string>& notes);

/// The DIMMs that have a blob in the keys directory now.
Result<EnrolledDimms> FindEnrolledDimms(const KeyStore& store);

/// Writes enrolled-dimms anew, with KEK's MAC, but for the DIMMs with the ids (canonical) WITHOUT.
Result<void> WriteEnrolledRecord(const KeyStore& store, const KekName& name, const Secret& kek,
                                 const std::set<std::string>& without = {});

/// WriteEnrolledRecord with the kek that KEYRING holds, where there is a record.
Result<void> UpdateEnrolledRecord(const KeyStore& store, const Keyring& keyring,
                                  const KekName& name, const std::set<std::string>& without = {});

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_ENROLLED_RECORD_H_
