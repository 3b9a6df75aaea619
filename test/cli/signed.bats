#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Policies on PCR values that a key has signed: tpm2-pcr-public-key.pem, tpm2-pcr-signature.json.

load common

setup_file() {
  export KEY=$BATS_FILE_TMPDIR/release OTHER=$BATS_FILE_TMPDIR/other
  for key in "$KEY" "$OTHER"; do make_signing_key "$key" -algorithm RSA; done
}

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  fresh_keys
  JSON=$BATS_TEST_TMPDIR/tpm2-pcr-signature.json
  KEK=$BATS_TEST_TMPDIR/kek
  boot_image 1a
}
teardown() { stop_tpm "$BATS_TEST_TMPDIR/tpm"; }

# What systemd-stub does for an image whose sections have this digest byte.
boot_image() { # BYTE
  tpm2_pcrextend "11:sha256=$(printf "$1%.0s" {1..32})"
}

enroll_signed() {
  in_world enroll --tpm2-public-key="$KEY.pem" --tpm2-signature="$JSON" --no-recovery "$@"
}

# What the next boot finds: another image, and its signatures.
next_boot() { # BYTE
  save_kek "$KEK"
  keyctl clear @u
  rm -f "$JSON"
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  boot_image "$1"
}

load_signed() {
  load_keys --tpm2-signature="$JSON"
}

# What is approved where KEY has signed PCRS.
signed_by() { # KEY [PCRS]
  echo "approved: PCR ${2-11}:sha256 signed by key $(name_of "$1" | cut -c 1-12)"
}

# The hash in the Name that a TPM gives the RSA key of 2048 bits: over its public area, of which the modulus is last.
name_of() { # KEY
  {
    printf '\0\1\0\013\0\6\0\100\0\0\0\020\0\020\010\0\0\0\0\0\1\0'
    openssl rsa -pubin -in "$1.pem" -noout -modulus | sed 's/Modulus=//' | basenc --base16 -d
  } | sha256sum | cut -c 1-64
}

@test "another image that the key has signed opens, without enrolling again" {
  sign "$KEY"
  run enroll_signed
  expect 0 "$(signed_by "$KEY")"
  [[ $output != *"approved: boot"* ]] # a signature is what approves
  expect 0 "proved: it unseals when its policy holds, and not without"
  next_boot 2b
  sign "$KEY"
  load_signed
  kek_is "$KEK"
}

@test "an image without a signature, or with one of another key, does not: exit code 13" {
  sign "$KEY"
  enroll_signed
  next_boot 2b
  run load_signed
  expect 13 "no PCR signature by the approved key was found -- boot an image"
  sign "$OTHER"
  run load_signed
  expect 13 "no PCR signature by the approved key was found"
}

@test "a signature for another image does not open this one: exit code 13" {
  sign "$KEY"
  cp "$JSON" "$JSON.old"
  enroll_signed
  next_boot 2b
  mv "$JSON.old" "$JSON"
  run load_signed
  expect 13 "none of the PCR signatures by the approved key is for what was booted"
}

@test "the right one is found among many" {
  sign "$KEY"
  enroll_signed
  next_boot 2b
  sign "$OTHER"
  for byte in 3c 4d; do
    power_cycle "$BATS_TEST_TMPDIR/tpm"
    boot_image $byte
    sign "$KEY"
  done
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  boot_image 3c
  load_signed
  kek_is "$KEK"
}

@test "together with literal PCRs both have to hold" {
  sign "$KEY"
  run enroll_signed --tpm2-pcrs=7+8
  expect 0 "$(signed_by "$KEY"), PCR 7+8:sha256 ($(pcr_digest 7,8))"
  next_boot 2b
  sign "$KEY"
  load_signed
  kek_is "$KEK"
  keyctl clear @u
  extend 8
  run load_signed
  expect 5 "PCR 8 (sha256) differs"
}

@test "together with the latch and a PIN" {
  sign "$KEY"
  printf '%s\n' 1234 1234 | enroll_signed --tpm2-with-pin
  next_boot 2b
  sign "$KEY"
  load_signed <<<1234
  kek_is "$KEK"
  keyctl clear @u
  close_latch
  run load_signed <<<1234
  expect 11
}

@test "a policyRef has to be signed, too" {
  sign "$KEY" initrd
  run enroll_signed --tpm2-public-key-policyref=initrd
  expect 0 "$(signed_by "$KEY") for 0x$(printf initrd | od -An -tx1 | tr -d ' \n')"
  next_boot 2b
  sign "$KEY"
  run load_signed
  expect 13 "no PCR signature by the approved key was found"
  sign "$KEY" initrd
  load_signed
  kek_is "$KEK"
}

@test "other PCRs than 11 can be signed" {
  sign "$KEY" "" 11,12
  run enroll_signed --tpm2-public-key-pcrs=11+12
  expect 0 "$(signed_by "$KEY" 11+12)"
  next_boot 2b
  sign "$KEY"
  run load_signed
  expect 13 "none of the PCR signatures by the approved key is for what was booted"
  sign "$KEY" "" 11,12
  load_signed
  kek_is "$KEK"
}

@test "enroll tests the signature before it writes anything" {
  sign "$OTHER"
  run enroll_signed
  expect 13 "tpm2-pcr-signature.json: no signature by this key is for what was booted"
  rm "$JSON"
  sign "$KEY"
  boot_image 2b
  run enroll_signed
  expect 13 "no signature by this key is for what was booted"
  [[ ! -e $KEYS/nvdimm-master.pem ]]
}

