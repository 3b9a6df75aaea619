#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# unlock, as far as it goes without DIMMs: who is enrolled, the guard, configuration, exit codes.

load common
load unlock

@test "nothing enrolled: silent, exit code 0, no status file, but the PCRs are recorded" {
  run unlock
  expect 0
  [[ -z $output ]]
  [[ ! -e $ROOT/run/nvunlock/status.json ]]
  [[ $(jq -r '.banks.sha256 | length' "$ROOT/run/nvunlock/pcrs.json") == 24 ]]
  [[ $(jq -r '.banks.sha256["8"]' "$ROOT/run/nvunlock/pcrs.json") == $(tpm2_pcrread sha256:8 |
    sed -n 's/.*0x//p' | tr A-F a-f) ]]
}

@test "nothing enrolled and no TPM: silent" {
  run nvunlock unlock --root="$ROOT" --tpm2-device=/none
  expect 0
  [[ -z $output ]]
}

@test "enrolled, but no hardware for DIMMs: silent, and the latch closes, unless this boot has had no TPM" {
  make_clear_kek
  make_blob 8680-00000001
  enroll --root="$ROOT" --import
  keyctl clear @u
  rm -r "$ROOT/sys"
  mkdir "$ROOT/sys"
  run unlock
  expect 0
  [[ -z $output && ! -e $ROOT/run/nvunlock/status.json && -e $ROOT/run/nvunlock/pcrs.json ]]
  make_dimm_hardware
  run unlock
  expect 11
  rm -r "$ROOT/sys"
  mkdir "$ROOT/sys"
  run nvunlock unlock --root="$ROOT" --tpm2-device=/none
  expect 3 "the TPM may unseal once more in this boot"
  rm -r "$ROOT/run"
  run nvunlock unlock --root="$ROOT" --tpm2-device=/none
  expect 0
  [[ -z $output ]]
}

@test "an image that says enrolled=no: silent, even when it holds a key file" {
  image_says enrolled=no
  enroll --root="$ROOT"
  run unlock
  expect 0
  [[ -z $output ]]
}

@test "nothing enrolled: the guard is opened; enrolled: it stays closed" {
  close_guard
  unlock
  [[ -e $ROOT/run/modprobe.d/00-nvunlock.conf ]]
  refute grep -q ^install "$ROOT/run/modprobe.d/00-nvunlock.conf"

  rm -r "$ROOT/run/modprobe.d"
  enroll --root="$ROOT"
  unlock
  [[ ! -e $ROOT/run/modprobe.d ]]
}

@test "the record of the first moment stays" {
  unlock
  before=$(sha256sum "$ROOT/run/nvunlock/pcrs.json")
  extend 23
  unlock
  [[ $before == "$(sha256sum "$ROOT/run/nvunlock/pcrs.json")" ]]
}

@test "an image built for an enrolled machine without a key file: exit code 8, guard kept" {
  close_guard
  image_says enrolled=yes
  run unlock
  expect 8 "holds no key file"
  grep -q '^install nfit /bin/false' "$ROOT/run/modprobe.d/00-nvunlock.conf"
  [[ $(jq .exit_code "$ROOT/run/nvunlock/status.json") == 8 ]]
  [[ $(stat -c %a "$ROOT/run/nvunlock/status.json") == 600 ]]
}

@test "an image that does not say whether it is enrolled: a failure, guard kept" {
  close_guard
  image_says "enrolled=perhaps"
  run unlock
  expect 1 "enrolled=yes or enrolled=no"
  grep -q '^install nfit /bin/false' "$ROOT/run/modprobe.d/00-nvunlock.conf"
}

@test "enrolled, no DIMM and no blob: nothing to do, no key left behind" {
  enroll --root="$ROOT"
  keyctl clear @u
  run unlock
  expect 0
  [[ $(jq -c .dimms "$ROOT/run/nvunlock/status.json") == "[]" ]]
  refute key_exists user nvdimm-master
}

# The kernel takes its time to clear away what was invalidated.
comes_to_hold() { # KEY...
  local tries held
  for tries in {1..20}; do
    held=$(keyctl rlist @u | xargs -rn 1 keyctl rdescribe | cut -d ';' -f 5- | xargs)
    [[ $held != "$*" ]] || return 0
    sleep 0.1
  done
  echo "after $tries tries: $(keyctl list @u)"
  return 1
}

@test "keys are unsealed and taken out again, but for the update key; with updates=attended for that as well" {
  make_clear_kek
  make_blob 8680-00000001
  enroll --root="$ROOT" --import
  keyctl clear @u
  run unlock
  expect 0
  comes_to_hold nvunlock-update:nvdimm-master
  [[ ! -e $ROOT/run/nvunlock/learn ]]
  keyctl clear @u
  power_cycle "$BATS_FILE_TMPDIR/tpm"
  echo updates=attended >"$ROOT/etc/nvunlock/nvunlock.conf"
  run unlock
  expect 0
  comes_to_hold
}

