# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tests of load-keys: a kek that is enrolled, and the blobs of two DIMMs.

setup_file() { start_tpm; }
teardown_file() { stop_tpm; }

setup() {
  fresh_keys
  make_clear_kek
  make_blob 8680-00000001
  make_blob 8680-00000002
  enroll --import
  keyctl clear @u
}

blob_of() {
  echo "$KEYS/nvdimm_$1_$(uname -n).blob"
}
