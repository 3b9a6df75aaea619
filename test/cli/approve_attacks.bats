#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is approved, against the owner of the TPM and whoever edits key files; see also hostile_bus.bats.

load common
load approve

# index_as_it_was [ATTRIBUTE]: the owner takes the policy index away and makes it anew, with its own policy for writing.
index_as_it_was() {
  INDEX=$(policy_indexes)
  local policy
  policy=$(tpm2_nvreadpublic "$INDEX" | sed -n 's/.*authorization policy: *//p')
  printf %b "${policy//??/\\x&}" >"$BATS_TEST_TMPDIR/policy"
  tpm2_nvread -C "$INDEX" -o "$BATS_TEST_TMPDIR/contents" "$INDEX"
  tpm2_nvundefine -C o "$INDEX"
  tpm2_nvdefine -Q -C o -s 512 -a "policywrite|authread|no_da${1+|$1}" \
    -L "$BATS_TEST_TMPDIR/policy" "$INDEX"
}

# write_with KEY.pem: CONTENTS into the index, by a signature of the update key. (nvunlock signs for one command; a
# holder of the key need not.)
write_with() {
  cd "$BATS_TEST_TMPDIR" || return
  openssl pkey -in "$1" -pubout -out public.pem
  tpm2_loadexternal -Q -C n -G ecc -u public.pem -a 'sign|userwithauth' -c loaded
  tpm2_startauthsession --policy-session -S session
  tpm2_policysigned -S session -g sha256 -c loaded -x --raw-data=data
  openssl dgst -sha256 -sign "$1" -out signature data
  tpm2_policysigned -Q -S session -g sha256 -c loaded -x -s signature -f ecdsa
  local status=0
  tpm2_nvwrite -C "$INDEX" -P session:session -i contents "$INDEX" || status=$?
  tpm2_flushcontext session
  tpm2_flushcontext -t
  return "$status"
}

# The update key that unlock has left, as openssl reads it.
held_update_key() { # PATH
  local raw=$BATS_TEST_TMPDIR/raw
  keyctl pipe "$(keyctl search @u user nvunlock-update:nvdimm-master)" >"$raw"
  {
    printf '\x30\x77\x02\x01\x01\x04\x20'
    head -c 32 "$raw"
    printf '\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\xa1\x44\x03\x42\x00'
    tail -c 65 "$raw"
  } | openssl pkey -inform DER -out "$1"
}

@test "an index that the owner made anew as it was opens nothing, and only the update key writes it" {
  index_as_it_was
  stays_closed 16 "is gone or was made anew"
  run tpm2_nvwrite -C o -i "$BATS_TEST_TMPDIR/contents" "$INDEX"
  [[ $status -ne 0 ]]
  run tpm2_nvwrite -C "$INDEX" -i "$BATS_TEST_TMPDIR/contents" "$INDEX"
  [[ $status -ne 0 ]]
  openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$BATS_TEST_TMPDIR/theirs"
  run write_with "$BATS_TEST_TMPDIR/theirs"
  [[ $status -ne 0 ]]
  stays_closed 16
}

@test "control: who has the update key writes an index that was made anew, and it opens; not in a boot with a closed latch" {
  boot 0
  in_world unlock
  held_update_key "$BATS_TEST_TMPDIR/ours"
  boot 0
  index_as_it_was
  stays_closed 16
  write_with "$BATS_TEST_TMPDIR/ours"
  opens
  close_latch
  tpm2_nvundefine -C o "$(latch_indexes)"
  index_as_it_was
  write_with "$BATS_TEST_TMPDIR/ours"
  stays_closed 16
}

@test "an index that was made anew, or taken away, is mended by approve --now with a recovery key" {
  index_as_it_was
  run approve --now --tpm2-pcrs=7+8 <<<"$RECOVERY_KEY"
  expect 0 "changed"
  opens
  tpm2_nvundefine -C o "$INDEX"
  stays_closed 16
  run approve --now --tpm2-pcrs=7+8 <<<"$RECOVERY_KEY"
  expect 0 "the policy index was gone, and was made anew"
  opens
  boot 1
  stays_closed
}

@test "approve says what to do where the index is gone" {
  boot 0
  tpm2_nvundefine -C o "$(policy_indexes)"
  run approve --next-boot <<<"$RECOVERY_KEY"
  expect 16 "approve it anew with 'nvunlock approve --now'"
  run approve --now <<<"$RECOVERY_KEY"
  expect 1 "--weak-policy" # by itself it chooses no PCRs that say too little
  run approve --now --tpm2-pcrs=7+8 <<<"$RECOVERY_KEY"
  expect 0 "changed"
  opens
}

