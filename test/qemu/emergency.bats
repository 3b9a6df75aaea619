#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whoever gets a shell in an initramfs finds the latch closed, no key, and the guard in force.

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

# build FLAVOUR [LINE...]: with these lines in nvunlock.conf, by default keys stay for admins after the boot.
build() {
  local lines=("${@:2}")
  gold_image "$1" "$BUILT" "${lines[@]:-kek-keyring=user}"
}

# shell_of ARGUMENTS [vm's options]: kernel ARGUMENTS bring about a shell, in which emergency-check is
# called. The machine goes off without an answer.
shell_of() {
  local arguments=$1
  shift
  run boot "$MACHINE" show-dimms --initrd "$IMAGE" --tpm tis --append "$arguments" "$@"
  [[ $status -eq 125 ]] || { echo "$output" && return 1; }
}

# says KEYS CODE ATTEMPTS
says() {
  grep -q "test: $1 keys of ours" "$MACHINE/show-dimms.log"
  grep -q "test: load-keys ends with $2" "$MACHINE/show-dimms.log"
  expect_attempts "$MACHINE" "$3"
}

# typed FLAVOUR PROMPT ARGUMENTS
typed() {
  build "$1"
  "$BED/image-edit" "$BUILT" "$IMAGE" --put "$BED/scripts/emergency-check.sh" check
  shell_of "$3" --type "$2" 'sh /check'
  says 0 11 0
}

@test "mkinitcpio with busybox: break=premount" {
  typed mkinitcpio-busybox '\[rootfs' break=premount
}

# bats test_tags=full
@test "mkinitcpio with busybox: no root file system" {
  typed mkinitcpio-busybox '\[rootfs' "root=LABEL=nosuch rootdelay=2"
}

@test "initramfs-tools: break=top, before the unlock" {
  typed initramfs-tools '\(initramfs\)' "panic= break=top"
}

# bats test_tags=full
@test "initramfs-tools: break=premount, after it" {
  typed initramfs-tools '\(initramfs\)' "panic= break=premount"
}

# bats test_tags=full
@test "initramfs-tools: no root file system" {
  typed initramfs-tools '\(initramfs\)' "panic= root=LABEL=nosuch rootdelay=2"
}

# by_unit FLAVOUR UNIT ARGUMENTS: instead of a person at its shell, the check runs.
by_unit() {
  build "$1"
  printf '[Service]\nExecStart=\nExecStart=/bin/sh /check\n' >"$BATS_TEST_TMPDIR/check.conf"
  "$BED/image-edit" "$BUILT" "$IMAGE" --put "$BED/scripts/emergency-check.sh" check \
    --put "$BATS_TEST_TMPDIR/check.conf" "etc/systemd/system/$2.service.d/zz-check.conf"
  shell_of "$3"
}

@test "mkinitcpio with systemd: emergency.target, before the unlock" {
  by_unit mkinitcpio-systemd emergency rd.systemd.unit=emergency.target
  says 0 11 0
}

# bats test_tags=full
@test "mkinitcpio with systemd: rescue.target" {
  by_unit mkinitcpio-systemd rescue rd.systemd.unit=rescue.target
  says 0 11 0
}

# bats test_tags=full
@test "dracut with systemd: rescue.target" {
  by_unit dracut-systemd rescue rd.systemd.unit=rescue.target
  says 0 11 0
}

# bats test_tags=full
@test "dracut with systemd: the debug shell" {
  by_unit dracut-systemd debug-shell rd.systemd.debug_shell
  says 0 11 0
}

hooks=usr/lib/dracut/hooks/emergency

# by_hook FLAVOUR ARGUMENTS: the same for dracut's own shells, which hooks come before.
by_hook() {
  build "$1"
  "$BED/image-edit" "$BUILT" "$IMAGE" --put "$BED/scripts/emergency-check.sh" $hooks/99-check.sh
  shell_of "rd.shell $2"
}

@test "dracut: keys that were to stay for admins are dropped before a shell; control: not by latch alone" {
  by_hook dracut-plain rd.break=mount
  says 0 11 0
  echo 'nvunlock latch' >"$BATS_TEST_TMPDIR/latch.sh"
  "$BED/image-edit" "$IMAGE" "$IMAGE.open" \
    --put "$BATS_TEST_TMPDIR/latch.sh" $hooks/01-nvunlock-latch.sh
  mv "$IMAGE.open" "$IMAGE"
  shell_of "rd.shell rd.break=mount"
  says 4 0 0 # the kek, two DIMM keys and the update key, and with them load-keys needs no TPM
}

@test "dracut without systemd: a shell before the unlock" {
  by_hook dracut-plain rd.break=cmdline
  says 0 11 0
}

@test "dracut with systemd: a shell before the root file system is mounted" {
  by_hook dracut-systemd rd.break=pre-mount
  says 0 11 0
}

no_root="root=LABEL=nosuch rd.retry=2 rd.timeout=2"

# bats test_tags=full
@test "dracut: no root file system" {
  by_hook dracut-plain "$no_root"
  says 0 11 0
  by_hook dracut-systemd "$no_root"
  says 0 11 0
}

# bats test_tags=full
@test "control: without a latch a shell gets the kek, also that of a failed root" {
  new_machine "$MACHINE.open"
  rm -r "$MACHINE"
  mv "$MACHINE.open" "$MACHINE"
  GOLD=$MACHINE
  "$BED/persist" "$GOLD" get keys "$GOLD/keys"
  by_hook dracut-plain rd.break=mount
  says 3 0 0
  by_hook dracut-plain "$no_root"
  says 3 0 0
}

