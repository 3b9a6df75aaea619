# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154  # tests use RECOVERY_KEY, and bats sets status
# For tests of remedies: make a state, read the message, do what it says, and see the state good.

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  fresh_keys
  ROOT=$ROOT_OF_TEST
  SAFE=$BATS_TEST_TMPDIR/safe
  mkdir -p "$ROOT/sys" "$SAFE"
}
teardown() { stop_tpm "$BATS_TEST_TMPDIR/tpm"; }

# The options of COMMAND that put it into this test's world.
world_of() { # COMMAND
  local help
  help=$(nvunlock "$1" --help)
  echo "--root=$ROOT --keys-dir=$KEYS"
  [[ $help != *--tpm2-device=* ]] || echo "--tpm2-device=$TPM"
}

# advised TEXT: the last message says so.
advised() {
  expect "$status" "$1"
}

# follow REMEDY [OPTION...]: the last message quotes REMEDY, a command; it succeeds in this world.
follow() {
  local words
  advised "'$1"
  read -ra words <<<"${1%=}"
  # shellcheck disable=SC2046  # options without blanks
  run "$NVUNLOCK" "${words[@]:1}" "${@:2}" $(world_of "${words[1]}")
  expect 0
}

# An enrolled kek with a recovery key, in $RECOVERY_KEY; ndctl's own, with a blob. The kek is in no
# keyring; in clear it is in $SAFE.
enroll_machine() { # [OPTION...]
  make_clear_kek
  make_blob 8680-00000001
  RECOVERY_KEY=$(recovery_key_in "$(enroll_with --import --recovery-key "$@")")
  mv "$KEYS/nvdimm-master.blob" "$SAFE"
  keyctl clear @u
}

enroll_without_recovery() {
  make_clear_kek
  make_blob 8680-00000001
  enroll --import
  mv "$KEYS/nvdimm-master.blob" "$SAFE"
  keyctl clear @u
}

# The kek and the DIMM's key come out of the TPM, as at the next boot.
unlocks() {
  keyctl clear @u
  run load_keys
  expect 0 "1 nvdimm keys loaded"
  kek_is "$SAFE/nvdimm-master.blob"
}

# Without a recovery slot: what the messages of a TPM that does not open any more say.
enroll_again_from_safe_place() {
  advised "without a recovery slot, move the key file away, put nvdimm-master.blob back from its safe place"
  mv "$KEYS/nvdimm-master.pem" "$SAFE/old.pem"
  cp "$SAFE/nvdimm-master.blob" "$KEYS"
  follow "nvunlock enroll --import" --tpm2-pcrs=7+8 --weak-policy --no-recovery
  rm "$KEYS/nvdimm-master.blob"
  unlocks
}

other_tpm() {
  stop_tpm "$BATS_TEST_TMPDIR/tpm"
  rm -rf "$BATS_TEST_TMPDIR/tpm" "$ROOT/run"
  start_tpm "$BATS_TEST_TMPDIR/tpm"
}

remove_index() {
  tpm2_nvundefine -C o "$(policy_indexes)"
}

# fails_with COMMAND...: it must, and its message is the last.
fails_with() {
  run "$@"
  [[ $status -ne 0 ]] || expect 1
}
