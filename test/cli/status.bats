#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# status: what it shows, and that it changes nothing.

load common

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  fresh_keys
  enrolled_root --recovery-key >"$BATS_TEST_TMPDIR/enrolled"
  # shellcheck disable=SC2034
  RECOVERY_KEY=$(recovery_key_in "$(cat "$BATS_TEST_TMPDIR/enrolled")")
}
teardown() { stop_tpm "$BATS_TEST_TMPDIR/tpm"; }

status_of() {
  nvunlock status --root="$ROOT" --keys-dir="$KEYS" --tpm2-device="$TPM" "$@"
}

# The start of a PCR's value in hex.
pcr() {
  tpm2_pcrread "sha256:$1" | sed -n 's/.*0x//p' | tr A-F a-f | cut -c1-12
}

@test "status shows all that an unlock depends on" {
  unlock_in_initramfs
  run status_of
  expect 0
  # Without secret memory in the kernel it is "locked".
  diff - <(echo "${output/memfd_secret/locked}") <<END
TPM                   answers
PCRs recorded         in the initramfs
PCRs predicted        no, there is no event log
memory for secrets    locked
user:nvdimm-master
  key file            $KEYS/nvdimm-master.pem
  image               in the image of this boot
  slot 0: tpm2
    storage root key  as enrolled
    sealed object     loads
    policy digest     that of the sealed object
    latch             closed until the next TPM reset
    approval          the next boot is approved: PCR 7+8:sha256 ($(pcr_digest 7,8))
    approved          PCR 7+8:sha256 ($(pcr_digest 7,8))
      PCRs            will hold, by the values recorded in this boot
    PCR         APPROVED      RECORDED      PREDICTED     CURRENT
    7:sha256    $(pcr 7)  $(pcr 7)  -             $(pcr 7)
    8:sha256    $(pcr 8)  $(pcr 8)  -             $(pcr 8)
  slot 1: recovery-key
blob of 8680-00000001: nvdimm_8680-00000001_here.blob
  kek                 not in the keyring, not tried
  record              recorded
  image               in the image of this boot
yes: the next boot will unlock
END
}

@test "status --json has the same, with whole values where they are known" {
  unlock_in_initramfs
  extend 8
  run status_of --json
  expect 0
  jq -e '.verdict.unlocks and .verdict.exit_code == 0' <<<"$output"
  jq -e '.keks[0].slots[0] | .opens and .policy_digest' <<<"$output"
  jq -e '.keks[0].slots[0].approved[0].pcrs[1] | .pcr == 8 and .bank == "sha256" and
    (.approved as $beginning | .recorded | startswith($beginning)) and .current != .recorded and
    .predicted == null and .judged_by == "recorded" and (.recorded | length) == 64' <<<"$output"
  jq -e '.keks[0].slots[1].kind == "recovery-key"' <<<"$output"
  jq -e '[.keks[0].slots[0].checks[].subject] ==
    ["storage root key", "sealed object", "policy digest", "latch", "approval"]' <<<"$output"
}

@test "status tells whether the next boot is approved by its number, and that this is used up after it" {
  extend 8
  run status_of
  expect 0 "no: the next boot will not unlock all DIMMs (5)"
  in_world load-keys --recovery <<<"$RECOVERY_KEY"
  approve --root="$ROOT" --next-boot
  run status_of
  expect 0 "approval          the next boot is approved: boot "
  expect 0 "  number of the boot the next one is approved"
  expect 0 "yes: the next boot will unlock"
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  rm -r "$ROOT/run"
  extend 8
  run status_of
  expect 0 "number of the boot the next one is not approved: the approval for a boot is used up"
  expect 0 "no: the next boot will not unlock all DIMMs (5)"
}

@test "status changes nothing: keys directory, run directory, keyring, latch" {
  before=$(find "$BATS_TEST_TMPDIR/keys" "$ROOT" -printf '%p %T@ %s\n' | sort)
  status_of
  status_of --json
  [[ $before == "$(find "$BATS_TEST_TMPDIR/keys" "$ROOT" -printf '%p %T@ %s\n' | sort)" ]]
  [[ $(keyctl list @u) == "keyring is empty" ]]
  [[ -z $(tpm2_getcap handles-transient) ]]
  run load_keys
  expect 0 "nvdimm master key loaded."
}