@test "enroll says when the booted system matches, too" {
  sign "$KEY"
  run enroll_signed
  expect 0 "the signatures fit the booted system as well: only the latch keeps it from unsealing"
}

@test "enroll finds that a later phase is signed before it comes" {
  mkdir -p "$ROOT_OF_TEST/run/nvunlock"
  jq -n --arg value "$(tpm2_pcrread sha256:11 | grep -oE '[0-9A-F]{64}' | tr A-F a-f)" \
    '{in_initramfs: true, banks: {sha256: {"11": $value}}}' \
    >"$ROOT_OF_TEST/run/nvunlock/pcrs.json"
  sign "$KEY"
  for phase in leave-initrd sysinit; do
    tpm2_pcrextend "11:sha256=$(printf %s $phase | sha256sum | cut -c 1-64)"
  done
  run enroll_signed
  expect 0 "$(signed_by "$KEY")"
  [[ $output != *"booted system"* ]]
  rm "$KEYS"/*
  keyctl clear @u
  sign "$KEY"
  run enroll_signed
  expect 0 "the signatures fit the booted system as well (phase 'sysinit')"
}

@test "signed PCRs that cover neither initrd nor command line want --weak-policy" {
  sign "$KEY" "" 7
  run enroll_signed --tpm2-public-key-pcrs=7
  expect 1 "--weak-policy"
  run enroll_signed --tpm2-public-key-pcrs=7 --weak-policy
  expect 0 "$(signed_by "$KEY" 7)"
}

@test "keys and files that are none" {
  sign "$KEY"
  make_signing_key "$BATS_TEST_TMPDIR/ec" -algorithm EC -pkeyopt ec_paramgen_curve:P-256
  run enroll_signed --tpm2-public-key="$BATS_TEST_TMPDIR/ec.pem"
  expect 1 "ec.pem: read the public key: not an RSA key"
  make_signing_key "$BATS_TEST_TMPDIR/short" -algorithm RSA -pkeyopt rsa_keygen_bits:1024
  run enroll_signed --tpm2-public-key="$BATS_TEST_TMPDIR/short.pem"
  expect 1 "2048, 3072 and 4096 bits"
  run enroll_signed --tpm2-public-key="$KEY"
  expect 1 "not a PUBLIC KEY block in PEM"
  run enroll_signed --tpm2-public-key="$BATS_TEST_TMPDIR/none"
  expect 1 "No such file"
  for text in '' '{' '[]' '{"sha256": 1}'; do
    printf %s "$text" >"$JSON"
    run enroll_signed
    expect 1 "tpm2-pcr-signature.json"
  done
  [[ ! -e $KEYS/nvdimm-master.pem ]]
}

@test "options that do not fit together: exit code 2" {
  run enroll --tpm2-signature=x
  expect 2 "wants --tpm2-public-key="
  run enroll --tpm2-public-key-pcrs=11
  expect 2 "--tpm2-public-key="
  run enroll --tpm2-public-key="$KEY.pem" --tpm2-public-key-pcrs="11:sha256=$(printf %064d 0)"
  expect 2 "take no digest"
  run enroll --tpm2-public-key="$KEY.pem" --tpm2-public-key-policyref="$(printf %065d 0)"
  expect 2 "64 bytes"
}

@test "reseal keeps the signed PCRs, and under a new key the old signatures are worth nothing" {
  sign "$KEY"
  enroll_signed
  save_kek "$KEK"
  run reseal
  expect 0 "$(signed_by "$KEY")"
  keyctl clear @u
  load_signed
  kek_is "$KEK"
  cp "$JSON" "$JSON.old"
  sign "$OTHER"
  run reseal --tpm2-public-key="$OTHER.pem" --tpm2-signature="$JSON"
  expect 0 "$(signed_by "$OTHER")"
  keyctl clear @u
  load_signed
  kek_is "$KEK"
  keyctl clear @u
  mv "$JSON.old" "$JSON"
  run load_signed
  expect 13
}

@test "reseal from literal to signed PCRs and back" {
  enroll
  save_kek "$KEK"
  sign "$KEY"
  run reseal --tpm2-pcrs= --tpm2-public-key="$KEY.pem" --tpm2-signature="$JSON"
  expect 0 "$(signed_by "$KEY")"
  [[ $output != *"PCR 7+8"* ]]
  run reseal --tpm2-public-key= --tpm2-pcrs=7+8
  expect 0 "approved: PCR 7+8:sha256 ($(pcr_digest 7,8))"
  [[ $output != *signed* ]]
  keyctl clear @u
  load_keys
  kek_is "$KEK"
}

@test "verify judges signed PCRs by the signature, without an unseal" {
  sign "$KEY"
  enroll_signed --tpm2-pcrs=7
  run in_world verify --tpm2-signature="$JSON"
  expect 0 "will unlock"
  run in_world status --tpm2-signature="$JSON"
  expect 0 "  PCR signature   one is for what was booted, judged by their current values"
  [[ $output =~ 11:sha256\ +signed ]]
  boot_image 2b
  run in_world verify --tpm2-signature="$JSON"
  expect 13 "no PCR signature by the approved key is for what was booted"
}
