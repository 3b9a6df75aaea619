#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# approve: what may boot next, and for how long.

load common
load approve

@test "without an option approve shows what is approved, and changes nothing" {
  before=$(sha256sum "$FILE")
  run approve
  expect 0 "user:nvdimm-master"
  expect 0 "approved: PCR 7+8:sha256 ($(pcr_digest 7,8))"
  [[ ${#lines[@]} -eq 2 && $output != *changed* ]]
  shown=$output
  boot 0
  index=$(policy_indexes)
  written=$(tpm2_nvread -C "$index" "$index" | sha256sum)
  run approve
  [[ $status -eq 0 && $output == "$shown" && ! -e $ROOT/run/nvunlock ]]
  [[ $written == "$(tpm2_nvread -C "$index" "$index" | sha256sum)" && $before == "$(sha256sum "$FILE")" ]]
}

@test "the next boot opens whatever its image is, and no other boot does" {
  count=$(resets)
  run change --next-boot
  expect 0 "user:nvdimm-master: changed"
  expect 0 "approved: PCR 7+8:sha256 ($(pcr_digest 7,8))"
  expect 0 "approved: boot $((count + 1)), PCR 7:sha256 ($(pcr_digest 7))"
  run_image 1
  stays_closed 5 "PCR 8 (sha256) differs"
  boot 1
  opens
  boot 1
  stays_closed
  boot 0
  opens
}

@test "enroll approves the next boot, too, unless it is told not to" {
  rm "$FILE"
  keyctl padd user nvdimm-master @u <"$KEK"
  cp "$KEK" "$KEYS/nvdimm-master.blob"
  run in_world enroll --import --tpm2-pcrs=7+8 --weak-policy --no-recovery
  expect 0 "approved: boot $(($(resets) + 1)), PCR 7:sha256"
  rm "$KEYS/nvdimm-master.blob"
  run_image 1
  stays_closed
  boot 1
  opens
  boot 1
  stays_closed
}

@test "the approval of a next boot is gone with a reset that nobody used" {
  change --next-boot
  boot 1 2
  stays_closed
}

@test "the next boot has to have the Secure Boot policy of now; control: another image under it" {
  change --next-boot
  boot 1
  opens
  extend 7
  stays_closed
}

@test "--next-boot=3: it opens after two resets in between, and not after three" {
  count=$(resets)
  run change --next-boot=3
  expect 0 "approved: boots $((count + 1)) to $((count + 3)), PCR 7:sha256"
  boot 1 3
  opens
  boot 1
  stays_closed
}

@test "--next-boot does not lower what is approved; with --revoke it does" {
  change --next-boot=9
  count=$(resets)
  run change --next-boot
  expect 0 "approved: boots $((count + 1)) to $((count + 9)),"
  run change --revoke --next-boot
  expect 0 "approved: boot $((count + 1)),"
  [[ $(approved_count) -eq 2 ]]
  boot 1 2
  stays_closed
}

@test "--revoke: the next boot opens no more by its number, by its PCRs it does" {
  change --next-boot=3
  boot 1
  opens
  run change --revoke
  expect 0 "changed"
  [[ $output != *"approved: boot"* ]]
  stays_closed
  boot 1
  stays_closed
  boot 0
  opens
}

@test "--revoke where nothing else is approved: no boot opens" {
  keyctl padd user nvdimm-master @u <"$KEK"
  reseal --tpm2-pcrs=7+12 --next-boot
  run change --revoke
  expect 0 "approved: no boot"
  boot 1
  stays_closed
}

# The boot that was approved by its number: unlock opens, and leaves what --learn wants.
unlock_unknown() { # IMAGE [RESETS]
  boot "$@"
  run in_world unlock
  expect 0 "is not approved for good yet"
  [[ $(<"$ROOT/run/nvunlock/learn") == user:nvdimm-master ]]
}

@test "--learn approves what opened by the boot's number, and the approval by number is over" {
  change --next-boot=4
  boot 1
  opens
  boot 2
  opens # control: not learnt, any image opens
  unlock_unknown 3
  run approve --learn </dev/null
  expect 0 "approved: PCR 7+8:sha256 ($(pcr_digest 7,8))"
  [[ $output != *"approved: boot"* && ! -e $ROOT/run/nvunlock/learn ]]
  boot 2
  stays_closed
  boot 3
  opens
}

@test "--learn keeps what was approved last, for a way back, and drops what was before" {
  for image in 1 2; do
    change --next-boot
    unlock_unknown $image
    run approve --learn
    [[ $status -eq 0 && $(approved_count) -eq 2 ]]
  done
  boot 2
  opens
  boot 1
  opens
  boot 0
  stays_closed
}

@test "--learn ends the approval of boots, also where the first of them has the PCRs that are approved" {
  change --next-boot=3
  boot 0
  run in_world unlock
  expect 0
  [[ -e $ROOT/run/nvunlock/learn ]]
  run approve --learn
  [[ $status -eq 0 && $(approved_count) -eq 1 && $output != *"approved: boot"* ]]
  run approve --learn # nothing is left
  [[ $status -eq 0 && -z $output ]]
}

@test "--now: what booted and nothing else, also for an old copy of the key file" {
  cp "$FILE" "$BATS_TEST_TMPDIR/old"
  change --next-boot=9
  boot 1
  run change --now
  expect 0 "approved: PCR 7+8:sha256 ($(pcr_digest 7,8))"
  [[ $(approved_count) -eq 1 ]]
  cmp "$FILE" "$BATS_TEST_TMPDIR/old" # no file has changed: images stay as they are
  opens
  boot 2
  stays_closed
  boot 0
  stays_closed
  boot 1
  opens
}

@test "several alternatives: each opens, and one that was never approved does not" {
  boot 1
  value=$(tpm2_pcrread sha256:8 | sed -n 's/.*0x//p')
  boot 2
  change --tpm2-pcrs=7+8
  run change --tpm2-pcrs="7+8:sha256=$value"
  [[ $status -eq 0 && $(approved_count) -eq 3 ]]
  for image in 0 1 2; do
    boot $image
    opens
  done
  boot 3
  stays_closed
}

@test "what is approved already: nothing is written, and nobody is asked for the kek" {
  run approve --tpm2-pcrs=7+8 </dev/null
  expect 0
  [[ $output != *changed* ]]
  run approve --now </dev/null
  [[ $status -eq 0 && $output != *changed* ]]
}

# boot_signed IMAGE: as boot, and systemd-stub has measured the image as well
boot_signed() {
  boot "$1"
  tpm2_pcrextend "11:sha256=$(printf '%064x' "$1")"
}

opens_signed() {
  run load_keys --tpm2-signature="$JSON"
  expect 0 "1 nvdimm keys loaded"
  keyctl clear @u
}

@test "--signed: images that the key signs open from then on, no others; --now ends that" {
  for key in release other; do make_signing_key "$BATS_TEST_TMPDIR/$key" -algorithm RSA; done
  run change --signed="$BATS_TEST_TMPDIR/release.pem"
  expect 0 "approved: PCR 11:sha256 signed by key "
  grep -q 'BEGIN PUBLIC KEY' "$FILE"
  boot_signed 1
  sign "$BATS_TEST_TMPDIR/other"
  run load_keys --tpm2-signature="$JSON"
  expect 13 "no PCR signature by the approved key was found"
  sign "$BATS_TEST_TMPDIR/release"
  opens_signed
  boot_signed 2
  run load_keys --tpm2-signature="$JSON"
  expect 13 "none of the PCR signatures by the approved key is for what was booted"
  sign "$BATS_TEST_TMPDIR/release"
  opens_signed
  run change --now --tpm2-pcrs=7+8
  [[ $status -eq 0 && $(approved_count) -eq 1 ]]
  boot_signed 1
  sign "$BATS_TEST_TMPDIR/release"
  stays_closed
}

@test "--json" {
  count=$(resets)
  change --next-boot=2 --json >"$BATS_TEST_TMPDIR/json"
  jq -e --argjson first $((count + 1)) 'length == 1 and (.[0] | .kek == "user:nvdimm-master" and .changed and
    (.approved | length) == 2 and .approved[0].pcrs == "7+8:sha256" and
    .approved[1].boots == [$first, $first + 1] and .approved[1].pcrs == "7:sha256" and
    all(.approved[]; .description != ""))' "$BATS_TEST_TMPDIR/json"
  jq -e '.[0] | .changed == false and (.approved | length) == 2' <(approve --json)
}

@test "wrong usage, and PCRs that cover too little, change nothing" {
  run in_world approve --tpm2-pcrs=7
  expect 1 "--weak-policy"
  while IFS='|' read -r code options complaint; do
    # shellcheck disable=SC2086  # words
    run change $options
    expect "$code" "$complaint"
    run approve
    [[ $(approved_count) -eq 1 ]]
  done <<END
2|--now --learn|exclude each other
2|--revoke --now|exclude each other
2|--learn --revoke|exclude each other
2|--next-boot=17|0 to 16
2|--tpm2-pcrs=99|PCR '
2|--tpm2-public-key-pcrs=11|need --tpm2-public-key=
2|--kek=nothing|is not a kek name
1|--now --tpm2-pcrs=5|nothing has been measured
1|--signed=/none|No such file
7|--kek=user:other --now|other.pem: No such file
END
}
