#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The latch: one unseal in each boot.

load common

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  fresh_keys
}
teardown() { stop_tpm "$BATS_TEST_TMPDIR/tpm"; }

@test "latch: exit code 11 until the machine boots again" {
  enroll
  keyctl clear @u
  load_keys
  keyctl clear @u
  close_latch
  run load_keys
  expect 11 "the latch is closed"
  expect 11 "load-keys --recovery"
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  run load_keys
  expect 0 "nvdimm master key loaded."
}

@test "unlock closes the latch, and a second unlock says so" {
  mkdir -p "$BATS_TEST_TMPDIR/root/sys"
  enroll
  keyctl clear @u
  unlock() { nvunlock unlock --root="$BATS_TEST_TMPDIR/root" --keys-dir="$KEYS" --tpm2-device="$TPM"; }
  run unlock
  expect 0
  run load_keys
  expect 11
}

@test "with a closed latch a recovery key still loads the keys" {
  key=$(recovery_key_in "$(enroll_with --recovery-key)")
  keyctl clear @u
  close_latch
  run load_keys
  expect 11
  run load_keys --recovery <<<"$key"
  expect 0 "nvdimm master key loaded."
}

latch_without_tpm() { # OPTION...
  nvunlock latch --root="$BATS_TEST_TMPDIR" --keys-dir="$KEYS" --tpm2-device=/none "$@"
}

@test "latch may be repeated, and needs no key files; where it can't ask a TPM it fails" {
  close_latch
  enroll
  close_latch
  run close_latch
  expect 0
  [[ -z $output ]]
  run latch_without_tpm
  expect 3 "the TPM may unseal once more in this boot"
  rm "$KEYS"/nvdimm-master.pem
  run close_latch
  expect 0
  run latch_without_tpm
  expect 0
}

@test "a TPM that somebody else keeps busy is none that is missing: exit code 14" {
  enroll
  mkdir -p "$BATS_TEST_TMPDIR/root/sys"
  for command in latch unlock; do
    run strace -o /dev/null -P /none -e inject=openat:error=EBUSY \
      "$NVUNLOCK" "$command" --root="$BATS_TEST_TMPDIR/root" --keys-dir="$KEYS" --tpm2-device=/none
    expect 14 "the TPM may unseal once more in this boot: /none: Device or resource busy"
  done
}

@test "latch --emergency drops keys and holds the guard though the latch could not be closed" {
  install -D -t "$BATS_TEST_TMPDIR/usr/lib/modprobe.d" \
    "$BATS_TEST_DIRNAME/../../system/00-nvunlock.conf"
  make_clear_kek
  make_blob 8680-00000001
  enroll --import
  load_keys
  mkdir -p "$BATS_TEST_TMPDIR/sys/firmware/acpi/tables"
  touch "$BATS_TEST_TMPDIR/sys/firmware/acpi/tables/TPM2"
  run latch_without_tpm --emergency
  expect 3 "the TPM may unseal once more in this boot"
  refute key_exists encrypted nvdimm:8680-00000001
  refute key_exists user nvdimm-master
  grep -q '^install nfit /bin/false' "$BATS_TEST_TMPDIR/run/modprobe.d/00-nvunlock.conf"
}

@test "latch with a damaged key file: exit code 7, and the others are closed" {
  enroll
  echo damaged >"$KEYS/another.pem"
  keyctl clear @u
  run close_latch
  expect 7 "its latch was not closed"
  rm "$KEYS/another.pem"
  run load_keys
  expect 11
}

@test "each kek has an NV index of its own, and latch closes all of them" {
  enroll
  enroll --kek=user:second
  [[ $(latch_indexes | wc -l) -eq 2 ]]
  keyctl clear @u
  load_keys
  keyctl clear @u
  close_latch
  run load_keys
  expect 11 "user:nvdimm-master: the latch is closed"
  expect 11 "user:second: the latch is closed"
}

@test "enroll behind a closed latch opens no other kek" {
  enroll
  close_latch
  enroll --kek=user:second
  keyctl clear @u
  run load_keys
  expect 11 "user:nvdimm-master: the latch is closed"
}

@test "reseal behind a closed latch leaves the new index closed, too, until the machine boots again" {
  enroll
  save_kek "$BATS_TEST_TMPDIR/kek"
  reseal
  keyctl clear @u
  load_keys # before an unlock has closed it, it stays open
  close_latch
  reseal
  keyctl clear @u
  run load_keys
  expect 11 "the latch is closed"
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  load_keys
  kek_is "$BATS_TEST_TMPDIR/kek"
}

