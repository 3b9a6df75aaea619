#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The exit codes and remedies of doc/tpm-failures.md that no other file has.

load common

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  fresh_keys
}
teardown() { stop_tpm "$BATS_TEST_TMPDIR/tpm"; }

@test "the owner has a password: enroll exits with 17, says what to do, and that helps" {
  tpm2_changeauth -c owner secret
  run enroll
  expect 17 "the owner hierarchy of the TPM has a password"
  expect 17 "tpm2_changeauth -c owner -p"
  [[ ! -e $KEYS/nvdimm-master.pem ]]
  tpm2_changeauth -c owner -p secret
  run enroll
  expect 0
  tpm2_changeauth -c owner secret
  keyctl clear @u
  run load_keys
  expect 0 "nvdimm master key loaded."
}

@test "the latch is gone: exit code 16, also of unlock, and reseal makes a new one, closed in this boot" {
  key=$(recovery_key_in "$(enroll_with --recovery-key)")
  keyctl clear @u
  tpm2_nvundefine -C o "$(latch_indexes)"
  run load_keys
  expect 16 "is gone or was made anew"
  expect 16 "nvunlock reseal"
  ROOT=$ROOT_OF_TEST make_dimm_hardware
  mkdir -p "$ROOT_OF_TEST/etc/nvunlock"
  echo recovery-prompt=no >"$ROOT_OF_TEST/etc/nvunlock/nvunlock.conf"
  run in_world unlock
  expect 16 "gone or was made anew"
  run reseal --tpm2-pcrs=7+8 <<<"$key"
  expect 0
  keyctl clear @u
  run load_keys
  expect 11
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  run load_keys
  expect 0 "nvdimm master key loaded."
}

@test "another TPM: exit code 4 and what to do" {
  enroll
  keyctl clear @u
  start_tpm "$BATS_TEST_TMPDIR/other"
  run load_keys
  stop_tpm "$BATS_TEST_TMPDIR/other"
  expect 4 "another TPM, or it was cleared"
  expect 4 "nvunlock reseal"
}

# In a mount namespace with an empty /dev, since "auto" looks there.
without_devices() { # COMMAND [OPTION...]
  unshare --mount bash -c 'mount -t tmpfs none /dev && exec "$@"' - \
    "$NVUNLOCK" "$@" --root="$BATS_TEST_TMPDIR/root" --keys-dir="$KEYS" </dev/null
}

unlock_without_devices() {
  without_devices unlock
}

@test "no TPM device: exit code 3; where the firmware has one: 14 after tpm2-timeout" {
  root=$BATS_TEST_TMPDIR/root
  make_clear_kek
  make_blob 8089-a2-1740-00000133
  enroll --import
  keyctl clear @u
  ROOT=$root make_dimm_hardware
  mkdir -p "$root/sys/firmware/acpi/tables" "$root/etc/nvunlock"
  printf 'tpm2-timeout=1\non-failure=hold\n' >"$root/etc/nvunlock/nvunlock.conf"
  run unlock_without_devices
  expect 3 "there is no TPM device"
  touch "$root/sys/firmware/acpi/tables/TPM2"
  run unlock_without_devices
  expect 14 "the firmware has a TPM, but the kernel had no device for it within 1 seconds"
}

@test "a TPM that the firmware has and the kernel does not: nobody takes its latch for closed" {
  root=$BATS_TEST_TMPDIR/root
  enroll
  keyctl clear @u
  mkdir -p "$root/sys/firmware/acpi/tables" "$root/etc/nvunlock" "$root/proc"
  touch "$root/sys/firmware/acpi/tables/TPM2"
  echo tpm2-timeout=1 >"$root/etc/nvunlock/nvunlock.conf"
  run unlock_without_devices
  expect 14 "no device for it within 1 seconds"
  echo nvunlock=off >"$root/proc/cmdline"
  run without_devices unlock --at-boot
  expect 14 "no device for it within 1 seconds"
  run without_devices latch
  expect 14 "no device for it within 1 seconds"
}
