#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2030,SC2031  # each test has variables of its own
# Every remedy that a message about the TPM names works in the state that prints it. For the others, and for the
# list of all, see remedies.bats.

load common
load remedies

# Indexes of others, until not even a small one fits.
fill_nv() {
  local size=2048 index=$((0x1500000))
  while [[ $size -ge 64 ]]; do
    if tpm2_nvdefine -Q -C o -s "$size" "$index" 2>/dev/null; then
      index=$((index + 1))
    else
      size=$((size / 2))
    fi
  done
}

@test "PCRs differ: boot what was approved; 'nvunlock approve --now'" {
  enroll_machine
  extend 8
  fails_with load_keys
  advised "boot what was approved"
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  unlocks
  extend 8
  keyctl clear @u
  fails_with load_keys
  follow "nvunlock approve --now" <<<"$RECOVERY_KEY"
  unlocks
}

@test "PCRs differ, as verify sees it: 'nvunlock approve --now', also with the latch closed" {
  enroll_machine
  extend 8
  close_latch
  fails_with in_world verify
  follow "nvunlock approve --now" <<<"$RECOVERY_KEY"
  run in_world verify
  expect 0
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  extend 8
  unlocks
}

@test "unlock by the number of the boot: 'nvunlock approve --learn', and the next boot opens by its PCRs" {
  enroll_machine
  load_keys
  in_world approve --next-boot
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  extend 8
  keyctl clear @u
  make_dimm_hardware
  run in_world unlock
  expect 0 "is not approved for good yet"
  follow "nvunlock approve --learn"
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  extend 8
  unlocks
}

@test "PCRs differ, no recovery slot: enroll ndctl's kek again" {
  enroll_without_recovery
  extend 8
  fails_with load_keys
  enroll_again_from_safe_place
}

@test "another TPM, or a cleared one: 'nvunlock reseal'" {
  enroll_machine
  other_tpm
  fails_with load_keys
  advised "'nvunlock reseal'"
  in_world reseal --tpm2-pcrs=7+8 --weak-policy <<<"$RECOVERY_KEY"
  unlocks
  tpm2_clear
  keyctl clear @u
  fails_with load_keys
  advised "'nvunlock reseal'"
  in_world reseal --tpm2-pcrs=7+8 --weak-policy <<<"$RECOVERY_KEY"
  unlocks
}

@test "another TPM, no recovery slot: enroll ndctl's kek again" {
  enroll_without_recovery
  other_tpm
  fails_with load_keys
  enroll_again_from_safe_place
}

@test "the policy index is gone: 'nvunlock reseal'" {
  enroll_machine
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  remove_index
  fails_with load_keys
  advised "'nvunlock reseal'"
  in_world reseal --tpm2-pcrs=7+8 --weak-policy <<<"$RECOVERY_KEY"
  unlocks
}

@test "another index is in the place of the policy index: 'nvunlock reseal'" {
  enroll_machine
  index=$(policy_indexes)
  remove_index
  tpm2_nvdefine -Q -C o -s 8 "$index"
  printf "of other" | tpm2_nvwrite -C o -i - "$index"
  fails_with load_keys
  expect 16
  advised "'nvunlock reseal'"
  in_world reseal --tpm2-pcrs=7+8 --weak-policy <<<"$RECOVERY_KEY"
  unlocks
  tpm2_nvread -C o "$index" | grep -q "of other" # it stays whose it is
}

@test "the policy index is gone, no recovery slot: enroll ndctl's kek again" {
  enroll_without_recovery
  remove_index
  fails_with load_keys
  enroll_again_from_safe_place
}

@test "what was approved is gone: approve and status say 'nvunlock approve --now'" {
  enroll_machine
  tpm2_nvundefine -C o "$(policy_indexes)"
  fails_with in_world approve --next-boot <<<"$RECOVERY_KEY"
  advised "'nvunlock approve --now'"
  fails_with in_world verify
  advised "'nvunlock approve --now'"
  in_world approve --now --tpm2-pcrs=7+8 --weak-policy <<<"$RECOVERY_KEY"
  run in_world verify
  expect 0
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  unlocks
}

@test "the TPM cannot hold so many approvals: 'nvunlock approve --now' drops the old ones" {
  enroll_machine
  load_keys
  for value in {1..8}; do
    run in_world approve --weak-policy --tpm2-pcrs="7:sha256=$(printf '%064x' "$value")+8"
    [[ $status -eq 0 ]] || break
  done
  expect 2 "the TPM cannot hold so many approvals at once"
  [[ $value -gt 3 ]]
  follow "nvunlock approve --now" --tpm2-pcrs=7+8 --weak-policy
  unlocks
}

@test "the TPM has no room for an index: tpm2_nvundefine makes some" {
  enroll_without_recovery
  rm "$KEYS/nvdimm-master.pem"
  cp "$SAFE/nvdimm-master.blob" "$KEYS"
  fill_nv
  fails_with enroll --import
  expect 22 "the TPM has no room for it"
  advised "tpm2_nvundefine"
  tpm2_nvundefine -C o "$(policy_indexes)"
  tpm2_nvundefine -C o "$(latch_indexes)"
  enroll --import
  rm "$KEYS/nvdimm-master.blob"
  unlocks
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

@test "no signature for this boot, and the key is a new one: 'nvunlock approve --signed='" {
  make_signing_key "$BATS_TEST_TMPDIR/old" -algorithm RSA
  make_signing_key "$BATS_TEST_TMPDIR/new" -algorithm RSA
  JSON=$BATS_TEST_TMPDIR/signature.json
  sign "$BATS_TEST_TMPDIR/old" "" 8
  enroll_machine --tpm2-pcrs=7 "--tpm2-public-key=$BATS_TEST_TMPDIR/old.pem" --tpm2-public-key-pcrs=8 \
    "--tpm2-signature=$JSON"
  rm "$JSON"
  sign "$BATS_TEST_TMPDIR/new" "" 8
  fails_with load_keys "--tpm2-signature=$JSON"
  advised "'nvunlock approve --signed=KEY.pem'"
  in_world approve --signed="$BATS_TEST_TMPDIR/new.pem" --tpm2-public-key-pcrs=8 --tpm2-pcrs=7 --weak-policy \
    "--tpm2-signature=$JSON" <<<"$RECOVERY_KEY"
  keyctl clear @u
  run load_keys "--tpm2-signature=$JSON"
  expect 0 "1 nvdimm keys loaded"
}