# wrapper: stands for nvunlock in an image. Whoever asks again after a failure gets no shell.
wrapper() {
  cat <<'END'
#!/bin/sh
still() {
  echo "test: still no shell" >/dev/console
  poweroff -f
}
[ "$2" = --emergency ] || exec /usr/bin/nvunlock.real "$@"
[ ! -e /failed ] || still
/usr/bin/nvunlock.real "$@" || { : >/failed; exit 1; }
END
}

# refused FLAVOUR ARGUMENTS PUT... [-- vm's options]: the TPM is there and cannot be asked: no shell. And
# where there is none: a shell, in which emergency-check is called.
refused() {
  local flavour=$1 arguments=$2 dir=$BATS_TEST_TMPDIR puts=()
  shift 2
  while [[ $# -gt 0 && $1 != -- ]]; do
    puts+=("$1")
    shift
  done
  build "$flavour"
  wrapper >"$dir/wrapper"
  echo tpm2-device=/dev/none >"$dir/conf"
  "$BED/image-edit" "$BUILT" "$IMAGE" --get usr/bin/nvunlock "$dir/nvunlock"
  chmod 755 "$dir/wrapper" "$dir/nvunlock"
  "$BED/image-edit" "$BUILT" "$IMAGE" --put "$dir/wrapper" usr/bin/nvunlock \
    --put "$dir/nvunlock" usr/bin/nvunlock.real --put "$dir/conf" etc/nvunlock/nvunlock.conf "${puts[@]}"
  shell_of "$arguments nvunlock.timeout=1" "${@:2}"
  grep -q "there is no shell" "$MACHINE/show-dimms.log"
  grep -q "test: still no shell" "$MACHINE/show-dimms.log"
  refute_shell
  shell_of "$arguments nvunlock.timeout=1" --tpm none "${@:2}"
  says 0 3 0
}

refute_shell() {
  ! grep "test: load-keys" "$MACHINE/show-dimms.log"
}

@test "initramfs-tools: no shell when the TPM cannot be asked, one where there is none" {
  refused initramfs-tools "panic= break=top" --put "$BED/scripts/emergency-check.sh" check \
    -- --type '\(initramfs\)' 'sh /check'
}

@test "mkinitcpio with busybox: no shell when the TPM cannot be asked, one where there is none" {
  refused mkinitcpio-busybox break=premount --put "$BED/scripts/emergency-check.sh" check \
    -- --type '\[rootfs' 'sh /check'
}

# bats test_tags=full
@test "dracut without systemd: no shell when the TPM cannot be asked, one where there is none" {
  refused dracut-plain "rd.shell rd.break=mount" \
    --put "$BED/scripts/emergency-check.sh" usr/lib/dracut/hooks/emergency/99-check.sh
}

# refused_by_unit FLAVOUR
refused_by_unit() {
  printf '%s\n' '[Service]' ExecStart= 'ExecStart=/bin/sh /check' 'ExecStopPost=/usr/bin/nvunlock latch --emergency' \
    >"$BATS_TEST_TMPDIR/check.conf"
  refused "$1" rd.systemd.unit=emergency.target --put "$BED/scripts/emergency-check.sh" check \
    --put "$BATS_TEST_TMPDIR/check.conf" etc/systemd/system/emergency.service.d/zz-check.conf
}

@test "dracut with systemd: no shell when the TPM cannot be asked, one where there is none" {
  refused_by_unit dracut-systemd
}

# bats test_tags=full
@test "mkinitcpio with systemd: no shell when the TPM cannot be asked, one where there is none" {
  refused_by_unit mkinitcpio-systemd
}

# The image is started as if it were the system: systemd and udev of the real root are what is tried.
@test "a TPM whose driver is loaded after the initramfs: the real root closes its latch" {
  local units=usr/lib/systemd/system
  build dracut-systemd tpm2-timeout=0 recovery-prompt=no
  sed 's,@BINDIR@,/usr/bin,' "$BED/../../system/nvunlock-latch.service" >"$BATS_TEST_TMPDIR/unit"
  printf '%s\n' '[Service]' 'TimeoutStartSec=infinity' 'ExecStartPre=-/late gone' \
    'ExecStartPost=-/late' >"$BATS_TEST_TMPDIR/late.conf"
  "$BED/image-edit" "$BUILT" "$IMAGE" --rm etc/initrd-release \
    --put "$BATS_TEST_TMPDIR/unit" "$units/nvunlock-latch.service" \
    --put "$BED/../../system/90-nvunlock.rules" usr/lib/udev/rules.d/90-nvunlock.rules \
    --put "$BATS_TEST_TMPDIR/late.conf" "$units/systemd-udev-trigger.service.d/late.conf" \
    --put "$BED/scripts/latch-late-tpm.sh" late
  shell_of ''
  for unit in nvunlock-initrd emergency; do
    grep -q "test: $unit has TimeoutStartUSec=infinity" "$MACHINE/show-dimms.log"
  done
  grep -q "test: unlock without the TPM ends with 3" "$MACHINE/show-dimms.log"
  grep -q "test: load-keys ends with 11" "$MACHINE/show-dimms.log"
}
