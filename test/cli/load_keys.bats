#!/usr/bin/env bats
# load-keys, against swtpm and the kernel's keyrings, with ndctl's files.

load common

setup_file() { start_tpm; }
teardown_file() { stop_tpm; }

setup() {
  fresh_keys
  make_clear_kek
  make_blob 8680-00000001
  make_blob 8680-00000002
  enroll --import
  keyctl clear @u
}

blob_of() {
  echo "$KEYS/nvdimm_$1_$(uname -n).blob"
}

# flip FILE COLUMN: another hexadecimal digit in that place.
flip() {
  local digit
  digit=$(cut -c"$2" "$1")
  sed -i "s/./$([[ $digit == 0 ]] && echo 1 || echo 0)/$2" "$1"
}

@test "all keys: ndctl's words, exit code 0, and the kernel has them" {
  run load_keys
  expect 0 "nvdimm master key loaded."
  expect 0 "2 nvdimm keys loaded"
  key_exists user nvdimm-master
  key_exists encrypted nvdimm:8680-00000001
  key_exists encrypted nvdimm:8680-00000002
}

@test "it may be repeated" {
  load_keys
  run load_keys
  expect 0 "2 nvdimm keys loaded"
}

@test "ndctl's own load-keys finds everything done, or does it as well" {
  load_keys
  cmp <(keyctl pipe "$(keyctl search @u encrypted nvdimm:8680-00000001)") "$(blob_of 8680-00000001)"
  keyctl clear @u
  run ndctl load-keys -p "$KEYS"
  expect 0 "2 nvdimm keys loaded"
}

@test "-p is --keys-dir, as ndctl has it" {
  run nvunlock load-keys -p "$KEYS" --tpm2-device="$TPM"
  expect 0 "2 nvdimm keys loaded"
}

@test "a kek in the keyring is used without the TPM, but only if it is the right one" {
  keyctl padd user nvdimm-master @u <"$KEYS/nvdimm-master.blob"
  run load_keys --tpm2-device=/none
  expect 0 "2 nvdimm keys loaded"
  keyctl clear @u
  head -c 32 /dev/urandom | keyctl padd user nvdimm-master @u
  run load_keys
  expect 8 "is not the kek of"
}

