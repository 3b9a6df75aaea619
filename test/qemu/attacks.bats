#!/usr/bin/env bats
# What is left to somebody who has the machine: the system that boots, its root disk, its console,
# its TPM. The latch is closed, the keyring empty, a foreign storage root key is noticed.

load machines

setup_file() {
  export LATCHED=$BATS_FILE_TMPDIR/latched OPEN=$BATS_FILE_TMPDIR/open PCR=$BATS_FILE_TMPDIR/pcr
  new_machine "$LATCHED" --env LATCH=nv --env RECOVERY=--recovery-key &
  new_machine "$OPEN" &
  new_machine "$PCR" --env LATCH=pcr:14 &
  all_made
  for machine in "$LATCHED" "$OPEN"; do "$BED/persist" "$machine" get keys "$machine/keys"; done
}

setup() {
  BUILD=$BED/../../build
  MACHINE=$BATS_TEST_TMPDIR/machine
  IMAGE=$BATS_TEST_TMPDIR/initrd.img
}

# build FLAVOUR GOLD: the image; in place of a person at its emergency shell our hook runs.
build() {
  "$BED/image" --kernel 6.1 --flavour "dracut-$1" --keys "$2/keys" --out "$IMAGE" \
    -- --include "$BED/scripts/latch-emergency.sh" /lib/dracut/hooks/emergency/99-test.sh \
    --install "keyctl poweroff grep"
}

# attackers_root FILE: the guest's root disk, but with the attacker's init and the image's key files.
attackers_root() {
  local tree=$BATS_TEST_TMPDIR/tree
  mkdir "$tree" "$tree.image"
  (cd "$tree.image" && cpio --quiet -idm <"$IMAGE")
  (cd "$tree" && cpio --quiet -idm <"$("$BED/guest/build" 6.1)/root.cpio")
  cp -r "$tree.image/etc/ndctl/keys" "$tree/stolen"
  cp "$tree.image/usr/bin/nvunlock" "$tree/usr/bin/"
  cp "$BED/scripts/attackers_init" "$tree/usr/sbin/init"
  truncate -s 128M "$1"
  mke2fs -q -t ext4 -L nvroot -d "$tree" "$1"
}

# swapped_root GOLD CODE: our image unlocks and switches to the attacker's root.
swapped_root() {
  copy_machine "$1" "$MACHINE"
  build plain "$1"
  attackers_root "$BATS_TEST_TMPDIR/root.img"
  run boot "$MACHINE" show-dimms --initrd "$IMAGE" --root "$BATS_TEST_TMPDIR/root.img" --tpm tis
  [[ $status -eq $2 ]] || { echo "$output" && return 1; }
  grep -q "attacker: unlock has ended with 0$" "$MACHINE/show-dimms.log"
  grep -q "attacker: keyring is empty" "$MACHINE/show-dimms.log"
  expect_attempts "$MACHINE" 0
}

@test "an attacker's root disk in place of ours cannot unseal again" {
  swapped_root "$LATCHED" 11
  run grep "attacker: kek" "$MACHINE/show-dimms.log"
  [[ $status -eq 1 ]]
}

# bats test_tags=full
@test "control: without a latch an attacker's root disk gets the kek" {
  swapped_root "$OPEN" 0
  "$BED/persist" "$MACHINE" get safe "$BATS_TEST_TMPDIR/safe"
  grep -q "attacker: kek $(sha256sum <"$BATS_TEST_TMPDIR/safe/nvdimm-master.blob")" \
    "$MACHINE/show-dimms.log"
}

@test "the booted system cannot unseal again: PCR latch" {
  copy_machine "$PCR" "$MACHINE"
  boot "$MACHINE" latch-pcr --tpm tis
}

@test "the TPM's owner removes the latch and makes it anew: it does not open" {
  copy_machine "$LATCHED" "$MACHINE"
  boot "$MACHINE" latch-redefine --tpm tis
}

@test "an unlock that fails closes the latch, too" {
  copy_machine "$LATCHED" "$MACHINE"
  boot "$MACHINE" latch-after-failure --tpm tis --env RESULT=closed
  copy_machine "$OPEN" "$MACHINE.open"
  boot "$MACHINE.open" latch-after-failure --tpm tis --env RESULT=open
}

# emergency_shell GOLD FLAVOUR CODE ARGUMENTS: what dracut's emergency shell gets out of the TPM and
# the keyring, when kernel ARGUMENTS bring it about.
emergency_shell() {
  copy_machine "$1" "$MACHINE"
  build "$2" "$1"
  run boot "$MACHINE" show-dimms --initrd "$IMAGE" --tpm tis --append "rd.shell $4"
  grep -q "test: load-keys ends with $3" "$MACHINE/show-dimms.log"
  grep -q "test: keyring is empty" "$MACHINE/show-dimms.log"
}

no_root="root=LABEL=nosuch rd.retry=2 rd.timeout=2"

@test "plain dracut: an emergency shell before the unlock finds the latch closed" {
  emergency_shell "$LATCHED" plain 11 rd.break=cmdline
}

# bats test_tags=full
@test "plain dracut: an emergency shell after the unlock finds the latch closed" {
  emergency_shell "$LATCHED" plain 11 rd.break=mount
}

@test "systemd dracut: an emergency shell finds the latch closed" {
  emergency_shell "$LATCHED" systemd 11 rd.break=pre-mount
}

# bats test_tags=full
@test "plain dracut: the emergency shell of a failed root finds the latch closed" {
  emergency_shell "$LATCHED" plain 11 "$no_root"
}

# bats test_tags=full
@test "systemd dracut: the emergency shell of a failed root finds the latch closed" {
  emergency_shell "$LATCHED" systemd 11 "$no_root"
}

@test "control: without a latch an emergency shell gets the kek" {
  emergency_shell "$OPEN" plain 0 rd.break=mount
}

# bats test_tags=full
@test "control: without a latch the emergency shell of a failed root gets the kek" {
  emergency_shell "$OPEN" plain 0 "$no_root"
}

# kexec GOLD CODE: after the unlock the kernel and the initramfs of the enrollment's boot, with the
# DIMMs' firmware in front, are started once more.
kexec() {
  copy_machine "$1" "$MACHINE"
  boot "$MACHINE" unlock-kexec --tpm tis --env "CODE=$2" --timeout 240 \
    --file /usr/bin/kexec_boot="$BUILD/kexec_boot" \
    --file /boot/vmlinuz="$("$BED/guest/build" "$KERNEL")/vmlinuz" \
    --file /boot/initrd.img="$1/initrd.img"
  expect_attempts "$MACHINE" 0
}

@test "kexec: the latch is found closed, the unlocked DIMMs are brought up" {
  kexec "$LATCHED" 11
}

# bats test_tags=full
@test "control: without a latch the second kernel unseals again" {
  kexec "$OPEN" 0
}

@test "a foreign storage root key: enroll and unlock refuse it, the boot goes on, the latch closes" {
  copy_machine "$LATCHED" "$MACHINE"
  openssl ecparam -name prime256v1 -genkey -noout -out "$BATS_TEST_TMPDIR/software-key.pem"
  boot "$MACHINE" srk-replace --tpm tis \
    --file /test/software-key.pem="$BATS_TEST_TMPDIR/software-key.pem"
  build plain "$LATCHED"
  boot "$MACHINE" srk-at-boot --initrd "$IMAGE" --tpm tis --type '^Recovery key' ''
  boot "$MACHINE" unlock-all --tpm tis
  expect_attempts "$MACHINE" 0
}