@test "approve writes behind a closed latch, and does not open it" {
  enroll
  close_latch
  run approve --next-boot
  expect 0 "changed"
  keyctl clear @u
  run load_keys
  expect 11
}

@test "an index that the owner took away opens nothing: exit code 16" {
  enroll
  keyctl clear @u
  tpm2_nvundefine -C o "$(latch_indexes)"
  run load_keys
  expect 16 "is gone or was made anew"
}

@test "latch --emergency does not wait for ever for an unlock that hangs: keks go, DIMM keys stay" {
  mkdir -p "$BATS_TEST_TMPDIR/run/nvunlock"
  make_clear_kek
  make_blob 8680-00000001
  enroll --import
  load_keys
  flock "$BATS_TEST_TMPDIR/run/nvunlock/.nvunlock.lock" sleep 60 3>&- &
  holder=$!
  sleep 1
  run timeout 45 "$NVUNLOCK" latch --emergency --root="$BATS_TEST_TMPDIR" --keys-dir="$KEYS" \
    --tpm2-device="$TPM"
  kill "$holder"
  expect 1 "DIMM keys stay loaded: another nvunlock is still using"
  key_exists encrypted nvdimm:8680-00000001
  refute key_exists user nvdimm-master
}

@test "latch --emergency closes the latch at once and drops keys after a running unlock; latch alone leaves them" {
  mkdir -p "$BATS_TEST_TMPDIR/run/nvunlock"
  install -D -t "$BATS_TEST_TMPDIR/usr/lib/modprobe.d" \
    "$BATS_TEST_DIRNAME/../../system/00-nvunlock.conf"
  make_clear_kek
  make_blob 8680-00000001
  enroll --import
  load_keys
  head -c 32 /dev/urandom | keyctl padd user nvunlock-update:nvdimm-master @u
  latch_emergency() {
    nvunlock "$@" --root="$BATS_TEST_TMPDIR" --keys-dir="$KEYS" --tpm2-device="$TPM"
  }
  latch_emergency latch
  key_exists encrypted nvdimm:8680-00000001
  key_exists user nvunlock-update:nvdimm-master

  touch "$BATS_TEST_TMPDIR/running"
  flock "$BATS_TEST_TMPDIR/run/nvunlock/.nvunlock.lock" \
    bash -c "while [[ -e $BATS_TEST_TMPDIR/running ]]; do sleep 0.1; done" 3>&- &
  sleep 1
  latch_emergency latch --emergency 3>&- &
  waiting=$!
  sleep 1
  tpm2_nvreadpublic "$(latch_indexes)" | grep -q readlocked
  key_exists encrypted nvdimm:8680-00000001
  rm "$BATS_TEST_TMPDIR/running"
  wait "$waiting"
  refute key_exists encrypted nvdimm:8680-00000001
  refute key_exists user nvdimm-master
  refute key_exists user nvunlock-update:nvdimm-master
  grep -q '^install nfit /bin/false' "$BATS_TEST_TMPDIR/run/modprobe.d/00-nvunlock.conf"
}

@test "latch --emergency waits for no user who has opened the directories of nvunlock" {
  mkdir -p "$BATS_TEST_TMPDIR/run/nvunlock"
  make_clear_kek
  make_blob 8680-00000001
  enroll --import
  load_keys
  run flock "$BATS_TEST_TMPDIR/run/nvunlock" flock "$KEYS" timeout 10 "$NVUNLOCK" latch --emergency \
    --root="$BATS_TEST_TMPDIR" --keys-dir="$KEYS" --tpm2-device="$TPM"
  expect 0
  refute key_exists encrypted nvdimm:8680-00000001
  refute key_exists user nvdimm-master
}

@test "latch --emergency fails, and says that there is no shell, unless the TPM was seen closed or there is none" {
  emergency() {
    nvunlock latch --emergency --root="$BATS_TEST_TMPDIR" --keys-dir="$KEYS" "$@"
  }
  mkdir "$BATS_TEST_TMPDIR/sys"
  enroll
  run emergency --tpm2-device=/none
  expect 0
  [[ $output != *"no shell"* ]]

  mkdir -p "$BATS_TEST_TMPDIR/sys/firmware/acpi/tables"
  touch "$BATS_TEST_TMPDIR/sys/firmware/acpi/tables/TPM2"
  run emergency --tpm2-device=/none
  expect 3 "there is no shell"
  kill -STOP "$(cat "$BATS_TEST_TMPDIR/tpm/pid")"
  run emergency --tpm2-device="$TPM" --work-limit=1
  kill -CONT "$(cat "$BATS_TEST_TMPDIR/tpm/pid")"
  expect 1 "gave up"
  run emergency --tpm2-device="$TPM"
  expect 0
}
