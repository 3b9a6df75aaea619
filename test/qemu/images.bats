#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is in images of every kind, and what must not be; and that a machine on which nothing is
# enrolled boots as if nvunlock were not there.

load machines

setup_file() {
  latched_machine
  "$BED/persist" "$GOLD" get safe "$GOLD/safe"
}

setup() {
  : "${NVUNLOCK:=$BED/../../build/nvunlock}"
  IMAGE=$BATS_TEST_TMPDIR/initrd.img
}

# lister FLAVOUR: the image's own tool; the one of mkinitcpio, as far as there is a real one.
lister() {
  case $1 in
    dracut-*) lsinitrd "$IMAGE" ;;
    initramfs-tools) zstd -q "$IMAGE" && lsinitramfs "$IMAGE.zst" ;;
    # From the source tree, where it does not know yet where it will be.
    mkinitcpio-*) bash <(sed "s,@INITCPIO_LIBDIR@,$MKINITCPIO," "$MKINITCPIO/lsinitcpio") "$IMAGE" ;;
  esac
}

# lists FLAVOUR
lists() {
  local listing file
  [[ $1 != mkinitcpio-* || ${MKINITCPIO-} ]] || return 0
  listing=$(lister "$1")
  for file in usr/bin/nvunlock etc/modprobe.d/00-nvunlock.conf etc/nvunlock/image \
    etc/ndctl/keys/nvdimm-master.pem kernel/drivers/acpi/nfit/nfit.ko \
    kernel/drivers/nvdimm/libnvdimm.ko kernel/drivers/cxl/cxl_pmem.ko; do
    [[ $listing == *"$file"* ]] || { echo "$file is not listed" && return 1; }
  done
}

# holds_no_secret: files for root only, neither kek nor escrow slot, nothing of a private key
holds_no_secret() {
  local tree=$BATS_TEST_TMPDIR/tree
  mkdir "$tree"
  (cd "$tree" && cpio --quiet -idm <"$IMAGE")
  [[ $(find "$tree/etc/ndctl/keys" -name 'nvdimm_*.blob' | wc -l) -eq 2 ]]
  [[ -z $(find "$tree/etc/ndctl/keys" "$tree/etc/nvunlock" -perm /077) ]]
  [[ $(grep -c 'BEGIN CMS' "$GOLD/keys/nvdimm-master.pem") -eq 3 ]] # the TPM's, recovery, and escrow
  [[ $(grep -c 'BEGIN CMS' "$tree/etc/ndctl/keys/nvdimm-master.pem") -eq 2 ]]
  holds_kek "$GOLD/safe/nvdimm-master.blob" && return 1
  cat "$IMAGE" "$GOLD/safe/nvdimm-master.blob" >"$IMAGE.control"
  IMAGE=$IMAGE.control holds_kek "$GOLD/safe/nvdimm-master.blob"
}

# holds_kek KEK: whether its bytes are anywhere in the image
holds_kek() {
  python3 -c 'import sys; kek, image = (open(name, "rb").read() for name in sys.argv[1:])
sys.exit(kek not in image)' "$1" "$IMAGE"
}

# unlocks: check-image finds in it all that the machine needs
unlocks() {
  mkdir -p "$BATS_TEST_TMPDIR/root/etc/ndctl"
  cp -r "$GOLD/keys" "$BATS_TEST_TMPDIR/root/etc/ndctl/keys"
  "$NVUNLOCK" check-image --root="$BATS_TEST_TMPDIR/root" "$IMAGE"
}

# contents FLAVOUR
contents() {
  gold_image "$1" "$IMAGE"
  unlocks
  lists "$1"
  holds_no_secret
}

# as_before FLAVOUR: the same modules and DIMMs, and not a word, with nvunlock in the image and without.
as_before() {
  local words=()
  mkdir "$BATS_TEST_TMPDIR/nothing"
  for words in "" --omit-ours; do
    local machine=$BATS_TEST_TMPDIR/machine$words
    copy_machine "$GOLD" "$machine"
    "$BED/image" --kernel 6.1 --flavour "$1" --keys "$BATS_TEST_TMPDIR/nothing" $words --out "$IMAGE"
    boot "$machine" as-before --initrd "$IMAGE" --tpm tis
    [[ -n $words ]] || refute_said "$machine"
    grep -o 'as before: .*' "$machine/as-before.log" | sort -u >"$machine/result"
  done
  [[ $(grep -c nmem "$machine/result") -eq 2 ]]
  diff "$BATS_TEST_TMPDIR"/machine{--omit-ours,}/result
}

# refute_said MACHINE: not a word on the console, either.
refute_said() {
  run grep 'nvunlock: ' "$1/as-before.log"
  [[ -z $output ]] || { echo "$output" && return 1; }
}

# bare FLAVOUR [--keys DIR]: a machine with neither TPM nor DIMMs.
bare() {
  "$BED/image" --kernel 6.1 --flavour "$@" --out "$IMAGE"
  boot "$BATS_TEST_TMPDIR/bare" as-before --initrd "$IMAGE" --dimms 0
  refute_said "$BATS_TEST_TMPDIR/bare"
}

@test "what is in an image: dracut with systemd" { contents dracut-systemd; }
@test "what is in an image: dracut without systemd" { contents dracut-plain; }
@test "what is in an image: initramfs-tools" { contents initramfs-tools; }
@test "what is in an image: mkinitcpio with busybox" { contents mkinitcpio-busybox; }
@test "what is in an image: mkinitcpio with systemd" { contents mkinitcpio-systemd; }

