#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A machine that hibernates is switched off, so its DIMMs lock. What resumes it is an initramfs: after it
# has unlocked them, and not at all where it could not.

load machines

setup_file() {
  latched_machine
  export ETC=$BATS_FILE_TMPDIR/etc
  mkdir "$ETC"
  echo recovery-prompt=no >"$ETC/nvunlock.conf"
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
  IMAGE=$BATS_TEST_TMPDIR/initrd.img
}

# power_on DIR SCRIPT: what the initramfs leaves of its memory is not saved, so it keeps it to itself. A kernel that
# has died ends the run at once.
power_on() {
  boot "$1" "$2" --initrd "$IMAGE" --root "$1/root.img" --tpm tis --timeout 300 \
    --append "resume=/dev/vdd retain_initrd no_console_suspend oops=panic" --qemu-arg=-drive \
    --qemu-arg="if=none,id=swap,format=raw,file=$1/swap.img" \
    --qemu-arg=-device --qemu-arg=virtio-blk-pci,drive=swap,addr=0x15
}

# hibernate FLAVOUR [OPTION-OF-THE-TOOL...]
hibernate() {
  local flavour=$1
  shift
  "$BED/image" --kernel 6.1 --flavour "$flavour" --keys "$GOLD/keys" --etc "$ETC" --out "$IMAGE" \
    ${1+-- "$@"}
  copy_machine "$GOLD" "$MACHINE"
  cp --sparse=always "$("$BED/guest/build" 6.1)/root.img" "$MACHINE/root.img"
  truncate -s 512M "$MACHINE/swap.img"
  mkswap -q "$MACHINE/swap.img"
  run power_on "$MACHINE" hibernate
  [[ $status -eq 125 ]] || { echo "$output" && return 1; }
  grep -q "PM: Image saving done" "$MACHINE/hibernate.log"
  mv "$MACHINE/hibernate.log" "$MACHINE/hibernated.log"
}

# line_of PATTERN: where the console shows it first.
line_of() {
  grep -n -m 1 "$1" "$MACHINE/hibernate.log" | cut -d: -f1
}

resumes() {
  power_on "$MACHINE" hibernate
  [[ $(line_of 'nmem1 .*: unlocked, frozen') -lt $(line_of 'PM: Image loading done') ]]
  [[ $("$BED/dimm" "$MACHINE" show | grep -c ': enabled+frozen ') -eq 2 ]]
  expect_attempts "$MACHINE" 0
}

# stays_asleep: on a copy of the machine, with another TPM.
stays_asleep() {
  copy_machine "$MACHINE" "$MACHINE.other"
  rm -r "$MACHINE.other/tpm"
  power_on "$MACHINE.other" not-resumed
  grep -q "no hibernated system is resumed in this boot" "$MACHINE.other/not-resumed.log"
  mv "$MACHINE.other/not-resumed.log" "$BATS_TEST_TMPDIR"
  rm -r "$MACHINE.other"
}

# as_if_without FILE: its place in the image is taken by a comment of the same length, since the kernel
# resumes only with the same memory map, which has the image in it.
as_if_without() {
  "$BED/image-edit" "$IMAGE" "$IMAGE.same" --get "$1" "$BATS_TEST_TMPDIR/file"
  sed -i 's/./#/g' "$BATS_TEST_TMPDIR/file"
  "$BED/image-edit" "$IMAGE" "$IMAGE.without" --put "$BATS_TEST_TMPDIR/file" "$1"
  mv "$IMAGE.without" "$IMAGE"
}

# resumes_with_locked_dimms: as nobody should.
resumes_with_locked_dimms() {
  run power_on "$MACHINE" hibernate
  grep -q "the file of before" "$MACHINE/hibernate.log"
  [[ $("$BED/dimm" "$MACHINE" show | grep -c ': enabled+locked ') -eq 2 ]]
}

# needs FILE: the machine resumes after the unlock; control: without FILE in the image, before it.
needs() {
  cp -a --sparse=always "$MACHINE" "$MACHINE.again"
  resumes
  rm -r "$MACHINE"
  mv "$MACHINE.again" "$MACHINE"
  as_if_without "$1"
  resumes_with_locked_dimms
}

# bats test_tags=full
@test "initramfs-tools: resumes after the unlock; after one that failed it does not" {
  hibernate initramfs-tools
  stays_asleep
  resumes
}

@test "dracut with systemd: resumes after the unlock; after one that failed it does not" {
  hibernate dracut-systemd
  stays_asleep
  grep -q "Dependency failed for .*hibernation" "$BATS_TEST_TMPDIR/not-resumed.log"
  resumes
}

# bats test_tags=full
@test "dracut without systemd: resumes after the unlock; control: before it without our hook" {
  hibernate dracut-plain
  needs usr/lib/dracut/hooks/initqueue/finished/00-nvunlock-before-resume.sh
}

# Else nvunlock is done before the disk is found, and comes first by luck.
# bats test_tags=full
@test "dracut with systemd, a slow unlock: resumes after it; control: before it without our drop-in" {
  printf '%s\n' '[Service]' 'ExecStartPre=/bin/sleep 15' >"$BATS_TEST_TMPDIR/slow.conf"
  hibernate dracut-systemd --install sleep \
    --include "$BATS_TEST_TMPDIR/slow.conf" /etc/systemd/system/nvunlock-initrd.service.d/slow.conf
  needs usr/lib/systemd/system/systemd-hibernate-resume@.service.d/nvunlock-resume.conf
}

# bats test_tags=full
@test "dracut without systemd: after an unlock that failed it does not resume" {
  hibernate dracut-plain
  stays_asleep
}

# bats test_tags=full
@test "mkinitcpio with busybox: resumes after the unlock; after one that failed it does not" {
  hibernate mkinitcpio-busybox "HOOKS=(base udev nvunlock resume modconf bed)"
  stays_asleep
  resumes
}

# bats test_tags=full
@test "mkinitcpio with systemd: resumes after the unlock; after one that failed it does not" {
  hibernate mkinitcpio-systemd
  stays_asleep
  grep -q "Dependency failed for .*hibernation" "$BATS_TEST_TMPDIR/not-resumed.log"
  resumes
}

@test "mkinitcpio with busybox: an image that resumes before the unlock is not built" {
  run "$BED/image" --kernel 6.1 --flavour mkinitcpio-busybox --keys "$GOLD/keys" --out "$IMAGE" \
    -- "HOOKS=(base udev resume nvunlock modconf bed)"
  [[ $status -ne 0 && $output == *"HOOKS must have nvunlock before resume"* ]]
}