@test "a second unlock in the same boot: the latch is closed, exit code 11, no key is loaded" {
  make_clear_kek
  make_blob 8680-00000001
  enroll --root="$ROOT" --import
  keyctl clear @u
  unlock
  keyctl clear @u
  run unlock
  expect 11 "the latch is closed"
  [[ $(keyctl list @u) == "keyring is empty" ]]
  [[ $(jq .exit_code "$ROOT/run/nvunlock/status.json") -eq 11 ]]
}

@test "a failure: hold returns its code, proceed 0; the guard stays in force" {
  close_guard
  make_clear_kek
  make_blob 8680-00000001
  enroll --root="$ROOT" --import
  keyctl clear @u
  run nvunlock unlock --root="$ROOT" --tpm2-device=/none
  expect 3 "enable the TPM"
  grep -q '^install nfit /bin/false' "$ROOT/run/modprobe.d/00-nvunlock.conf"

  echo on-failure=proceed >"$ROOT/etc/nvunlock/nvunlock.conf"
  run nvunlock unlock --root="$ROOT" --tpm2-device=/none
  expect 0 "continuing to boot"
  [[ $(jq .exit_code "$ROOT/run/nvunlock/status.json") == 3 ]]
  grep -q '^install nfit /bin/false' "$ROOT/run/modprobe.d/00-nvunlock.conf"
}

# fail_to_boot COMMAND...: unlock by that program, without a TPM and with the guard opened.
fail_to_boot() {
  make_clear_kek
  make_blob 8680-00000001 $'\xff'
  enroll --root="$ROOT" --import
  mv "$KEYS/nvdimm_"*.blob "$KEYS/"$'nvdimm-new_8680-00000001_\xff.blob'
  keyctl clear @u
  mkdir -p "$ROOT/run/modprobe.d"
  : >"$ROOT/run/modprobe.d/00-nvunlock.conf"
  run "$@" unlock --root="$ROOT" --tpm2-device=/none
}

@test "a failure, and a blob whose host's name is not UTF-8: guard, on-failure= and status.json" {
  echo on-failure=proceed >"$ROOT/etc/nvunlock/nvunlock.conf"
  fail_to_boot "$NVUNLOCK"
  expect 0 "continuing to boot"
  grep -q '^install nfit /bin/false' "$ROOT/run/modprobe.d/00-nvunlock.conf"
  jq -e '.exit_code == 3 and any(.notes[]; contains("\ufffd"))' "$ROOT/run/nvunlock/status.json"
}

@test "a failure: the guard is held before status.json is written" {
  fail_to_boot strace -o "$BATS_TEST_TMPDIR/trace" -P "$ROOT/run/nvunlock/status.json" \
    -e inject=all:signal=KILL "$NVUNLOCK"
  [[ $status -eq 137 && ! -e $ROOT/run/nvunlock/status.json ]]
  grep -q '^install nfit /bin/false' "$ROOT/run/modprobe.d/00-nvunlock.conf"
}

@test "in an initramfs a failed unlock keeps hibernated systems from being resumed, as one that was killed" {
  enroll --root="$ROOT"
  make_blob 8680-00000001
  keyctl clear @u
  mkdir -p "$ROOT/sys/power"
  # Whatever asks for a resume writes there.
  resume_after() {
    echo 0:0 >"$ROOT/sys/power/resume"
    # shellcheck disable=SC2016  # bash expands them
    unshare --mount bash -c '"${@:2}"; echo 8:2 >"$1/sys/power/resume"' - "$ROOT" "$NVUNLOCK" "$@" \
      --root="$ROOT" --tpm2-device=/none
  }
  resume_after unlock
  [[ $(<"$ROOT/sys/power/resume") == 8:2 ]]
  image_says enrolled=yes
  run resume_after unlock
  expect 0 "no hibernated system is resumed in this boot"
  [[ $(<"$ROOT/sys/power/resume") == 0:0 ]]
  resume_after latch --after-unlock
  [[ $(<"$ROOT/sys/power/resume") == 8:2 ]] # the unlock before has said all that there is to say
  rm "$ROOT/run/nvunlock/status.json"
  resume_after latch --after-unlock
  [[ $(<"$ROOT/sys/power/resume") == 0:0 ]]
}

@test "in an initramfs unlock tells of a kernel that resumes by itself" {
  enroll --root="$ROOT"
  make_blob 8680-00000001
  image_says enrolled=yes
  mkdir -p "$ROOT/sys/power"
  echo 8:2 >"$ROOT/sys/power/resume"
  run unlock_at_boot
  expect 0 "write resume=UUID=... to leave that to the initramfs"
  echo 0:0 >"$ROOT/sys/power/resume"
  run unlock_at_boot
  [[ $output != *resume=UUID* ]]
}