@test "not enrolled, the boot is as before: dracut with systemd" { as_before dracut-systemd; }
# bats test_tags=full
@test "not enrolled, the boot is as before: dracut without systemd" { as_before dracut-plain; }
@test "not enrolled, the boot is as before: initramfs-tools" { as_before initramfs-tools; }
# bats test_tags=full
@test "not enrolled, the boot is as before: mkinitcpio with busybox" { as_before mkinitcpio-busybox; }
# bats test_tags=full
@test "not enrolled, the boot is as before: mkinitcpio with systemd" { as_before mkinitcpio-systemd; }

@test "neither TPM nor DIMMs, not enrolled: silent: dracut" { bare dracut-systemd; }
# bats test_tags=full
@test "neither TPM nor DIMMs, not enrolled: silent: initramfs-tools" { bare initramfs-tools; }
# bats test_tags=full
@test "neither TPM nor DIMMs, not enrolled: silent: mkinitcpio" { bare mkinitcpio-busybox; }

@test "neither TPM nor DIMMs, although enrolled: silent" {
  bare initramfs-tools --keys "$GOLD/keys"
}

# kdump_image FLAVOUR MARK: what tells the hook that it is one. initramfs-tools copies all scripts, and
# the host's modprobe.d.
kdump_image() {
  env "$2=1" "$BED/image" --kernel 6.1 --flavour "$1" --keys "$GOLD/keys" --out "$IMAGE"
  cpio -it --quiet <"$IMAGE" | grep -E 'nvunlock|etc/ndctl' |
    grep -vE '^scripts/|^usr/lib/modprobe.d/' | sort >"$BATS_TEST_TMPDIR/ours"
  diff "$BATS_TEST_TMPDIR/ours" - <<'END'
etc/modprobe.d/00-nvunlock-image.conf
etc/modprobe.d/00-nvunlock.conf
END
}

@test "kdump images have the guard and nothing else of ours: dracut, initramfs-tools" {
  kdump_image dracut-systemd IN_KDUMP # as Red Hat's kdump calls it
  kdump_image initramfs-tools NVUNLOCK_GUARD_ONLY
}

# bats test_tags=full
@test "kdump images have the guard and nothing else of ours: mkinitcpio" {
  kdump_image mkinitcpio-busybox NVUNLOCK_GUARD_ONLY
  kdump_image mkinitcpio-systemd NVUNLOCK_GUARD_ONLY
}

# refuses FLAVOUR [OPTION...]
refuses() {
  if "$BED/image" --kernel 6.1 --flavour "$1" --keys "$BATS_TEST_TMPDIR/keys" --out "$IMAGE" \
    "${@:2}" 2>"$BATS_TEST_TMPDIR/refusal" || [[ -e $IMAGE ]]; then
    echo "$1 has built an image"
    return 1
  fi
}

# refuses_damaged FLAVOUR...
refuses_damaged() {
  local flavour
  cp -r "$GOLD/keys" "$BATS_TEST_TMPDIR/keys"
  truncate -s 100 "$BATS_TEST_TMPDIR/keys/nvdimm-master.pem"
  for flavour; do refuses "$flavour"; done
}

@test "a damaged key file makes the tools refuse to build an image: dracut, initramfs-tools" {
  refuses_damaged dracut-plain initramfs-tools
}

# bats test_tags=full
@test "a damaged key file makes the tools refuse to build an image: mkinitcpio" {
  refuses_damaged mkinitcpio-busybox mkinitcpio-systemd
}

@test "dracut refuses to build an image that would carry a kek in clear; beside the keys it stays outside" {
  cp -r "$GOLD/keys" "$BATS_TEST_TMPDIR/keys"
  cp "$GOLD/safe/nvdimm-master.blob" "$BATS_TEST_TMPDIR/keys/"
  refuses dracut-plain -- --include "$BATS_TEST_TMPDIR/keys" /etc/ndctl/keys
  grep -q 'image-files.*failed' "$BATS_TEST_TMPDIR/refusal"
  "$BED/image" --kernel 6.1 --flavour dracut-plain --keys "$BATS_TEST_TMPDIR/keys" --out "$IMAGE"
  run holds_kek "$GOLD/safe/nvdimm-master.blob"
  [[ $status -eq 1 ]]
}

# outdated_image MACHINE-TREE PACKER...: one whose blob of nmem0 is another DIMM's, and without nmem1's
outdated_image() {
  local keys=$BATS_TEST_TMPDIR/keys
  cp -r "$GOLD/keys" "$keys"
  mv "$keys/nvdimm_8680-57341200_bed.blob" "$keys/nvdimm_8680-56341200_bed.blob"
  "$BED/image" --kernel 6.1 --flavour initramfs-tools --keys "$keys" --out "$IMAGE"
  mkdir -p "$1/boot" "$1/etc/ndctl"
  "${@:2}" <"$IMAGE" >"$1/boot/initrd.img-6.1"
  cp -r "$GOLD/keys" "$1/etc/ndctl/keys"
}

# patched_boots PACKER...: it unlocks after its keys were brought up to date, and only then.
patched_boots() {
  local root=$BATS_TEST_TMPDIR/root machine=$BATS_TEST_TMPDIR/machine before=0
  outdated_image "$root" "$@"
  "$NVUNLOCK" check-image --root="$root" --all || before=$?
  [[ $before -eq 18 ]]
  "$NVUNLOCK" refresh-images --root="$root"
  copy_machine "$GOLD" "$machine"
  boot "$machine" unlocked-at-boot --initrd "$root/boot/initrd.img-6.1" --tpm tis --env OURS=2
  expect_attempts "$machine" 0
}

@test "an image packed with zstd unlocks when its keys were brought up to date by a patch" {
  patched_boots zstd -q
}

# Legacy lz4 does not say where it ends: Linux has to find the patch all the same.
# bats test_tags=full
@test "an image packed with lz4 unlocks when its keys were brought up to date by a patch" {
  patched_boots lz4 -lq -c
}
