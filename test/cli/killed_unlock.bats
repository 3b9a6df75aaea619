#!/usr/bin/env bats
# An unlock that is killed in an initramfs, at each call that changes something, and what every hook
# runs then. CHECK=full kills it at all of them, else at every fifth.

load common

KILL_AT=$BATS_TEST_DIRNAME/../../build/kill_at

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  ROOT=$BATS_TEST_TMPDIR/root
  fresh_keys
  make_clear_kek
  make_blob 8680-00000001
  enroll --import --latch=nv
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

# killed_before N: as in an initramfs. 3: it ended before.
killed_before() {
  next_boot
  "$KILL_AT" --before "$1" -- "$NVUNLOCK" unlock --at-boot --root="$ROOT" --keys-dir="$KEYS" \
    --tpm2-device="$TPM" >/dev/null 2>&1
}

keys_of_ours() {
  keyctl list @u | grep -c nvdimm || true
}

holds() {
  [[ $(keys_of_ours) == 0 ]] || { echo "$(keys_of_ours) keys are left" && return 1; }
  grep -q '^install nfit' "$ROOT/run/modprobe.d/00-nvunlock.conf" || return 1
  run load_keys
  expect 11
}

@test "killed at any call: the latch is closed, no key is left, the guard holds" {
  local n step=5 tried=0 with_keys=0 code=0
  [[ ${CHECK-} != full ]] || step=1
  for ((n = 1; ; n += step)); do
    code=0
    killed_before "$n" || code=$?
    [[ $code != 3 ]] || break
    [[ $code == 0 ]]
    [[ ! -e $ROOT/run/nvunlock/status.json ]] || continue # its report was out
    [[ $(keys_of_ours) == 0 ]] || with_keys=$((with_keys + 1))
    in_root latch --after-unlock
    holds || { echo "killed before call $n" && return 1; }
    tried=$((tried + 1))
  done
  echo "# killed at $tried calls, with keys loaded at $with_keys; held at $tried" >&3
  [[ $tried -gt 3 && $with_keys -gt 0 ]]
}

@test "an unlock that ends by itself keeps what kek-keyring=user is to keep" {
  next_boot
  in_root unlock --at-boot || true
  [[ -e $ROOT/run/nvunlock/status.json && $(keys_of_ours) -gt 0 ]]
  in_root latch --after-unlock
  [[ $(keys_of_ours) -gt 0 ]]
}
