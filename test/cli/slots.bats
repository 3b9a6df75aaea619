#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# list-slots, wipe-slot, reseal.

load common

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  fresh_keys
  KEK=$BATS_TEST_TMPDIR/kek
  RECOVERY_KEY=$(recovery_key_in "$(enroll_with --recovery-key)")
  save_kek "$KEK"
  keyctl clear @u
}
teardown() { stop_tpms; }

digest() {
  sha256sum <"$KEYS/nvdimm-master.pem"
}

add_passphrase() {
  printf '%s\n' "a long passphrase" "a long passphrase" | reseal --recovery-passphrase
}

@test "list-slots: a number, a kind, and what it is bound to" {
  make_certificate "$BATS_TEST_TMPDIR/cert" -newkey rsa:2048
  add_passphrase
  reseal --escrow="$BATS_TEST_TMPDIR/cert"
  run list_slots
  expect 0
  [[ ${lines[0]} =~ ^0\ +tpm2\ +as\ approved\ in\ NV\ index\ (0x0[0-9a-f]{7})$ ]]
  [[ 0x${BASH_REMATCH[1]#0x0} == "$(policy_indexes | tr A-F a-f)" ]]
  [[ ${lines[1]} =~ ^1\ +recovery-key ]]
  [[ ${lines[2]} =~ ^2\ +recovery-passphrase ]]
  [[ ${lines[3]} =~ ^3\ +escrow\ +/CN=Escrow$ ]]
  [[ ${#lines[@]} -eq 4 ]]
}

@test "list-slots names what it cannot read" {
  printf -- '-----BEGIN FUTURE SLOT-----\nAAAA\n-----END FUTURE SLOT-----\n' >>"$KEYS/nvdimm-master.pem"
  run list_slots
  expect 0 "FUTURE SLOT, which this version does not know"
}

@test "list-slots and wipe-slot without a key file: exit code 7" {
  rm "$KEYS/nvdimm-master.pem"
  run list_slots
  expect 7
  run wipe_slot 0
  expect 7
}

@test "wipe-slot by kind and by number: it does not open any more, the other does" {
  run wipe_slot recovery-key
  expect 0 "wiped recovery-key"
  expect 0 "still open with recovery slots"
  run load_keys --recovery <<<"$RECOVERY_KEY"
  [[ $status -ne 0 ]]
  load_keys
  kek_is "$KEK"
}

@test "wipe-slot of the TPM slot leaves the recovery key, and old copies of the file open no more" {
  cp "$KEYS/nvdimm-master.pem" "$BATS_TEST_TMPDIR/old"
  run wipe_slot 0
  expect 0 "wiped tpm2"
  run load_keys
  expect 7 "no TPM slot"
  load_keys --recovery <<<"$RECOVERY_KEY"
  kek_is "$KEK"
  [[ -z $(policy_indexes) ]]
  mv "$BATS_TEST_TMPDIR/old" "$KEYS/nvdimm-master.pem"
  keyctl clear @u
  run load_keys
  expect 16
}

@test "wipe-slot of the TPM slot where there is no TPM says what old copies of the file still open" {
  run wipe_slot --tpm2-device=/none 0
  expect 0 "old copies of the key file still open on this TPM"
}

@test "wipe-slot never removes the last way in, and escrow is none" {
  make_certificate "$BATS_TEST_TMPDIR/cert" -newkey rsa:2048
  reseal --escrow="$BATS_TEST_TMPDIR/cert"
  wipe_slot recovery-key
  before=$(digest)
  run wipe_slot tpm2
  expect 1 "no way to user:nvdimm-master"
  [[ $before == "$(digest)" ]]
}

@test "wipe-slot waits for no user who has opened the keys directory" {
  run flock "$KEYS" timeout 10 "$NVUNLOCK" wipe-slot --root="$ROOT_OF_TEST" --keys-dir="$KEYS" 1
  expect 0
}

@test "wipe-slot of what is not there: exit code 2, and the file stays" {
  before=$(digest)
  for which in 7 escrow nonsense; do
    run wipe_slot "$which"
    expect 2 "list-slots"
  done
  [[ $before == "$(digest)" ]]
}

@test "reseal after a change of PCRs, with the recovery key: the same kek" {
  extend 8
  run load_keys
  expect 5 "nvunlock approve --now"
  run reseal --tpm2-pcrs=7+8 <<<"$RECOVERY_KEY"
  expect 0 "approved: PCR 7+8:sha256 ($(pcr_digest 7,8))"
  load_keys
  kek_is "$KEK"
}

@test "reseal with the kek in the keyring asks nobody" {
  load_keys
  extend 8
  run reseal --tpm2-pcrs=7+8 </dev/null
  expect 0
  keyctl clear @u
  load_keys
  kek_is "$KEK"
}

@test "reseal without a policy keeps what is approved: it does not open for other PCRs, and after a reset it does" {
  load_keys
  digest=$(pcr_digest 7,8)
  extend 8
  run reseal
  expect 0 "approved: PCR 7+8:sha256 ($digest)"
  keyctl clear @u
  run load_keys
  expect 5 "PCR 8 (sha256) differs"
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  load_keys
  kek_is "$KEK"
}

@test "reseal makes a new index and removes the old one: old copies of the key file open no more" {
  cp "$KEYS/nvdimm-master.pem" "$BATS_TEST_TMPDIR/old"
  before=$(policy_indexes)
  reseal
  [[ $(policy_indexes | wc -l) -eq 1 && $(policy_indexes) != "$before" ]]
  load_keys
  keyctl clear @u
  mv "$BATS_TEST_TMPDIR/old" "$KEYS/nvdimm-master.pem"
  run load_keys
  expect 16 "is gone or was made anew"
}

@test "reseal where what was approved is gone chooses PCRs as enroll does, and where it cannot the file stays" {
  before=$(digest)
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  tpm2_nvundefine -C o "$(policy_indexes)"
  run reseal <<<"$RECOVERY_KEY"
  expect 1 "--weak-policy"
  [[ $before == "$(digest)" && -z $(policy_indexes) ]]
  run reseal --tpm2-pcrs=7+8 <<<"$RECOVERY_KEY"
  expect 0
  load_keys
  kek_is "$KEK"
}

@test "reseal with a wrong recovery key: exit code 8, and file and index stay" {
  before=$(digest)
  indexes=$(policy_indexes)
  extend 8
  run reseal --tpm2-pcrs=7+8 <<<wrong
  expect 8 "it opens no recovery slot"
  [[ $before == "$(digest)" && $indexes == "$(policy_indexes)" ]]
}

@test "reseal to another TPM, with the recovery key" {
  TPM_BEFORE=$TPM
  start_tpm "$BATS_TEST_TMPDIR/other"
  [[ $TPM != "$TPM_BEFORE" ]]
  run reseal --tpm2-pcrs=7+8 <<<"$RECOVERY_KEY"
  expect 0
  load_keys
  kek_is "$KEK"
}

@test "reseal to other PCRs; recovery slots stay" {
  run reseal --tpm2-pcrs=8 --next-boot=0
  expect 0 "approved: PCR 8:sha256 ($(pcr_digest 8))"
  extend 7
  load_keys
  kek_is "$KEK"
  run list_slots
  [[ ${lines[0]} == *tpm2* ]]
  [[ ${lines[1]} == *recovery-key* ]]
  keyctl clear @u
  load_keys --recovery <<<"$RECOVERY_KEY"
  kek_is "$KEK"
}

@test "reseal adds a recovery key, which works beside the old one" {
  second=$(recovery_key_in "$(reseal --recovery-key)")
  for key in "$RECOVERY_KEY" "$second"; do
    keyctl clear @u
    load_keys --recovery <<<"$key"
    kek_is "$KEK"
  done
}

@test "reseal keeps the key file for root only" {
  reseal
  [[ $(stat -c %a "$KEYS/nvdimm-master.pem") == 600 ]]
}

@test "reseal refuses PCRs that assert too little, as enroll does" {
  before=$(digest)
  run in_world reseal --tpm2-pcrs=7
  expect 1 "--weak-policy"
  [[ $before == "$(digest)" && $(policy_indexes | wc -l) -eq 1 ]]
}

@test "killed at any moment, reseal leaves a key file that opens" {
  for tenth in 0 1 2 3 5 8; do
    keyctl clear @u
    killed_after "0.0$tenth" "$NVUNLOCK" reseal --root="$ROOT_OF_TEST" --keys-dir="$KEYS" \
      --tpm2-device="$TPM"
    load_keys
    kek_is "$KEK"
  done
}
