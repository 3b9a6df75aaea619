#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# dracut beyond the matrix of boots: many DIMMs, newer dracuts, images for this machine alone.

load machines

setup_file() {
  export LARGE=$BATS_FILE_TMPDIR/large
  latched_machine
  new_machine "$LARGE" --dimms 24 --env OURS=24 --tpm crb
  "$BED/persist" "$LARGE" get keys "$LARGE/keys"
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
  IMAGE=$BATS_TEST_TMPDIR/initrd.img
}

# build KERNEL FLAVOUR KEYS [OPTION-OF-DRACUT...]
build() {
  "$BED/image" --kernel "$1" --flavour "dracut-$2" --keys "$3" --out "$IMAGE" -- "${@:4}"
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

@test "6.1, systemd, 24 DIMMs" { large 6.1 systemd; }
# bats test_tags=full
@test "6.12, plain, 24 DIMMs" { large 6.12 plain; }

# newest FLAVOUR: the newest dracut that Debian has, on this system.
newest() {
  copy_machine "$GOLD" "$MACHINE"
  DRACUT=$("$BED/images/dracut-core" sid)
  export DRACUT
  build 6.1 "$1" "$GOLD/keys"
  unlocks 6.1 tis 2
}

@test "the newest dracut, systemd" { newest systemd; }
# bats test_tags=full
@test "the newest dracut, plain" { newest plain; }

@test "an image for this machine alone has TPM drivers and DIMM drivers all the same" {
  build 6.1 systemd "$GOLD/keys" --hostonly
  cpio -it --quiet <"$IMAGE" >"$BATS_TEST_TMPDIR/list"
  for file in nfit.ko cxl_pmem.ko tpm_vtpm_proxy.ko etc/ndctl/keys/nvdimm-master.pem; do
    grep -q "$file\$" "$BATS_TEST_TMPDIR/list"
  done
}
