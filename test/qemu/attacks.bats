#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is left to somebody who has the machine: the system that boots, its root disk, its TPM. The latch is
# closed, the keyring empty, a foreign storage root key is noticed. For its console see emergency.bats.

load machines

setup_file() {
  latched_machine
}

setup() {
  BUILD=$BED/../../build
  MACHINE=$BATS_TEST_TMPDIR/machine
  IMAGE=$BATS_TEST_TMPDIR/initrd.img
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

# swapped_root CODE [image-edit's edits]: our image boots and switches to the attacker's root.
swapped_root() {
  local code=$1
  shift
  copy_machine "$GOLD" "$MACHINE"
  gold_image dracut-plain "$IMAGE"
  attackers_root "$BATS_TEST_TMPDIR/root.img"
  [[ $# -eq 0 ]] || "$BED/image-edit" "$IMAGE" "$IMAGE" "$@"
  run boot "$MACHINE" show-dimms --initrd "$IMAGE" --root "$BATS_TEST_TMPDIR/root.img" --tpm tis
  [[ $status -eq $code ]] || { echo "$output" && return 1; }
  expect_attempts "$MACHINE" 0
}

@test "an attacker's root disk in place of ours cannot unseal again" {
  swapped_root 11
  grep -q "attacker: unlock has ended with 0$" "$MACHINE/show-dimms.log"
  grep -q "attacker: 1 key in keyring" "$MACHINE/show-dimms.log"
  grep -q "attacker: .*nvunlock-update:nvdimm-master" "$MACHINE/show-dimms.log"
  run grep "attacker: kek" "$MACHINE/show-dimms.log"
  [[ $status -eq 1 ]]
}

# bats test_tags=full
@test "control: where nothing has closed the latch, an attacker's root disk gets the kek" {
  swapped_root 0 --rm lib/dracut/hooks/pre-mount/05-nvunlock-unlock.sh \
    --rm lib/dracut/hooks/initqueue/settled/05-nvunlock-unlock.sh
  "$BED/persist" "$MACHINE" get safe "$BATS_TEST_TMPDIR/safe"
  grep -q "attacker: kek $(sha256sum <"$BATS_TEST_TMPDIR/safe/nvdimm-master.blob")" \
    "$MACHINE/show-dimms.log"
}

@test "the TPM's owner removes the latch and makes it anew: it does not open" {
  copy_machine "$GOLD" "$MACHINE"
  boot "$MACHINE" latch-redefine --tpm tis
}

@test "an unlock that fails closes the latch, too" {
  copy_machine "$GOLD" "$MACHINE"
  boot "$MACHINE" latch-after-failure --tpm tis
}

# The kernel and the initramfs of the enrollment's boot, with the DIMMs' firmware in front, are started once
# more.
@test "kexec: the latch is found closed, the unlocked DIMMs are brought up" {
  copy_machine "$GOLD" "$MACHINE"
  boot "$MACHINE" unlock-kexec --tpm tis --timeout 240 \
    --file /usr/bin/kexec_boot="$BUILD/kexec_boot" \
    --file /boot/vmlinuz="$("$BED/guest/build" "$KERNEL")/vmlinuz" \
    --file /boot/initrd.img="$GOLD/initrd.img"
  expect_attempts "$MACHINE" 0
}

@test "a foreign storage root key: enroll and unlock refuse it, the boot goes on, the latch closes" {
  copy_machine "$GOLD" "$MACHINE"
  openssl ecparam -name prime256v1 -genkey -noout -out "$BATS_TEST_TMPDIR/software-key.pem"
  boot "$MACHINE" srk-replace --tpm tis \
    --file /test/software-key.pem="$BATS_TEST_TMPDIR/software-key.pem"
  gold_image dracut-plain "$IMAGE"
  boot "$MACHINE" srk-at-boot --initrd "$IMAGE" --tpm tis --type '^Recovery key' ''
  boot "$MACHINE" unlock-all --tpm tis
  expect_attempts "$MACHINE" 0
}
