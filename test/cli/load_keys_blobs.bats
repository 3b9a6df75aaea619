#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# load-keys and blobs that are damaged, missing, unknown, or more than one. See load_keys.bats for the rest.

load common
load load_keys

# flip FILE COLUMN: another hexadecimal digit in that place.
flip() {
  local digit
  digit=$(cut -c"$2" "$1")
  sed -i "s/./$([[ $digit == 0 ]] && echo 1 || echo 0)/$2" "$1"
}

@test "each field of a blob damaged: named, exit code 8, and the other key is loaded" {
  good=$(cat "$(blob_of 8680-00000001)")
  payload=${good##* }
  declare -A damaged=(
    ["format"]="${good/enc32/ecryptfs}|format is not enc32"
    ["kek type"]="${good/user:/logon:}|not a kek name"
    ["length"]="${good/ 32 / 24 }|passphrase length is not 32"
    ["truncated payload"]="${good::-2}|80 bytes instead of 81"
    ["not hex"]="${good::-1}g|not hexadecimal"
    ["truncated"]="${good::20}|fields instead of four"
    ["no kek"]="enc32 32 $payload|fields instead of four"
    ["garbage"]="$(head -c 100 /dev/urandom | base64 -w0)|fields instead of four"
  )
  for field in "${!damaged[@]}"; do
    keyctl clear @u
    printf %s "${damaged[$field]%%|*}" >"$(blob_of 8680-00000001)"
    run load_keys
    expect 8 "${damaged[$field]##*|}"
    expect 8 "1 nvdimm keys loaded"
    refute key_exists encrypted nvdimm:8680-00000001
  done
}

@test "one digit of IV, terminator, ciphertext or HMAC changed: the HMAC does not hold" {
  cp "$(blob_of 8680-00000001)" "$BATS_TEST_TMPDIR/good"
  start=29
  for digit in 0 31 33 34 97 98 161; do
    keyctl clear @u
    cp "$BATS_TEST_TMPDIR/good" "$(blob_of 8680-00000001)"
    flip "$(blob_of 8680-00000001)" $((start + digit))
    run load_keys
    expect 8 "its HMAC does not hold"
    expect 8 "1 nvdimm keys loaded"
  done
}

@test "a blob wrapped by another kek of the same name" {
  head -c 32 /dev/urandom | keyctl padd user nvdimm-master @u
  make_blob 8680-00000001
  keyctl clear @u
  run load_keys
  expect 8 "wrapped by another kek"
}

@test "an empty blob, a directory and a FIFO in its place" {
  : >"$(blob_of 8680-00000001)"
  run load_keys
  expect 8 "empty"
  rm "$(blob_of 8680-00000001)"
  mkdir "$(blob_of 8680-00000001)"
  run load_keys
  expect 8 "not a regular file"
  rmdir "$(blob_of 8680-00000001)"
  mkfifo "$(blob_of 8680-00000001)"
  run timeout 5 "$NVUNLOCK" load-keys --keys-dir="$KEYS" --tpm2-device="$TPM"
  expect 8 "not a regular file"
}

@test "a newline at the end of a blob, which the kernel would refuse, does no harm" {
  echo >>"$(blob_of 8680-00000001)"
  run load_keys
  expect 0 "2 nvdimm keys loaded"
}

@test "a blob that is missing is noticed" {
  rm "$(blob_of 8680-00000001)"
  run load_keys
  expect 8 "its blob is missing"
  expect 8 "1 nvdimm keys loaded"
}

@test "blobs that were swapped are refused" {
  mv "$(blob_of 8680-00000001)" "$BATS_TEST_TMPDIR/one"
  mv "$(blob_of 8680-00000002)" "$(blob_of 8680-00000001)"
  mv "$BATS_TEST_TMPDIR/one" "$(blob_of 8680-00000002)"
  run load_keys
  expect 8 "it is the blob of DIMM 8680-00000002"
  expect 8 "0 nvdimm keys loaded"
}

@test "a blob that ndctl has replaced since is taken and said to be unknown; a changed line decides nothing" {
  keyctl padd user nvdimm-master @u <"$KEYS/nvdimm-master.blob"
  make_blob 8680-00000001
  keyctl clear @u
  run load_keys
  expect 0 "2 nvdimm keys loaded"
  expect 0 "8680-00000001: $(basename "$(blob_of 8680-00000001)") is unknown"
  sed -i s/8680-00000002/8680-00000003/ "$KEYS/enrolled-dimms"
  keyctl clear @u
  run load_keys
  expect 0 "enrolled-dimms: 1 line is damaged"
  expect 0 "2 nvdimm keys loaded"
}

@test "several hosts' blobs for one DIMM: this host's, else the enrolled one, else none" {
  cp "$(blob_of 8680-00000001)" "$KEYS/nvdimm_8680-00000001_elsewhere.blob"
  run load_keys
  expect 0 "using nvdimm_8680-00000001_$(uname -n).blob"

  mv "$(blob_of 8680-00000001)" "$KEYS/nvdimm_8680-00000001_formerly.blob"
  keyctl clear @u
  keyctl padd user nvdimm-master @u <"$KEYS/nvdimm-master.blob"
  make_blob 8680-00000001 elsewhere
  keyctl clear @u
  run load_keys
  expect 0 "using nvdimm_8680-00000001_formerly.blob"

  rm "$KEYS/enrolled-dimms"
  keyctl clear @u
  run load_keys
  expect 8 "none is of this host"
}
