#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# enroll, against swtpm.

load common

setup_file() { start_tpm; }
teardown_file() { stop_tpm; }
setup() { fresh_keys; }

@test "a new kek: key file for root only, kek in the keyring, proof, and the word on safekeeping" {
  run enroll
  expect 0 "proved: it unseals when its policy holds, and not without"
  expect 0 "There is no recovery slot: when this TPM is cleared"
  [[ $(stat -c %a "$KEYS/nvdimm-master.pem") == 600 ]]
  [[ $(keyctl pipe "$(keyctl search @u user nvdimm-master)" | wc -c) -eq 32 ]]
}

@test "the kek that was enrolled is the one that load-keys brings back" {
  enroll
  keyctl pipe "$(keyctl search @u user nvdimm-master)" >"$BATS_TEST_TMPDIR/kek"
  keyctl clear @u
  run load_keys
  expect 0 "nvdimm master key loaded."
  kek_is "$BATS_TEST_TMPDIR/kek"
}

hex() {
  od -An -v -tx1 "$@" | tr -d ' \n'
}

# The DER of all blocks of a key file, in hex.
blocks_in_hex() {
  awk -v dir="$BATS_TEST_TMPDIR" '/^-----BEGIN/ { file = dir "/block" ++n; next }
    /^-----END/ { file = "" } file { print >file }' "$1"
  for block in "$BATS_TEST_TMPDIR"/block*; do base64 -d "$block" | hex; done
}

@test "the kek is nowhere in the key file" {
  make_clear_kek
  enroll --import
  blocks=$(blocks_in_hex "$KEYS/nvdimm-master.pem")
  [[ $blocks == *0606678105* ]] # the search finds what is there: the object identifier of TCG
  [[ $blocks != *$(hex "$KEYS/nvdimm-master.blob")* ]]
  refute grep -qa "$(hex "$KEYS/nvdimm-master.blob")" "$KEYS/nvdimm-master.pem"
}

