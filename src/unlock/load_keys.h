// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_UNLOCK_LOAD_KEYS_H_
#define NVUNLOCK_UNLOCK_LOAD_KEYS_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/keys/select_blobs.h"
#include "src/model/environment.h"
#include "src/model/key_store.h"
#include "src/os/keyring.h"
#include "src/seal/unseal.h"
#include "tpm/connection.h"

namespace nvunlock {

struct LoadKeysOptions {
  Keyring keyring = Keyring::User();  ///< where the DIMM keys go
  bool keep_kek = false;              ///< leave the keks in `keyring` instead of a process keyring
  bool all_keks = false;              ///< also those that no blob names
  bool clear_keks = false;            ///< those without a key file from ndctl's file in clear
  unsigned expire_seconds = 0;        ///< all keys vanish after this time; 0: never
  std::string host;                   ///< whose blobs are preferred

  std::vector<std::string> signature_files;  ///< PCR signatures that may be approved

  /// Called with each kek that was opened. It is APPROVED unless a recovery slot opened it, or the
  /// number of the boot.
  std::function<void(const KeyFile& file, const Secret& kek, bool approved)> on_opened;

  RecoveryQuestion ask_recovery;
  PinQuestion ask_pin;
  bool recovery_only = false;  ///< does not even try the TPM
  bool keyring_only = false;   ///< keks that are in `keyring` and no others
  std::set<DimmId> only;       ///< the DIMMs that matter; empty: all
};

/// A blob that is to be tried after a refusal only, and its line of the record should it be taken.
struct Spare : Candidate {
  RecordLine line;
};

/// What came of loading the keys: each DIMM that has a blob or is enrolled is either in `keys` or
/// in `failed`.
struct LoadedKeys {
  std::map<DimmId, std::vector<Key>> keys;
  std::map<DimmId, RecordLine> lines;  ///< of the blobs that are in `keys`
  std::map<DimmId, Spare> spares;
  std::vector<Key> held_keks;  ///< of the spares; the caller drops them
  std::map<DimmId, Error> failed;
  std::vector<Error> problems;     ///< with keks, whatever DIMMs they are for
  std::vector<KekName> recovered;  ///< keks that came from a recovery slot
  std::vector<std::string> notes;
  unsigned keks_loaded = 0;
};

/// Unseals the keks and loads the key of each DIMM from its blob. A kek that the keyring holds
/// already is used from there, and dropped like any other unless keks are kept. Each blob, and each
/// line of the record of blobs, is verified against its kek before it counts; one bad blob or kek
/// does not stop the others. Notes name the blobs that no line is of.
Result<LoadedKeys> LoadKeys(const KeyStore& store, TpmConnection& tpm,
                            const LoadKeysOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_LOAD_KEYS_H_
