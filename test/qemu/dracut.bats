#!/usr/bin/env bats
# Real dracut images, plain and systemd, on both kernels: DIMMs are up before the root file system
# is touched; a failing unlock burns nothing; the guard holds without nvunlock, too.

load machines

setup_file() {
  export SMALL=$BATS_FILE_TMPDIR/small LARGE=$BATS_FILE_TMPDIR/large
  new_machine "$SMALL" &
  new_machine "$LARGE" --dimms 24 --env OURS=24 --tpm crb &
  all_made
  for machine in "$SMALL" "$LARGE"; do "$BED/persist" "$machine" get keys "$machine/keys"; done
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
  IMAGE=$BATS_TEST_TMPDIR/initrd.img
}

# build KERNEL FLAVOUR KEYS
build() {
  "$BED/image" --kernel "$1" --flavour "dracut-$2" --keys "$3" --out "$IMAGE"
}

# unlocks KERNEL TPM DIMMS: a boot of the image.
unlocks() {
  KERNEL=$1 boot "$MACHINE" unlocked-at-boot --initrd "$IMAGE" --tpm "$2" --env OURS="$3"
  expect_attempts "$MACHINE" 0
}

# large KERNEL FLAVOUR
large() {
  copy_machine "$LARGE" "$MACHINE"
  build "$1" "$2" "$LARGE/keys"
  unlocks "$1" crb 24
}

# small KERNEL FLAVOUR
small() {
  copy_machine "$SMALL" "$MACHINE"
  build "$1" "$2" "$SMALL/keys"
  unlocks "$1" tis 2
}

# small_after_failure KERNEL FLAVOUR: the same, but in the boot before a PCR has changed, and
# somebody wants nfit loaded early.
small_after_failure() {
  copy_machine "$SMALL" "$MACHINE"
  build "$1" "$2" "$SMALL/keys"
  KERNEL=$1 boot "$MACHINE" locked-at-boot --initrd "$IMAGE" --tpm tis --env CODE=5 \
    --append rd.driver.pre=nfit --qemu-arg=-smbios --qemu-arg=type=1,serial=changed
  expect_attempts "$MACHINE" 0
  grep -q 'policy does not hold\|do not hold the enrolled values' "$MACHINE/locked-at-boot.log"
  unlocks "$1" tis 2
}

# The long ones come first, so that in the end nobody waits for one.
@test "6.1, systemd, tis, 2 DIMMs: a policy mismatch leaves them untried, the next boot is good" {
  small_after_failure 6.1 systemd
}
@test "6.12, plain, tis, 2 DIMMs: a policy mismatch leaves them untried, the next boot is good" {
  small_after_failure 6.12 plain
}
@test "6.1, systemd, crb, 24 DIMMs" { large 6.1 systemd; }
@test "6.12, systemd, crb, 24 DIMMs" { large 6.12 systemd; }
@test "6.1, plain, crb, 24 DIMMs" { large 6.1 plain; }
@test "6.12, plain, crb, 24 DIMMs" { large 6.12 plain; }
@test "6.12, systemd, tis, 2 DIMMs" { small 6.12 systemd; }
@test "6.1, plain, tis, 2 DIMMs" { small 6.1 plain; }

# The image as an attacker or a mistake might leave it: nvunlock does not start.
without_start() { # [image-edit's edits]
  copy_machine "$SMALL" "$MACHINE"
  build 6.1 systemd "$SMALL/keys"
  "$BED/image-edit" "$IMAGE" "$BATS_TEST_TMPDIR/edited.img" \
    --rm etc/systemd/system/sysinit.target.wants/nvunlock-initrd.service "$@"
  boot "$MACHINE" show-dimms --initrd "$BATS_TEST_TMPDIR/edited.img" --tpm tis
}

@test "the guard keeps udev's coldplug from probing DIMMs when nvunlock does not start" {
  without_start
  expect_attempts "$MACHINE" 0
}

@test "control: without the guard coldplug has the kernel send zeros to both DIMMs" {
  without_start --rm etc/modprobe.d/00-nvunlock.conf
  expect_attempts "$MACHINE" 2
}

@test "an image for a machine that is not enrolled: nvunlock is silent, coldplug loads nfit" {
  copy_machine "$SMALL" "$MACHINE"
  mkdir "$BATS_TEST_TMPDIR/none"
  build 6.12 systemd "$BATS_TEST_TMPDIR/none"
  KERNEL=6.12 boot "$MACHINE" not-enrolled-at-boot --initrd "$IMAGE" --tpm tis
}

@test "no file of ours in an image is readable by others, none is a kek in clear" {
  build 6.1 plain "$SMALL/keys"
  cpio -itv <"$IMAGE" 2>/dev/null | grep -E ' etc/(ndctl|nvunlock)/' >"$BATS_TEST_TMPDIR/ours"
  [[ $(grep -c nvdimm_ "$BATS_TEST_TMPDIR/ours") -eq 2 ]]
  run grep -vE '^(-rw-------|drwx------)' "$BATS_TEST_TMPDIR/ours"
  [[ -z $output ]]
  run grep nvdimm-master.blob "$BATS_TEST_TMPDIR/ours"
  [[ -z $output ]]
}

@test "dracut refuses to build an image that would carry a kek in clear" {
  cp -r "$SMALL/keys" "$BATS_TEST_TMPDIR/keys"
  head -c 32 /dev/urandom >"$BATS_TEST_TMPDIR/keys/nvdimm-master.blob"
  build 6.1 plain "$BATS_TEST_TMPDIR/keys" # alone it stays outside
  run "$BED/image" --kernel 6.1 --flavour dracut-plain --keys "$BATS_TEST_TMPDIR/keys" --out "$IMAGE" \
    -- --include "$BATS_TEST_TMPDIR/keys" /etc/ndctl/keys
  [[ $status -ne 0 && $output == *"must not go into an image"* ]]
}