@test "status says what is wrong, and exits with 0 all the same" {
  extend 8
  run status_of
  expect 0 "will not hold, by their current values: "
  expect 0 "PCR 8 (sha256) differs"
  expect 0 "no: the next boot will not unlock all DIMMs (5)"
}

@test "status without a TPM shows the rest" {
  run nvunlock status --root="$ROOT" --keys-dir="$KEYS" --tpm2-device=/none
  expect 0 "not known without a TPM"
  expect 0 "slot 1: recovery-key"
}

@test "status counts the tries of a PIN" {
  rm "$KEYS"/*
  enroll_with --no-recovery --tpm2-with-pin <<<"12345
12345"
  run status_of
  expect 0 "slot 0: tpm2, PIN"
  expect 0 "wrong ones until dictionary attack lockout"
}

@test "status shows DIMMs as list does" {
  device=$ROOT/sys/devices/ndbus0/nmem0
  mkdir -p "$device/nfit" "$device/driver" "$ROOT/sys/bus/nd/devices"
  echo 8680-00000001 >"$device/nfit/id"
  echo unlocked >"$device/security"
  echo 1 >"$device/frozen"
  ln -s ../../../devices/ndbus0/nmem0 "$ROOT/sys/bus/nd/devices/nmem0"
  run status_of
  expect 0 "$(nvunlock list --root="$ROOT")"
  run status_of --json
  jq -e '.dimms[0] | .dev == "nmem0" and .security == "unlocked" and .security_frozen' <<<"$output"
}

@test "status says that the image of this boot is outdated, until one is built" {
  unlock_in_initramfs
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  reseal --recovery-key
  run status_of
  expect 0 "not in the image of this boot, and no image is newer: rebuild it"
  mkdir "$ROOT/boot"
  touch "$ROOT/boot/initrd.img-6.1"
  run status_of
  expect 0 "not in the image of this boot, but a newer image exists"
}

# boot_image NAME PATH-TO-TAKE-OUT...: an image in /boot that lacks something
boot_image() {
  local tree=$BATS_TEST_TMPDIR/tree-$1
  make_tree "$tree"
  nvunlock image-files --root="$ROOT" --keys-dir="$KEYS" "$tree"
  (cd "$tree" && rm -rf "${@:2}")
  pack_tree "$tree" "$ROOT/boot/$1" gzip
}

@test "status names the images in /boot that would have the kernel try locked DIMMs; verify opens none" {
  boot_image initrd.img-3
  boot_image initrd.img-2 scripts
  # built before the enrollment
  boot_image initrd.img-1 etc/modprobe.d/00-nvunlock-image.conf
  boot_image initramfs-kdump.img usr/bin/nvunlock
  cp "$ROOT/boot/initrd.img-1" "$ROOT/boot/vmlinuz-2"
  run status_of
  [[ $output == *"image $ROOT/boot/initrd.img-3: has nvunlock and the guard"$'\n'* ]]
  [[ $output == *"image $ROOT/boot/initrd.img-2: has nvunlock and the guard, but: nothing in it starts nvunlock"* ]]
  [[ $output == *"image $ROOT/boot/initrd.img-1: has no guard: if booted, it may try"* ]]
  [[ $output == *"image $ROOT/boot/initramfs-kdump.img: has the guard only"* ]]
  [[ $output != *vmlinuz* ]]
  run status_of --json
  [[ $(jq -c '[.images[] | [.guard, .unlocks]]' <<<"$output") == '[[true,false],[false,false],[true,false],[true,true]]' ]]
  run strace -f -o "$BATS_TEST_TMPDIR/trace" "$NVUNLOCK" verify --root="$ROOT" --keys-dir="$KEYS" --tpm2-device="$TPM"
  refute grep -q 'open.*boot/initr' "$BATS_TEST_TMPDIR/trace"
}

@test "an image that cannot be read is said to be so" {
  mkdir -p "$ROOT/boot"
  echo "no image" >"$ROOT/boot/initrd.img-1"
  run status_of
  [[ $output == *"image $ROOT/boot/initrd.img-1: cannot be read"* ]]
}
