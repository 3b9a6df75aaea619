# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tests of unlock, as far as it goes without DIMMs.

setup_file() { start_tpm; }
teardown_file() { stop_tpm; }

setup() {
  keyctl clear @u
  ROOT=$BATS_TEST_TMPDIR
  KEYS=$ROOT/etc/ndctl/keys
  mkdir -p "$KEYS" "$ROOT/etc/nvunlock" "$ROOT/usr/lib/modprobe.d"
  make_dimm_hardware
}

unlock() {
  nvunlock unlock --root="$ROOT" --tpm2-device="$TPM"
}

unlock_at_boot() {
  nvunlock unlock --at-boot --root="$ROOT" --tpm2-device="$TPM"
}

close_guard() {
  cp "$BATS_TEST_DIRNAME/../../system/00-nvunlock.conf" "$ROOT/usr/lib/modprobe.d/"
}

image_says() {
  printf '%s\n' "$@" >"$ROOT/etc/nvunlock/image"
}
