#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034  # KEY and JSON are for sign()
# Somebody on the bus to the TPM loses, spoils, replays or delays every single command of unlock, latch,
# enroll and approve: see test/tools/hostile_bus.py. CHECK=full tries all ways with all policies.

load common

SAMPLE=yes
[[ ${CHECK-} != full ]] || SAMPLE=

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  tpm2_dictionarylockout -s -n 30 -t 1000 -l 1000
  fresh_keys
  ROOT=$BATS_TEST_TMPDIR/root
  make_dimm_hardware
  mkdir -p "$ROOT/etc/nvunlock"
  echo kek-keyring=user >"$ROOT/etc/nvunlock/nvunlock.conf"
}

# enroll_kek ENROLL-OPTION...: a kek and a blob; the machine is off afterwards.
enroll_kek() {
  make_clear_kek
  make_blob 8680-00000001
  enroll --import "$@"
  mv "$KEYS/nvdimm-master.blob" "$BATS_TEST_TMPDIR/kek"
  keyctl clear @u
  stop_tpm "$BATS_TEST_TMPDIR/tpm"
}

# For `enroll` on the machine, which is off. It finds a signature there.
sign_pcr_8() {
  JSON=$ROOT/etc/systemd/tpm2-pcr-signature.json KEY=$BATS_TEST_TMPDIR/release
  mkdir -p "${JSON%/*}"
  make_signing_key "$KEY" -algorithm RSA
  sign "$KEY" "" 8
  SIGNED=("--tpm2-public-key=$KEY.pem" --tpm2-public-key-pcrs=8)
}

# spoil COMMAND OPTION...: the cells of hostile_bus.py in four shares, and their sum.
spoil() {
  local share pids=() failed=0 out=$BATS_TEST_TMPDIR/out
  for share in 1 2 3 4; do
    unshare --user --map-root-user "$BATS_TEST_DIRNAME/../tools/hostile_bus.py" "$@" \
      --nvunlock "$NVUNLOCK" --tpm "$BATS_TEST_TMPDIR/tpm" --keys "$KEYS" --root "$ROOT" \
      --share "$share" --shares 4 ${SAMPLE:+--sample} >"$out.$share" 2>&1 3>&- &
    pids+=("$!")
  done
  for share in "${pids[@]}"; do wait "$share" || failed=1; done
  cat "$out".[1-4]
  tail -qn 1 "$out".[1-4] | awk -v row="$BATS_TEST_DESCRIPTION" \
    '{ tried += $1; held += $2 } END { print "# " row ": " tried " cells tried, " held " held" }' >&3
  return "$failed"
}

spoil_enroll() { # ENROLL-OPTION...
  spoil enroll "${@/#/--option=}" --option=--no-recovery --input 2718,2718
}

@test "unlock" {
  enroll_kek
  spoil unlock --kek "$BATS_TEST_TMPDIR/kek"
}

# bats test_tags=full
@test "unlock, with signed PCRs" {
  sign_pcr_8
  enroll_kek --tpm2-pcrs=7 "${SIGNED[@]}"
  spoil unlock --kek "$BATS_TEST_TMPDIR/kek"
}

# bats test_tags=full
@test "unlock, by the number of the boot" {
  enroll_kek --tpm2-pcrs=7+12 --next-boot
  spoil unlock --kek "$BATS_TEST_TMPDIR/kek"
}

@test "latch" {
  enroll_kek
  spoil latch
}

@test "approve, of the next boot" {
  enroll_kek
  spoil approve --kek "$BATS_TEST_TMPDIR/kek" --option=--next-boot
}

# bats test_tags=full
@test "approve, of signed PCRs and nothing else" {
  enroll_kek
  start_tpm "$BATS_TEST_TMPDIR/other"
  sign_pcr_8
  stop_tpm "$BATS_TEST_TMPDIR/other"
  spoil approve --kek "$BATS_TEST_TMPDIR/kek" --option=--now --option=--tpm2-pcrs=7 "${SIGNED[@]/#/--option=}"
}

@test "enroll" {
  stop_tpm "$BATS_TEST_TMPDIR/tpm"
  spoil_enroll --tpm2-pcrs=7+8 --weak-policy
}

# bats test_tags=full
@test "enroll, with a PIN" {
  stop_tpm "$BATS_TEST_TMPDIR/tpm"
  spoil_enroll --tpm2-pcrs=7+8 --weak-policy --tpm2-with-pin
}

# bats test_tags=full
@test "enroll, with signed PCRs" {
  sign_pcr_8
  stop_tpm "$BATS_TEST_TMPDIR/tpm"
  spoil_enroll "${SIGNED[@]}"
}
