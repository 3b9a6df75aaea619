#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# verify: will the next boot unlock? For people one line each, for monitoring an exit code.

load common

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  fresh_keys
  enrolled_root --no-recovery
}
teardown() { stop_tpm "$BATS_TEST_TMPDIR/tpm"; }

verify() {
  nvunlock verify --root="$ROOT" --keys-dir="$KEYS" --tpm2-device="$TPM" "$@"
}

# number BYTES VALUE, and digest BYTES VALUE: as event logs have them.
number() {
  local i
  for ((i = 0; i < $1; i++)); do printf %b "\\x$(printf %02x $(($2 >> 8 * i & 255)))"; done
}
digest() {
  printf %b "$(printf "%0$(($1 * 2))x" "$2" | sed 's/../\\x&/g')"
}

# event_log PCR...: the event log of a firmware that measured what `extend` does.
event_log() {
  local pcr file=$ROOT/sys/kernel/security/tpm0/binary_bios_measurements
  mkdir -p "${file%/*}"
  {
    number 4 0 && number 4 3 && digest 20 0 && number 4 33
    printf 'Spec ID Event03\0' && number 4 0 && number 4 0x02000200
    number 4 1 && number 2 0x0b && number 2 32 && number 1 0
    for pcr; do
      number 4 "$pcr" && number 4 4 && number 4 1 && number 2 0x0b && digest 32 "$pcr"
      number 4 4 && number 4 0
    done
  } >"$file"
}

@test "all is well: one line, exit code 0, also with the latch closed" {
  unlock_in_initramfs
  run verify
  expect 0
  [[ $output == "yes: the next boot will unlock" ]]
  run verify --json
  expect 0
  jq -e '.unlocks and .exit_code == 0 and .problems == [] and .remarks == []' <<<"$output"
}

@test "without record and event log it says that it judges by current values" {
  run verify
  expect 0 "remark: user:nvdimm-master: there is neither a record of the initramfs' PCRs nor an event log"
  [[ ${lines[-1]} == "yes: the next boot will unlock" ]]
}

@test "no TPM: exit code 3" {
  run nvunlock verify --root="$ROOT" --keys-dir="$KEYS" --tpm2-device=/none
  expect 3 "enable the TPM"
  [[ ${#lines[@]} -eq 2 ]]
  [[ ${lines[1]} == "no: the next boot will not unlock all DIMMs (3)" ]]
}

@test "another storage root key, or none: exit code 4" {
  tpm2_evictcontrol -Q -C o -c 0x81000001
  run verify
  expect 4 "no storage root key any more"
  tpm2_createprimary -Q -C o -G rsa2048 -c "$BATS_TEST_TMPDIR/key"
  tpm2_evictcontrol -Q -C o -c "$BATS_TEST_TMPDIR/key" 0x81000001
  run verify
  expect 4 "the storage root key is another one"
}

@test "the NV index gone: exit code 16" {
  tpm2_nvundefine -C o "$(latch_indexes)"
  run verify
  expect 16 "is gone or was made anew"
  expect 16 "nvunlock reseal"
}

@test "another PCR: exit code 5, and its number" {
  extend 8
  run verify
  expect 5 "PCR 8 (sha256) differs"
  expect 5 "nvunlock approve --now"
  run verify --json
  expect 5
  jq -e '(.unlocks | not) and .exit_code == 5 and .problems[0].code == 5' <<<"$output"
}

@test "another PCR, but the next boot is approved: exit code 0, in this boot only" {
  keyctl padd user nvdimm-master @u <"$BATS_TEST_TMPDIR/kek"
  approve --next-boot --root="$ROOT"
  extend 8
  run verify
  expect 0
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  rm -r "$ROOT/run"
  extend 8
  run verify
  expect 5 "PCR 8 (sha256) differs"
}

@test "another PCR is approved: exit code 0" {
  extend 8
  run verify
  expect 5
  keyctl padd user nvdimm-master @u <"$BATS_TEST_TMPDIR/kek"
  approve --now --root="$ROOT"
  run verify
  expect 0
}

@test "a PCR that was extended after the unlock does not matter" {
  unlock_in_initramfs
  extend 8
  run verify
  expect 0
}

@test "the firmware's event log is replayed: what came after it does not matter, a lie in it does" {
  event_log 7 8 12
  extend 8
  run verify
  expect 0
  [[ $output == "yes: the next boot will unlock" ]]
  event_log 7 8 8
  run verify
  expect 5 "judged by the firmware's event log; PCR 8 (sha256) differs"
}

@test "an event log that is damaged is named and not used" {
  event_log 7 8
  truncate -s -1 "$ROOT/sys/kernel/security/tpm0/binary_bios_measurements"
  run verify
  expect 0 "the firmware's event log is not used"
  expect 0 "event 3: it is truncated"
}

@test "dictionary attack lockout: exit code 6, but only for a PIN" {
  tpm2_dictionarylockout -Q -s -n 1 -t 777 -l 888
  run verify
  expect 0
  rm "$KEYS"/*.pem
  keyctl padd user nvdimm-master @u <"$BATS_TEST_TMPDIR/kek"
  cp "$BATS_TEST_TMPDIR/kek" "$KEYS/nvdimm-master.blob"
  enroll --import --tpm2-with-pin <<<"12345
12345"
  run verify
  expect 6 "777 seconds"
  tpm2_dictionarylockout -Q -s -n 5 -t 777 -l 888
  run verify
  expect 0 "yes: the next boot will unlock, with a PIN"
}

@test "a key file that is damaged or missing: exit code 7" {
  truncate -s 700 "$KEYS/nvdimm-master.pem"
  run verify
  expect 7
  rm "$KEYS/nvdimm-master.pem"
  run verify
  expect 7 "restore the key file"
  rm "$KEYS"/*
  run verify
  expect 7 "nothing is enrolled"
}

@test "a blob that is missing or damaged: exit code 8" {
  cp "$KEYS/nvdimm_8680-00000001_here.blob" "$BATS_TEST_TMPDIR/blob"
  rm "$KEYS/nvdimm_8680-00000001_here.blob"
  run verify
  expect 8 "8680-00000001: it is recorded in enrolled-dimms, but its blob is missing"
  tr 0123456789abcdef 123456789abcdef0 <"$BATS_TEST_TMPDIR/blob" | sed 's/^[^ ]* [^ ]* [^ ]*/enc32 user:nvdimm-master 32/' \
    >"$KEYS/nvdimm_8680-00000001_here.blob"
  run verify
  expect 0 "is not recorded in enrolled-dimms"
  keyctl padd user nvdimm-master @u <"$BATS_TEST_TMPDIR/kek"
  run verify
  expect 8 "its HMAC does not hold"
}

@test "several problems: a line for each, the exit code of the deepest" {
  rm "$KEYS/nvdimm_8680-00000001_here.blob"
  extend 8
  run verify
  expect 5 "its blob is missing"
  expect 5 "PCR 8"
  [[ ${#lines[@]} -eq 3 ]]
}

@test "the image of this boot lacks the slot and none is newer: exit code 1, until one is built" {
  unlock_in_initramfs
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  reseal
  run verify
  expect 1 "rebuild the initramfs image"
  mkdir "$ROOT/boot"
  touch "$ROOT/boot/initrd.img-6.1"
  run verify
  expect 0
}
