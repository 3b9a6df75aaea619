// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/passphrase/operation_records_test.cc.
#ifndef NVUNLOCK_KEYS_RECORDED_BLOBS_H_
#define NVUNLOCK_KEYS_RECORDED_BLOBS_H_

#include <functional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/blob_record.h"
#include "src/model/key_store.h"
#include "src/os/keyring.h"

namespace nvunlock {

/// The record of blobs in the keys directory, empty where there is none. NOTES get to know when it
/// cannot be read, or lines of it cannot.
BlobRecord ReadBlobRecord(const KeyStore& store, std::vector<std::string>& notes);

/// HashOfBlob of the record as a file, to tell whether an image holds the same; empty where there
/// is none.
Result<std::string> HashOfRecordFile(const KeyStore& store);

/// NOTES get to know that COUNT lines decide nothing, since their MACs do not hold.
void NoteDamagedLines(const KeyStore& store, size_t count, std::vector<std::string>& notes);

/// What the record says under the keks that KEYRING holds; a line whose MAC does not hold says
/// nothing, and NOTES get to know.
RecordedBlobs FindRecordedBlobs(const KeyStore& store, const Keyring& keyring,
                                std::vector<std::string>& notes);

/// Takes the lines for which DROPS holds out of the record, and puts LINES in. It is written only
/// when that changes it. The caller holds the directory's lock.
Result<bool> ChangeBlobRecord(const KeyStore& store,
                              const std::function<bool(const RecordLine&)>& drops,
                              const std::vector<RecordLine>& lines = {});

}  // namespace nvunlock

#endif  // NVUNLOCK_KEYS_RECORDED_BLOBS_H_
