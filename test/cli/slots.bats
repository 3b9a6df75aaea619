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
teardown() { stop_tpm "$BATS_TEST_TMPDIR/tpm"; }

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
  [[ ${lines[0]} =~ ^0\ +tpm2\ +7:sha256=[0-9a-f]{64}\+8:sha256=[0-9a-f]{64}\ latch=nv$ ]]
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
  expect 0 "Old copies of the key file, in images and backups, still open"
  run load_keys --recovery <<<"$RECOVERY_KEY"
  [[ $status -ne 0 ]]
  load_keys
  kek_is "$KEK"
}

@test "wipe-slot of the TPM slot leaves the recovery key" {
  run wipe_slot 0
  expect 0 "wiped tpm2"
  run load_keys
  expect 7 "no TPM slot"
  load_keys --recovery <<<"$RECOVERY_KEY"
  kek_is "$KEK"
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
  run flock "$KEYS" timeout 10 "$NVUNLOCK" wipe-slot --keys-dir="$KEYS" 1
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
  expect 5 "nvunlock reseal"
  run reseal <<<"$RECOVERY_KEY"
  expect 0 "proved: it unseals now"
  load_keys
  kek_is "$KEK"
}

@test "reseal with the kek in the keyring asks nobody" {
  load_keys
  extend 8
  run reseal </dev/null
  expect 0
  keyctl clear @u
  load_keys
  kek_is "$KEK"
}

@test "reseal with a wrong recovery key: exit code 8, and the file stays" {
  before=$(digest)
  extend 8
  run reseal <<<wrong
  expect 8 "it opens no recovery slot"
  [[ $before == "$(digest)" ]]
}

@test "reseal to another TPM, with the recovery key" {
  TPM_BEFORE=$TPM
  start_tpm "$BATS_TEST_TMPDIR/other"
  [[ $TPM != "$TPM_BEFORE" ]]
  run reseal <<<"$RECOVERY_KEY"
  expect 0
  load_keys
  stop_tpm "$BATS_TEST_TMPDIR/other"
  kek_is "$KEK"
}

@test "reseal to other PCRs and another latch; recovery slots stay" {
  run reseal --tpm2-pcrs=8 --latch=pcr:14
  expect 0 "policy: 8:sha256="
  expect 0 "latch: pcr:14"
  run list_slots
  [[ ${lines[0]} == *"latch=pcr:14" ]]
  [[ ${lines[1]} == *recovery-key* ]]
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
  run reseal --tpm2-pcrs=7
  expect 1 "--weak-policy"
  [[ $before == "$(digest)" ]]
}

@test "killed at any moment, reseal leaves a key file that opens" {
  for tenth in 0 1 2 3 5 8; do
    keyctl clear @u
    killed_after "0.0$tenth" "$NVUNLOCK" reseal --keys-dir="$KEYS" --tpm2-device="$TPM"
    load_keys
    kek_is "$KEK"
  done
}