@test "in a session keyring without @u, as systemd gives its services" {
  run keyctl session - "$NVUNLOCK" load-keys --keys-dir="$KEYS" --tpm2-device="$TPM"
  expect 0 "2 nvdimm keys loaded"
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

@test "a blob made under another kek of the same name" {
  head -c 32 /dev/urandom | keyctl padd user nvdimm-master @u
  make_blob 8680-00000001
  keyctl clear @u
  run load_keys
  expect 8 "made under another kek"
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

@test "a truncated key file: exit code 7 at every length, never a crash" {
  size=$(stat -c %s "$KEYS/nvdimm-master.pem")
  cp "$KEYS/nvdimm-master.pem" "$BATS_TEST_TMPDIR/good"
  for ((length = 0; length < size; length += 97)); do
    head -c "$length" "$BATS_TEST_TMPDIR/good" >"$KEYS/nvdimm-master.pem"
    run load_keys
    expect 7
    expect 7 "0 nvdimm keys loaded"
  done
}

@test "a key file with another name, none at all, one of 100 KiB, one that is a directory" {
  rm "$KEYS/nvdimm-master.blob"
  mv "$KEYS/nvdimm-master.pem" "$KEYS/other.pem"
  run load_keys
  expect 7 "it holds user:nvdimm-master instead of user:other"
  rm "$KEYS/other.pem"
  run load_keys
  expect 7 "nvdimm-master.pem: No such file"
  head -c 102400 /dev/zero >"$KEYS/nvdimm-master.pem"
  run load_keys
  expect 7 "larger than"
  rm "$KEYS/nvdimm-master.pem"
  mkdir "$KEYS/nvdimm-master.pem"
  run load_keys
  expect 7 "not a regular file"
}

@test "changed PCRs: exit code 5, and which one it was" {
  extend 16
  run load_keys
  expect 0
  keyctl clear @u
  rm "$KEYS"/nvdimm-master.pem
  enroll --import --tpm2-pcrs=8+16
  keyctl clear @u
  extend 16
  run load_keys
  expect 5 "PCR 16 (sha256) differs"
  tpm2_pcrreset 16
}

@test "another TPM: exit code 4" {
  start_tpm "$BATS_TEST_TMPDIR/other"
  run load_keys
  expect 4
  tpm2_createprimary -Q -C o -G ecc -c "$BATS_TEST_TMPDIR/p"
  tpm2_evictcontrol -Q -C o -c "$BATS_TEST_TMPDIR/p" 0x81000001
  tpm2_flushcontext -t
  run load_keys
  stop_tpm "$BATS_TEST_TMPDIR/other"
  expect 4 "not made by this TPM"
}

@test "a TPM that was cleared: exit code 4" {
  start_tpm "$BATS_TEST_TMPDIR/cleared"
  rm "$KEYS"/nvdimm-master.pem
  enroll --import
  keyctl clear @u
  tpm2_clear
  run load_keys
  stop_tpm "$BATS_TEST_TMPDIR/cleared"
  expect 4 "cleared"
}

@test "no TPM: exit code 3" {
  run load_keys --tpm2-device=/dev/tpm9
  expect 3
}

@test "an empty keys directory: nothing to load, exit code 0; none is an error, as for ndctl" {
  rm -r "$KEYS"
  run load_keys
  expect 1 "there is no keys directory $KEYS"
  run nvunlock load-keys -p "$KEYS"
  expect 1 "there is no keys directory $KEYS"
  run ndctl load-keys -p "$KEYS"
  [[ $status -ne 0 ]]
  mkdir "$KEYS"
  run load_keys
  expect 0 "0 nvdimm keys loaded"
}

@test "without a key file ndctl's kek in clear is loaded, as ndctl does, and one line says so" {
  rm "$KEYS/nvdimm-master.pem"
  run load_keys --tpm2-device=/none
  expect 0 "nvdimm-master.blob holds user:nvdimm-master in clear; where there is a TPM, 'nvunlock enroll --import' seals it"
  expect 0 "nvdimm master key loaded."
  expect 0 "2 nvdimm keys loaded"
  kek_is "$KEYS/nvdimm-master.blob"
  key_exists encrypted nvdimm:8680-00000001
  run load_keys --tpm2-device=/none
  expect 0 "2 nvdimm keys loaded"
  run enroll --import
  expect 0
}

@test "a kek in clear that no blob needs is loaded, too, for setup-passphrase" {
  rm "$KEYS"/*
  make_clear_kek
  keyctl clear @u
  run load_keys --tpm2-device=/none
  expect 0 "nvdimm master key loaded."
  kek_is "$KEYS/nvdimm-master.blob"
}

@test "trusted keks are not handled yet: -t, tpm.handle, a blob under one; nothing is loaded" {
  for option in -t --tpm-handle; do
    run load_keys "$option" 0x81000001
    expect 1 "trusted keks are not handled yet"
  done
  rm "$KEYS/nvdimm-master.pem"
  echo 0x81000001 >"$KEYS/tpm.handle"
  run load_keys
  expect 1 "$KEYS/tpm.handle says that nvdimm-master is a trusted kek: trusted keks are not handled yet"
  expect 1 "0 nvdimm keys loaded"
  rm "$KEYS/tpm.handle"
  sed -i s/user:/trusted:/ "$(blob_of 8680-00000001)"
  run load_keys
  expect 1 "$(blob_of 8680-00000001) is wrapped by trusted:nvdimm-master: trusted keks are not handled yet"
  [[ $(keyctl rlist @u) == "" ]]
}
