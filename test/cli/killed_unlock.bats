#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An unlock that is killed in an initramfs, at each system call, and what every hook runs then. CHECK=full kills it
# at all of them, else at some in each part of it.

load common

KILL_AT=$BATS_TEST_DIRNAME/../../build/kill_at

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  ROOT=$BATS_TEST_TMPDIR/root
  fresh_keys
  make_clear_kek
  make_blob 8680-00000001
  enroll --import
  rm "$KEYS/nvdimm-master.blob"
  make_dimm_hardware
  mkdir -p "$ROOT/etc/nvunlock" "$ROOT/usr/lib/modprobe.d"
  echo kek-keyring=user >"$ROOT/etc/nvunlock/nvunlock.conf"
  cp "$BATS_TEST_DIRNAME/../../system/00-nvunlock.conf" "$ROOT/usr/lib/modprobe.d/"
}
teardown() { stop_tpm "$BATS_TEST_TMPDIR/tpm"; }

in_root() { # COMMAND...
  "$NVUNLOCK" "$@" --root="$ROOT" --keys-dir="$KEYS" --tpm2-device="$TPM"
}

next_boot() {
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  keyctl clear @u
  rm -rf "$ROOT/run"
}

# Unlock is run as in an initramfs, and its calls are in $CALLS.
kill_at() { # OF-KILL_AT...
  next_boot
  "$KILL_AT" --all --log "$CALLS" "$@" -- "$NVUNLOCK" unlock --at-boot --root="$ROOT" --keys-dir="$KEYS" \
    --tpm2-device="$TPM" >/dev/null 2>&1
}

# Prints nothing where the keyring cannot be listed, which is not 0.
keys_of_ours() {
  local listed
  listed=$(keyctl list @u) || return
  grep -c nvdimm <<<"$listed" || true # for grep none is a failure
}

holds() {
  [[ $(keys_of_ours) == 0 ]] || { echo "$(keys_of_ours) keys are left" && return 1; }
  grep -q '^install nfit' "$ROOT/run/modprobe.d/00-nvunlock.conf" || return 1
  run load_keys
  expect 11
}

@test "killed at any call: the latch is closed, no key is left, the guard holds" {
  local n calls step tried=0 with_keys=0
  CALLS=$BATS_TEST_TMPDIR/calls
  kill_at --count
  calls=$(wc -l <"$CALLS")
  step=$((calls / 40))
  [[ ${CHECK-} != full ]] || step=1
  for ((n = 1; n <= calls; n += step)); do
    kill_at --before "$n"
    [[ ! -e $ROOT/run/nvunlock/status.json ]] || continue # its report was out
    [[ $(keys_of_ours) == 0 ]] || with_keys=$((with_keys + 1))
    in_root latch --after-unlock
    holds || { echo "killed before call $n: $(tail -n 1 "$CALLS")" && return 1; }
    tried=$((tried + 1))
  done
  echo "# killed before $tried of $calls calls, with keys loaded before $with_keys; held at $tried" >&3
  [[ $tried -gt 20 && $with_keys -gt 0 ]]
}

@test "an unlock that ends by itself keeps what kek-keyring=user is to keep" {
  next_boot
  in_root unlock --at-boot
  [[ -e $ROOT/run/nvunlock/status.json && $(keys_of_ours) -gt 0 ]]
  in_root latch --after-unlock
  [[ $(keys_of_ours) -gt 0 ]]
}
