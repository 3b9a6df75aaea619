#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Recovery slots: made by enroll, opened by load-keys --recovery and by openssl alone.

load common

setup_file() { start_tpm; }
teardown_file() { stop_tpm; }

setup() {
  fresh_keys
  KEK=$BATS_TEST_TMPDIR/kek
}

PASSPHRASE="correct horse battery staple"

enroll_with_key() {
  OUTPUT=$(enroll_with --recovery-key "$@" 2>&1)
  RECOVERY_KEY=$(recovery_key_in "$OUTPUT")
  save_kek "$KEK"
}

enroll_with_passphrase() {
  printf '%s\n' "$PASSPHRASE" "$PASSPHRASE" | enroll_with --recovery-passphrase
  save_kek "$KEK"
}

hex_of_modhex() {
  tr -d - <<<"$1" | tr cbdefghijklnrtuv 0123456789abcdef
}

hex() {
  od -An -v -tx1 | tr -d ' \n'
}

@test "a recovery key is printed once, and is in no file" {
  enroll_with_key
  [[ $(recovery_key_in "$OUTPUT" | wc -l) -eq 1 ]]
  [[ $OUTPUT == *"shown only once"* ]]
  refute grep -qr "$RECOVERY_KEY" "$KEYS"
}

@test "openssl alone opens the slot of a recovery key" {
  enroll_with_key
  decrypt_block 2 -secretkey "$(hex_of_modhex "$RECOVERY_KEY")" \
    -secretkeyid "$(printf %s "nvunlock recovery key" | hex)" | cmp - "$KEK"
}

@test "openssl alone opens the slot of a recovery passphrase" {
  enroll_with_passphrase
  decrypt_block 2 -pwri_password "$PASSPHRASE" | cmp - "$KEK"
}

@test "openssl alone opens an escrow slot with the certificate's key, RSA or EC" {
  make_certificate "$BATS_TEST_TMPDIR/rsa" -newkey rsa:2048
  make_certificate "$BATS_TEST_TMPDIR/ec" -newkey ec -pkeyopt ec_paramgen_curve:P-384
  enroll_with --escrow="$BATS_TEST_TMPDIR/rsa" --escrow="$BATS_TEST_TMPDIR/ec"
  save_kek "$KEK"
  decrypt_block 2 -inkey "$BATS_TEST_TMPDIR/rsa.key" | cmp - "$KEK"
  decrypt_block 3 -inkey "$BATS_TEST_TMPDIR/ec.key" | cmp - "$KEK"
}

@test "openssl opens the slots of an imported kek that is no text" {
  head -c 4096 /dev/urandom >"$KEYS/nvdimm-master.blob"
  make_certificate "$BATS_TEST_TMPDIR/cert" -newkey rsa:2048
  enroll_with --import --escrow="$BATS_TEST_TMPDIR/cert"
  decrypt_block 2 -inkey "$BATS_TEST_TMPDIR/cert.key" | cmp - "$KEYS/nvdimm-master.blob"
}

@test "all ways at once: each opens the kek" {
  make_certificate "$BATS_TEST_TMPDIR/cert" -newkey rsa:2048
  OUTPUT=$(printf '%s\n' "$PASSPHRASE" "$PASSPHRASE" |
    enroll_with --recovery-key --recovery-passphrase --escrow="$BATS_TEST_TMPDIR/cert" 2>&1)
  save_kek "$KEK"
  for answer in "$(recovery_key_in "$OUTPUT")" "$PASSPHRASE"; do
    keyctl clear @u
    load_keys --recovery <<<"$answer"
    kek_is "$KEK"
  done
  decrypt_block 4 -inkey "$BATS_TEST_TMPDIR/cert.key" | cmp - "$KEK"
}

@test "load-keys --recovery needs no TPM and takes the key however it is typed" {
  enroll_with_key
  for typed in "$RECOVERY_KEY" "${RECOVERY_KEY^^}" "${RECOVERY_KEY//-/ }" "${RECOVERY_KEY//-/}"; do
    keyctl clear @u
    run load_keys --recovery --tpm2-device=/none <<<"$typed"
    expect 0 "nvdimm master key loaded."
    kek_is "$KEK"
  done
}