@test "--import seals ndctl's kek as it is, of any length" {
  for size in 1 31 32 64 4096; do
    rm -f "$KEYS"/*
    keyctl clear @u
    head -c "$size" /dev/urandom >"$KEYS/nvdimm-master.blob"
    run enroll --import
    expect 0
    keyctl clear @u
    load_keys
    kek_is "$KEYS/nvdimm-master.blob"
  done
}

@test "--import leaves nvdimm-master.blob and says what is to become of it" {
  make_clear_kek
  run enroll --import
  expect 0 "Move $KEYS/nvdimm-master.blob to a safe place"
  expect 0 "every initramfs image"
  [[ -e $KEYS/nvdimm-master.blob ]]
}

@test "--import without nvdimm-master.blob, or with an empty or too large one" {
  run enroll --import
  expect 1 "nvdimm-master.blob: No such file"
  : >"$KEYS/nvdimm-master.blob"
  run enroll --import
  expect 1 "empty"
  head -c 4097 /dev/zero >"$KEYS/nvdimm-master.blob"
  run enroll --import
  expect 1 "larger than 4096"
  [[ ! -e $KEYS/nvdimm-master.pem ]]
}

@test "a key file is never overwritten, and the error names the command that uses it" {
  enroll
  before=$(sha256sum "$KEYS/nvdimm-master.pem")
  run enroll
  expect 1 "nvunlock load-keys"
  [[ $before == "$(sha256sum "$KEYS/nvdimm-master.pem")" ]]
}

@test "a kek in clear that is there is not passed over" {
  make_clear_kek
  keyctl clear @u
  run enroll
  expect 1 "enroll --import"
}

@test "a kek that only the keyring holds is not replaced" {
  head -c 32 /dev/urandom >"$BATS_TEST_TMPDIR/kek"
  keyctl padd user nvdimm-master @u <"$BATS_TEST_TMPDIR/kek"
  run enroll
  expect 1 "keyctl pipe"
  head -c 32 /dev/urandom >"$KEYS/nvdimm-master.blob"
  run enroll --import
  expect 1 "another user:nvdimm-master is in the keyring"
  kek_is "$BATS_TEST_TMPDIR/kek"
  [[ ! -e $KEYS/nvdimm-master.pem ]]
}

@test "a kek that existing blobs do not open with is refused" {
  make_clear_kek
  make_blob 8680-00000001
  head -c 32 /dev/urandom >"$KEYS/nvdimm-master.blob"
  keyctl clear @u
  run enroll --import
  expect 8 "made under another user:nvdimm-master"
  rm "$KEYS/nvdimm-master.blob"
  run enroll
  expect 8 "enroll --import"
  [[ ! -e $KEYS/nvdimm-master.pem ]]
}

@test "another name: its own key file, and both keks load" {
  enroll
  enroll --kek=user:second
  [[ -e $KEYS/second.pem ]]
  keyctl clear @u
  load_keys
  key_exists user nvdimm-master
  key_exists user second
}

@test "--import does not take what the TPM has sealed as a trusted kek for a user kek" {
  enroll
  # The kernel prints a trusted key as the same ASN.1, in hex.
  sed -n '/BEGIN TSS2/,/END TSS2/{/---/d;p}' "$KEYS/nvdimm-master.pem" | base64 -d |
    od -An -tx1 | tr -d ' \n' >"$KEYS/nvdimm-master.blob"
  rm "$KEYS/nvdimm-master.pem"
  keyctl clear @u
  run enroll --import
  expect 1 "trusted keks are not supported yet"
  [[ $output != *"Move "* && ! -e $KEYS/nvdimm-master.pem ]]
}

@test "--import says to keep nvdimm-master.blob while a blob is there that it does not open" {
  make_clear_kek
  make_blob 8680-00000001
  echo damaged >"$KEYS/nvdimm-master_8680-00000001_here.blob"
  run enroll --import
  expect 0 "Keep $KEYS/nvdimm-master.blob"
  expect 0 "nvdimm-master_8680-00000001_here.blob"
  [[ $output != *"Move "* ]]
}

@test "trusted keks are refused" {
  run enroll --kek=trusted:nvdimm-master
  expect 1 "type user only"
}

@test "PCRs that cover neither initrd nor command line need --weak-policy" {
  run in_world enroll --no-recovery --tpm2-pcrs=7
  expect 1 "--weak-policy"
  [[ ! -e $KEYS/nvdimm-master.pem ]]
  run enroll --tpm2-pcrs=7 --weak-policy
  expect 0
}

@test "a covering PCR into which nothing was measured does not count" {
  run in_world enroll --no-recovery --tpm2-pcrs=7+11
  expect 1 "--weak-policy"
  run in_world enroll --no-recovery --tpm2-pcrs="7+11:sha256=$(printf '%064d' 0)"
  expect 1 "--weak-policy"
}

@test "PCRs into which nothing was measured at all are refused, even with --weak-policy" {
  run enroll --tpm2-pcrs=5+6 --weak-policy
  expect 1 "nothing has been measured"
}

@test "a bank that the TPM has not active is refused" {
  run enroll --tpm2-pcrs=7:sha384+8:sha384
  expect 1 "sha384 is not active"
}

@test "PCRs that change after the initramfs need the record of this boot, or a digest, or a next boot" {
  run enroll --tpm2-pcrs=7+12
  expect 1 "a PCR has changed since the initramfs"
  [[ -z $(ls "$KEYS") ]]
  value=$(tpm2_pcrread sha256:12 | sed -n 's/.*0x//p')
  run enroll --tpm2-pcrs="7+12:sha256=$value"
  expect 0 "approved: PCR 7+12:sha256 ($(pcr_digest 7,12))"
  run enroll --kek=user:second --tpm2-pcrs=7+12 --next-boot
  expect 0 "approved: boot "
  [[ $output != *"approved: PCR 7+12"* ]]
}

@test "names work as in systemd-cryptenroll, and either bank" {
  run enroll --tpm2-pcrs=secure-boot-policy:sha256,8
  expect 0 "approved: PCR 7+8:sha256 ($(pcr_digest 7,8))"
  tpm2_pcrextend 8:sha1="$(printf '%040x' 8)"
  run enroll --kek=user:second --tpm2-pcrs=8:sha1
  expect 0 "approved: PCR 8:sha1 ($(pcr_digest 8 sha1))"
}

@test "a digest of another boot: enrolled, but does not open in this one" {
  run enroll --tpm2-pcrs="7:sha256=$(printf '%064d' 1)+8"
  expect 0 "proved: it unseals when its policy holds, and not without"
  keyctl clear @u
  run load_keys
  expect 5 "PCR 7"
}

@test "the values that unlock recorded in this boot count, not the current ones" {
  mkdir -p "$BATS_TEST_TMPDIR/run/nvunlock"
  jq -n --arg v "$(printf '%064d' 7)" '{in_initramfs: true, banks: {sha256: {"8": $v}}}' \
    >"$BATS_TEST_TMPDIR/run/nvunlock/pcrs.json"
  digest=$({
    tpm2_pcrread -Q -o /dev/stdout sha256:7
    head -c 31 /dev/zero
    printf '\007'
  } | sha256sum | cut -c 1-12)
  run enroll --root="$BATS_TEST_TMPDIR"
  expect 0 "approved: PCR 7+8:sha256 ($digest)"
  [[ $digest != "$(pcr_digest 7,8)" ]]
  keyctl clear @u
  run load_keys
  expect 5 "PCR 8 (sha256) differs"
}

@test "a damaged record is an error, not ignored" {
  mkdir -p "$BATS_TEST_TMPDIR/run/nvunlock"
  echo '{"banks": {"sha256": {"8": "zz"}}}' >"$BATS_TEST_TMPDIR/run/nvunlock/pcrs.json"
  run enroll --root="$BATS_TEST_TMPDIR"
  expect 1 "not a PCR record"
}

@test "no TPM: exit code 3, one that does not answer: 14, and nothing is written" {
  run enroll --tpm2-device="$BATS_TEST_TMPDIR/none"
  expect 3 "No such file"
  run enroll --tpm2-device=/dev/null
  expect 14 "the TPM did not answer"
  run enroll --tpm2-device="swtpm:path=$BATS_TEST_TMPDIR/none"
  expect 3
  [[ -z $(ls "$KEYS") ]]
}

@test "a TPM whose owner has a password: said so, and nothing is written" {
  start_tpm "$BATS_TEST_TMPDIR/owned"
  tpm2_changeauth -c owner secret
  run enroll
  stop_tpm "$BATS_TEST_TMPDIR/owned"
  expect 17 "the owner hierarchy of the TPM has a password"
  [[ -z $(ls "$KEYS") ]]
}

@test "killed at any moment, enroll leaves no half key file" {
  for tenth in 0 1 2 3 5 8; do
    rm -rf "$KEYS"
    keyctl clear @u
    killed_after "0.0$tenth" "$NVUNLOCK" enroll --root="$ROOT_OF_TEST" --keys-dir="$KEYS" \
      --tpm2-device="$TPM" --tpm2-pcrs=7+8 --weak-policy --no-recovery
    [[ ! -e $KEYS/nvdimm-master.pem ]] || load_keys
  done
}