@test "an index that the owner can write opens nothing, though it holds what was approved" {
  index_as_it_was ownerwrite
  tpm2_nvwrite -C o -i "$BATS_TEST_TMPDIR/contents" "$INDEX"
  cmp "$BATS_TEST_TMPDIR/contents" <(tpm2_nvread -C "$INDEX" "$INDEX")
  stays_closed 16 "is gone or was made anew"
}

# The TPM sees TPM2_Shutdown(STATE), and then the firmware of the next boot: a TPM Restart, which counts no reset.
restart() { # IMAGE
  tpm2_shutdown
  swtpm_ioctl --unix "$BATS_TEST_TMPDIR/tpm/s.ctrl" -i
  tpm2_startup -c
  for pcr in 7 8 12; do extend "$pcr"; done
  rm -rf "$ROOT_OF_TEST/run"
  run_image "$1"
}

@test "a restart after a hibernation is a next boot; one after the boot that was approved is none" {
  count=$(resets)
  change --next-boot
  restart 1
  [[ $(resets) -eq $count ]]
  opens
  boot 1
  opens
  restart 1
  [[ $(resets) -eq $((count + 1)) ]]
  stays_closed
  restart 0 # control: what is approved by its PCRs opens after a restart
  opens
}

# The TPM key block of a key file, in hex.
tpm_key_in() { # PATH
  sed -n '/BEGIN TSS2/,/END TSS2/{/---/d;p}' "$1" | base64 -d | od -An -v -tx1 | tr -d ' \n'
}

# The public area of the index that it names: handle, algorithm, attributes, policy for writing, size.
index_in() { # PATH
  tpm_key_in "$1" | grep -oE '01804e..000b[0-9a-f]{8}0020[0-9a-f]{64}0200'
}

# edit_policy FROM TO: hex in the TPM key block, of the same length.
edit_policy() {
  local hex
  hex=$(tpm_key_in "$FILE")
  [[ $hex == *"$1"* ]]
  {
    sed '/BEGIN TSS2/q' "$FILE"
    tr a-f A-F <<<"${hex/$1/$2}" | basenc --base16 -d | base64 -w 64
    sed -n '/END TSS2/,$p' "$FILE"
  } >"$FILE.new"
  mv "$FILE.new" "$FILE"
}

@test "a key file that names another index does not open by what is approved there; control: it is approved there" {
  keyctl padd user nvdimm-master @u <"$KEK"
  enroll --kek=user:second --tpm2-pcrs=7 --weak-policy
  run_image 1
  keyctl clear @u
  run load_keys
  expect 5 "nvdimm master key loaded" # the second
  key_exists user second
  cp "$FILE" "$BATS_TEST_TMPDIR/own"
  edit_policy "$(index_in "$FILE")" "$(index_in "$KEYS/second.pem")"
  mv "$KEYS/second.pem" "$BATS_TEST_TMPDIR"
  stays_closed 5 "the policy does not hold"
  boot 0
  edit_policy "$(index_in "$FILE")" "$(index_in "$BATS_TEST_TMPDIR/own")"
  opens # control: edited back it is whole
}

# The update key of the key file in PATH, instead of one's own.
swap_update_key() { # PATH
  {
    sed '/BEGIN NVUNLOCK UPDATE/,/END NVUNLOCK UPDATE/d' "$FILE"
    sed -n '/BEGIN NVUNLOCK UPDATE/,/END NVUNLOCK UPDATE/p' "$1"
  } >"$FILE.new"
  mv "$FILE.new" "$FILE"
}

@test "the update key of another kek's file approves nothing; control: one's own, put in the same way, does" {
  cp "$FILE" "$BATS_TEST_TMPDIR/own"
  enroll --kek=user:second
  boot 1
  swap_update_key "$KEYS/second.pem"
  rm "$KEYS/second.pem"
  run change --now
  expect 7 "its update key"
  stays_closed
  run approve
  [[ $output != *"$(pcr_digest 7,8)"* ]]
  swap_update_key "$BATS_TEST_TMPDIR/own"
  change --now
  opens
}

@test "an update key from before a reseal approves nothing any more" {
  boot 0
  in_world unlock
  held_update_key "$BATS_TEST_TMPDIR/old"
  boot 0
  keyctl padd user nvdimm-master @u <"$KEK"
  reseal
  boot 1
  INDEX=$(policy_indexes)
  tpm2_nvread -C "$INDEX" -o "$BATS_TEST_TMPDIR/contents" "$INDEX"
  run write_with "$BATS_TEST_TMPDIR/old"
  [[ $status -ne 0 ]]
}

@test "enroll anew under the same name: what was approved before does not count" {
  change --next-boot=9
  mv "$FILE" "$BATS_TEST_TMPDIR/old.pem"
  cp "$KEK" "$KEYS/nvdimm-master.blob"
  enroll --import
  run approve --next-boot
  [[ $status -eq 0 && $(approved_count) -eq 2 && $output != *"approved: boots"* ]]
}
