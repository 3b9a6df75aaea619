# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154  # tests use RECOVERY_KEY, and bats sets status
# For tests of what may boot next: a machine whose firmware measures 7 and 12, and whose image is in PCR 8.

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  fresh_keys
  KEK=$BATS_TEST_TMPDIR/kek
  JSON=$BATS_TEST_TMPDIR/signature.json
  ROOT=$ROOT_OF_TEST
  FILE=$KEYS/nvdimm-master.pem
  make_dimm_hardware
  make_clear_kek
  make_blob 8680-00000001
  RECOVERY_KEY=$(recovery_key_in "$(enroll_with --import --recovery-key)")
  mv "$KEYS/nvdimm-master.blob" "$KEK"
  keyctl clear @u
}
teardown() { stop_tpm "$BATS_TEST_TMPDIR/tpm"; }

# The machine is reset, and then boots IMAGE: 0 is the one that was enrolled. Nobody sees the resets before the last.
boot() { # IMAGE [RESETS]
  local i
  keyctl clear @u
  for ((i = 0; i < ${2-1}; i++)); do power_cycle "$BATS_TEST_TMPDIR/tpm"; done
  mkdir -p "$ROOT_OF_TEST/run"
  run_image "$1"
}

# As kexec does it, without a reset.
run_image() { # IMAGE
  [[ $1 == 0 ]] || extend_with "$1"
}

extend_with() { # NUMBER
  tpm2_pcrextend "8:sha256=$(printf '%064x' "$1")"
}

resets() {
  tpm2_readclock | sed -n 's/ *reset_count: *//p'
}

# An admin who has the kek at hand approves something. What was approved before is from the TPM or the record.
change() { # APPROVE-OPTION...
  local status=0
  keyctl padd user nvdimm-master @u <"$KEK" >/dev/null
  approve "$@" || status=$?
  keyctl clear @u
  return "$status"
}

opens() {
  keyctl clear @u
  run load_keys
  expect 0 "1 nvdimm keys loaded"
  kek_is "$KEK"
  keyctl clear @u
}

stays_closed() { # [EXIT-CODE [TEXT]]
  keyctl clear @u
  run load_keys
  expect "${1-5}" "${2-}"
  refute key_exists user nvdimm-master
}

# How many kinds of boots `run` has shown as approved.
approved_count() {
  grep -c '^approved: ' <<<"$output"
}
