#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The guard, by itself: nvunlock does not start or fails, and whatever else loads drivers makes no
# kernel probe a locked DIMM. Each has its control: without the guard both DIMMs count an attempt.

load machines

setup_file() {
  latched_machine
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
  BUILT=$BATS_TEST_TMPDIR/built.img
  IMAGE=$BATS_TEST_TMPDIR/initrd.img
  copy_machine "$GOLD" "$MACHINE"
}

# build FLAVOUR [OPTION-OF-THE-TOOL...]
build() {
  local flavour=$1
  shift
  "$BED/image" --kernel 6.1 --flavour "$flavour" --keys "$GOLD/keys" --out "$BUILT" ${1+-- "$@"}
}

# What starts nvunlock in an image of FLAVOUR.
start_of() {
  case $1 in
    dracut-plain) echo usr/lib/dracut/hooks/{initqueue/settled,pre-mount}/05-nvunlock-unlock.sh ;;
    *-systemd) echo etc/systemd/system/sysinit.target.wants/nvunlock-initrd.service ;;
    mkinitcpio-busybox) echo hooks/nvunlock ;;
    initramfs-tools) echo scripts/init-top/nvunlock ;;
  esac
}

# All that is of the guard in an image of FLAVOUR; mkinitramfs also copies the installed one.
guards_of() {
  echo etc/modprobe.d/00-nvunlock{,-image}.conf
  [[ $1 != initramfs-tools ]] || echo usr/lib/modprobe.d/00-nvunlock.conf
}

# table FLAVOUR ARGUMENTS [EDIT...]: boots the built image, in which nvunlock does not start, with
# kernel ARGUMENTS and image-edit's EDITs; and as a control the same without the guard.
table() {
  local flavour=$1 arguments=$2 file
  shift 2
  for file in $(start_of "$flavour"); do set -- --rm "$file" "$@"; done
  "$BED/image-edit" "$BUILT" "$IMAGE" "$@"
  boot "$MACHINE" show-dimms --initrd "$IMAGE" --tpm tis --append "$arguments"
  expect_attempts "$MACHINE" 0
  set --
  for file in $(guards_of "$flavour"); do set -- --rm "$file" "$@"; done
  "$BED/image-edit" "$IMAGE" "$IMAGE.open" "$@"
  boot "$MACHINE" show-dimms --initrd "$IMAGE.open" --tpm tis --append "$arguments"
  expect_attempts "$MACHINE" 2
}

# Without this rule udev loads no driver: what comes in then was loaded by something else.
no_coldplug=(--rm usr/lib/udev/rules.d/80-drivers.rules)

@test "udev's coldplug" {
  build dracut-systemd
  table dracut-systemd ''
}

# bats test_tags=full
@test "systemd-modules-load" {
  build dracut-systemd
  table dracut-systemd rd.modules_load=virtio_pci,virtio_blk,nfit "${no_coldplug[@]}"
}

# bats test_tags=full
@test "rd.driver.pre=nfit" {
  build dracut-plain
  table dracut-plain "rd.driver.pre=virtio_pci rd.driver.pre=virtio_blk rd.driver.pre=nfit" \
    "${no_coldplug[@]}"
}

@test "nfit among the modules that initramfs-tools loads" {
  build initramfs-tools nfit
  table initramfs-tools ''
}

# bats test_tags=full
@test "nfit among the modules that mkinitcpio loads" {
  build mkinitcpio-busybox 'MODULES=(nfit)'
  table mkinitcpio-busybox ''
}

@test "modprobe, beside install lines of others and a softdep" {
  build dracut-plain
  local guard=etc/modprobe.d/00-nvunlock
  "$BED/image-edit" "$BUILT" /dev/null --get $guard.conf "$MACHINE/guard" \
    --get $guard-image.conf "$MACHINE/guard-image"
  boot "$MACHINE" guard-modprobe --tpm none --file /$guard.conf="$MACHINE/guard" \
    --file /$guard-image.conf="$MACHINE/guard-image"
  expect_attempts "$MACHINE" 8 # two DIMMs, four controls
}

# in_root ATTEMPTS [vm's options]: a boot into a root file system in which nvunlock is not installed.
in_root() {
  local attempts=$1
  shift
  boot "$MACHINE" guard-in-root --initrd "$IMAGE" --tpm tis "$@"
  expect_attempts "$MACHINE" "$attempts"
}

@test "after a failed unlock the guard holds in the booted system, also with on-failure=proceed" {
  build dracut-plain
  "$BED/image-edit" "$BUILT" "$IMAGE" --rm "usr/lib/modules/$(kernel_release)/kernel/drivers/acpi/nfit"
  in_root 0 --env CODE=1
  in_root 0 --env CODE=1 --append nvunlock.on-failure=proceed
  in_root 2 --env CODE=1 --env CONTROL=yes
}

@test "nvunlock=off: the guard holds in the booted system" {
  build dracut-systemd
  cp "$BUILT" "$IMAGE"
  in_root 0 --append nvunlock=off
  in_root 2 --append nvunlock=off --env CONTROL=yes
}

kernel_release() {
  ls "$("$BED/kernel" 6.1)/lib/modules"
}

@test "nvunlock.freeze=no: DIMMs come up and are left unfrozen, for one boot" {
  build dracut-systemd
  boot "$MACHINE" unfrozen-at-boot --initrd "$BUILT" --tpm tis --append nvunlock.freeze=no
  boot "$MACHINE" unlocked-at-boot --initrd "$BUILT" --tpm tis --env OURS=2
  expect_attempts "$MACHINE" 0
}