@test "load-keys --recovery: the DIMM keys are loaded, and all keys vanish after 15 minutes" {
  make_clear_kek
  make_blob 8680-00000001
  enroll_with_key --import
  keyctl clear @u
  run load_keys --recovery <<<"$RECOVERY_KEY"
  expect 0 "1 nvdimm keys loaded"
  for key in user:nvdimm-master encrypted:nvdimm:8680-00000001; do
    serial=$(printf %08x "$(keyctl search @u "${key%%:*}" "${key#*:}")")
    expiry=$(awk -v serial="$serial" '$1 == serial { print $4 }' /proc/keys)
    [[ $expiry == 1[45]m ]]
  done
}

@test "load-keys --recovery: three tries" {
  enroll_with_key
  keyctl clear @u
  run load_keys --recovery < <(printf '%s\n' wrong "${RECOVERY_KEY/[c-v]/x}" "$RECOVERY_KEY")
  expect 0
  keyctl clear @u
  run load_keys --recovery < <(printf '%s\n' wrong wrong wrong "$RECOVERY_KEY")
  expect 8 "it opens no recovery slot"
  refute key_exists user nvdimm-master
}

@test "load-keys --recovery without an answer fails and asks no TPM" {
  enroll_with_key
  keyctl clear @u
  run load_keys --recovery </dev/null
  expect 1 "empty"
  refute key_exists user nvdimm-master
}

@test "load-keys --recovery without a recovery slot fails" {
  enroll
  keyctl clear @u
  run load_keys --recovery <<<"$PASSPHRASE"
  [[ $status -ne 0 ]]
  refute key_exists user nvdimm-master
}

@test "load-keys without --recovery does not ask: the failure is the TPM's" {
  enroll_with_key
  keyctl clear @u
  run load_keys --tpm2-device=/none <<<"$RECOVERY_KEY"
  expect 3
  refute key_exists user nvdimm-master
}

@test "passphrases that differ or are short: exit code 2, and nothing is written" {
  run enroll_with --recovery-passphrase < <(printf '%s\n' "$PASSPHRASE" "$PASSPHRASE.")
  expect 2 "differ"
  run enroll_with --recovery-passphrase < <(printf '%s\n' elevenchars elevenchars)
  expect 2 "at least 12 characters"
  [[ -z $(ls "$KEYS") ]]
  keyctl clear @u
  printf '%s\n' twelve_chars twelve_chars | enroll_with --recovery-passphrase
}

@test "a passphrase is not shown while it is typed in a terminal" {
  run timeout 60 script -qec "$(printf '%q ' "$NVUNLOCK" enroll --root="$ROOT_OF_TEST" \
    --keys-dir="$KEYS" --tpm2-device="$TPM" --tpm2-pcrs=7+8 --weak-policy --recovery-passphrase)" /dev/null \
    < <(
      sleep 3
      echo "$PASSPHRASE"
      sleep 3
      echo "$PASSPHRASE"
      sleep 10
    )
  expect 0 "recovery passphrase"
  [[ $output != *"$PASSPHRASE"* ]]
}

@test "a certificate that is missing or none: named, and nothing is written" {
  indexes=$(tpm2_getcap handles-nv-index)
  run enroll_with --escrow="$BATS_TEST_TMPDIR/missing"
  expect 1 "$BATS_TEST_TMPDIR/missing"
  echo nonsense >"$BATS_TEST_TMPDIR/bad"
  run enroll_with --escrow="$BATS_TEST_TMPDIR/bad"
  expect 1 "$BATS_TEST_TMPDIR/bad"
  [[ -z $(ls "$KEYS") ]]
  [[ $(tpm2_getcap handles-nv-index) == "$indexes" ]]
}

@test "a recovery key that could not be printed is an error" {
  status=0
  enroll_with --recovery-key >/dev/full || status=$?
  [[ $status -eq 1 ]]
}

# What a camera reads off the terminal's picture in FILE.
read_qr_code() { # FILE
  python3 - "$1" >"$1.pbm" <<'END'
import re, sys
halves = {"█": "00", "▀": "01", "▄": "10", " ": "11"}  # 1: dark
lines = re.findall("\033\\[40;37;1m([█▀▄ ]+)\033", open(sys.argv[1], encoding="utf-8").read())
rows = [[halves[c][half] for c in line] for line in lines for half in (0, 1)]
print("P1", len(rows[0]) * 4, len(rows) * 4)
for row in rows:
    for _ in range(4):
        print(" ".join(" ".join(module * 4) for module in row))
END
  zbarimg --quiet --raw -Sdisable -Sqrcode.enable "$1.pbm"
}

@test "on a terminal the recovery key is a QR code, too, and only there" {
  local terminal=$BATS_TEST_TMPDIR/terminal key
  script --quiet --return --command "$NVUNLOCK enroll --root=$ROOT_OF_TEST --keys-dir=$KEYS \
    --tpm2-device=$TPM --tpm2-pcrs=7+8 --weak-policy --recovery-key" "$terminal" >/dev/null
  key=$(recovery_key_in "$(cat "$terminal")")
  [[ $(read_qr_code "$terminal") == "$key" ]]
  rm "$KEYS"/*
  keyctl clear @u
  run enroll_with --recovery-key
  expect 0
  [[ $output != *▀* ]]
}
