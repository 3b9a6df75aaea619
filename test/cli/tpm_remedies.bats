#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2030,SC2031  # each test has variables of its own
# Every remedy that a message about the TPM names works in the state that prints it. For the others, and for the
# list of all, see remedies.bats.

load common
load remedies

@test "PCRs differ: boot what was enrolled; 'nvunlock reseal'; or enroll ndctl's kek again" {
  enroll_machine
  extend 8
  fails_with load_keys
  advised "boot what was enrolled"
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  unlocks
  extend 8
  keyctl clear @u
  fails_with load_keys
  follow "nvunlock reseal" <<<"$RECOVERY_KEY"
  unlocks
}

@test "PCRs differ, no recovery slot: enroll ndctl's kek again" {
  enroll_without_recovery
  extend 8
  fails_with load_keys
  enroll_again_from_safe_place
}

@test "another TPM: 'nvunlock reseal', or enroll ndctl's kek again" {
  enroll_machine
  other_tpm
  fails_with load_keys
  follow "nvunlock reseal" <<<"$RECOVERY_KEY"
  unlocks
}

@test "another TPM, no recovery slot: enroll ndctl's kek again" {
  enroll_without_recovery
  other_tpm
  fails_with load_keys
  enroll_again_from_safe_place
}

@test "the latch's index is gone: 'nvunlock reseal', or enroll ndctl's kek again" {
  enroll_machine
  remove_latch
  fails_with load_keys
  follow "nvunlock reseal" <<<"$RECOVERY_KEY"
  unlocks
}

@test "the latch's index is gone, no recovery slot: enroll ndctl's kek again" {
  enroll_without_recovery
  remove_latch
  fails_with load_keys
  enroll_again_from_safe_place
}

@test "the latch is closed: 'nvunlock load-keys --recovery', or a power cycle" {
  enroll_machine
  close_latch
  fails_with load_keys
  follow "nvunlock load-keys --recovery" <<<"$RECOVERY_KEY"
  keyctl clear @u
  fails_with load_keys
  advised "the TPM opens again after a power cycle"
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  unlocks
}

@test "the owner has a password: remove it, and set it again" {
  tpm2_changeauth -c owner secret
  make_clear_kek
  make_blob 8680-00000001
  fails_with enroll --import
  advised "tpm2_changeauth -c owner -p PASSWORD"
  tpm2_changeauth -c owner -p secret
  enroll --import
  mv "$KEYS/nvdimm-master.blob" "$SAFE"
  tpm2_changeauth -c owner secret
  unlocks
}

@test "wrong PINs: try again, then 'nvunlock load-keys --recovery'; lockout: tpm2_dictionarylockout" {
  tpm2_dictionarylockout -s -n 8 -t 1000 -l 1000
  make_clear_kek
  make_blob 8680-00000001
  RECOVERY_KEY=$(recovery_key_in "$(printf '%s\n' 1234 1234 |
    enroll_with --import --recovery-key --tpm2-with-pin)")
  keyctl clear @u
  fails_with load_keys < <(printf '%s\n' 1 2 3 4 5)
  advised "try again"
  run load_keys <<<1234
  expect 0
  keyctl clear @u
  fails_with load_keys < <(printf '%s\n' 1 2 3 4 5)
  follow "nvunlock load-keys --recovery" <<<"$RECOVERY_KEY"
  keyctl clear @u
  run load_keys < <(printf '%s\n' 1 2 3 4 5)
  fails_with load_keys <<<1234
  advised "tpm2_dictionarylockout -c"
  tpm2_dictionarylockout -c
  run load_keys <<<1234
  expect 0
}

@test "the storage root key is somebody's own: tpm2_evictcontrol takes it away" {
  tpm2_createprimary -C o -G ecc -c "$BATS_TEST_TMPDIR/own" -p secret -Q
  tpm2_evictcontrol -C o -c "$BATS_TEST_TMPDIR/own" 0x81000001
  tpm2_flushcontext -t
  fails_with enroll
  advised "tpm2_evictcontrol -C o -c 0x81000001"
  tpm2_evictcontrol -C o -c 0x81000001
  run enroll
  expect 0
}

@test "no signature for this boot, and the key is a new one: 'nvunlock reseal --tpm2-public-key='" {
  make_signing_key "$BATS_TEST_TMPDIR/old" -algorithm RSA
  make_signing_key "$BATS_TEST_TMPDIR/new" -algorithm RSA
  JSON=$BATS_TEST_TMPDIR/signature.json
  sign "$BATS_TEST_TMPDIR/old" "" 8
  enroll_machine --tpm2-pcrs=7 "--tpm2-public-key=$BATS_TEST_TMPDIR/old.pem" --tpm2-public-key-pcrs=8 \
    "--tpm2-signature=$JSON"
  rm "$JSON"
  sign "$BATS_TEST_TMPDIR/new" "" 8
  fails_with load_keys "--tpm2-signature=$JSON"
  follow "nvunlock reseal --tpm2-public-key=" "$BATS_TEST_TMPDIR/new.pem" --tpm2-public-key-pcrs=8 \
    --tpm2-pcrs=7 "--tpm2-signature=$JSON" <<<"$RECOVERY_KEY"
  keyctl clear @u
  run load_keys "--tpm2-signature=$JSON"
  expect 0 "1 nvdimm keys loaded"
}
