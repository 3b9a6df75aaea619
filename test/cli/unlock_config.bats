#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What nvunlock.conf, the kernel command line and options make of unlock; see unlock.bats for the rest.

load common
load unlock

@test "kek-keyring=user leaves the keys" {
  make_clear_kek
  make_blob 8680-00000001
  enroll --root="$ROOT" --import
  keyctl clear @u
  echo kek-keyring=user >"$ROOT/etc/nvunlock/nvunlock.conf"
  run unlock
  expect 0
  key_exists user nvdimm-master
  key_exists encrypted nvdimm:8680-00000001
}

@test "bad lines in nvunlock.conf are complained about and change nothing" {
  enroll --root="$ROOT"
  printf '%s\n' "# comment" "" "on-failure=procede" "garbage" "kek-keyring = process" \
    >"$ROOT/etc/nvunlock/nvunlock.conf"
  run unlock
  expect 0 "'on-failure=procede' is ignored"
  expect 0 "'garbage' is ignored"
  [[ $output != *"kek-keyring"* ]]
}

@test "the configured TPM is used, and the option overrides it" {
  enroll --root="$ROOT"
  make_blob 8680-00000001
  keyctl clear @u
  echo "tpm2-device=$TPM" >"$ROOT/etc/nvunlock/nvunlock.conf"
  run nvunlock unlock --root="$ROOT"
  expect 0
  run nvunlock unlock --root="$ROOT" --tpm2-device=/none
  expect 3
}

# command_line WORDS: what the kernel was booted with
command_line() {
  mkdir -p "$ROOT/proc"
  echo "BOOT_IMAGE=/vmlinuz root=/dev/vda $*" >"$ROOT/proc/cmdline"
}

@test "nvunlock=off: hands off, the guard stays in force, and the latch closes all the same" {
  make_clear_kek
  make_blob 8680-00000001
  key=$(recovery_key_in "$(nvunlock enroll --root="$ROOT" --tpm2-device="$TPM" --tpm2-pcrs=7+8 --weak-policy \
    --import --recovery-key)")
  keyctl clear @u
  command_line nvunlock=off
  run unlock_at_boot
  expect 0 "nvunlock=off: no DIMM is brought up"
  grep -q '^install nfit /bin/false' "$ROOT/run/modprobe.d/00-nvunlock.conf"
  [[ ! -e $ROOT/run/nvunlock/status.json ]]
  run unlock
  expect 11
  run nvunlock load-keys --recovery --root="$ROOT" --tpm2-device="$TPM" <<<"$key"
  expect 0
  run unlock
  expect 0
}

@test "nvunlock=off where nothing is enrolled: silent" {
  command_line nvunlock=off
  run unlock_at_boot
  expect 0
  [[ -z $output ]]
}

@test "the kernel command line overrides nvunlock.conf, at boot only; garbage is complained about" {
  enroll --root="$ROOT"
  make_blob 8680-00000001
  keyctl clear @u
  command_line nvunlock.on-failure=proceed nvunlock.freeze=perhaps nvunlock nvunlock.colour=red
  run nvunlock unlock --at-boot --root="$ROOT" --tpm2-device=/none
  expect 0 "continuing to boot"
  for word in nvunlock.freeze=perhaps nvunlock nvunlock.colour=red; do
    [[ $output == *"kernel command line: '$word' is ignored"* ]]
  done
  run nvunlock unlock --root="$ROOT" --tpm2-device=/none
  expect 3
  [[ $output != *"command line"* ]]
}

@test "a TPM that does not answer: unlock gives up after its work limit" {
  enroll --root="$ROOT"
  make_blob 8680-00000001
  keyctl clear @u
  kill -STOP "$(cat "$BATS_FILE_TMPDIR/tpm/pid")"
  run timeout 10 "$NVUNLOCK" unlock --work-limit=1 --root="$ROOT" --tpm2-device="$TPM"
  kill -CONT "$(cat "$BATS_FILE_TMPDIR/tpm/pid")"
  expect 1 "gave up: the TPM or a DIMM does not respond; power-cycle the machine"
  [[ ! -e $ROOT/run/nvunlock/status.json ]]
}

@test "a person may take longer than the work limit" {
  make_clear_kek
  make_blob 8680-00000001
  enrolled=$(nvunlock enroll --root="$ROOT" --tpm2-device="$TPM" --tpm2-pcrs=7+8 --weak-policy --import --recovery-key)
  rm "$KEYS/nvdimm-master.blob"
  keyctl clear @u
  run timeout 20 unshare --mount "$BATS_TEST_DIRNAME/../tools/late_answer.py" 2 "$(recovery_key_in "$enrolled")" \
    "$NVUNLOCK" unlock --work-limit=1 --root="$ROOT" --tpm2-device=/none
  expect 0
}
