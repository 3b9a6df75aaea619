#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The latch: one unseal in each boot.

load common

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  fresh_keys
}
teardown() { stop_tpm "$BATS_TEST_TMPDIR/tpm"; }

@test "latch closes the NV latch: exit code 11 until the machine boots again" {
  run enroll
  expect 0 "latch: nv"
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

@test "latch closes a PCR latch: exit code 5 until the machine boots again" {
  run enroll --latch=pcr:13
  expect 0 "latch: pcr:13"
  keyctl clear @u
  close_latch
  run load_keys
  expect 5 "PCR 13"
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  run load_keys
  expect 0 "nvdimm master key loaded."
}

@test "without a latch load-keys works as before" {
  run enroll --latch=none
  expect 0 "latch: none"
  keyctl clear @u
  close_latch
  run load_keys
  expect 0
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

@test "two keks share one NV index" {
  enroll
  enroll --kek=user:second
  [[ $(tpm2_getcap handles-nv-index | grep -ic 0x1804e) -eq 1 ]]
}

@test "enroll behind a closed latch says that unsealing cannot be tested in this boot" {
  enroll
  close_latch
  run enroll --kek=user:second
  expect 0 "can't be tested in this boot: the latch is closed"
}

@test "an index that the owner made anew opens nothing: exit code 16" {
  enroll
  keyctl clear @u
  index=$(tpm2_getcap handles-nv-index | grep -io 0x1804e..)
  tpm2_nvundefine -C o "$index"
  run load_keys
  expect 16 "the latch is gone or was made anew"
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
  latch_emergency() {
    nvunlock "$@" --root="$BATS_TEST_TMPDIR" --keys-dir="$KEYS" --tpm2-device="$TPM"
  }
  latch_emergency latch
  key_exists encrypted nvdimm:8680-00000001

  touch "$BATS_TEST_TMPDIR/running"
  flock "$BATS_TEST_TMPDIR/run/nvunlock/.nvunlock.lock" \
    bash -c "while [[ -e $BATS_TEST_TMPDIR/running ]]; do sleep 0.1; done" 3>&- &
  sleep 1
  latch_emergency latch --emergency 3>&- &
  waiting=$!
  sleep 1
  index=$(tpm2_getcap handles-nv-index | grep -io 0x1804e..)
  tpm2_nvreadpublic "$index" | grep -q readlocked
  key_exists encrypted nvdimm:8680-00000001
  rm "$BATS_TEST_TMPDIR/running"
  wait "$waiting"
  refute key_exists encrypted nvdimm:8680-00000001
  refute key_exists user nvdimm-master
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
