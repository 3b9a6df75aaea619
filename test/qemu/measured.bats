#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the bed's three ways to boot measure, so that tests can change a PCR as real machines do.

load machines

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
}

measure() { # NAME [vm's options]
  local name=$1
  shift
  boot "$MACHINE" bed-pcrs --tpm tis --tpm-banks sha256 --env NAME="$name" "$@"
  "$BED/persist" "$MACHINE" get "$name" "$BATS_TEST_TMPDIR/$name"
}

changed() { # NAME NAME: the PCRs that differ
  local pcr
  for pcr in {0..15}; do
    cmp -s "$BATS_TEST_TMPDIR/$1/$pcr" "$BATS_TEST_TMPDIR/$2/$pcr" || printf '%s ' "$pcr"
  done
}

# PCR 10 is the kernel's digest of PCRs 0 to 9.

@test "direct: SeaBIOS measures the SMBIOS tables into PCR 1, and nobody the kernel" {
  measure one
  measure two --append changed=yes
  [[ -z $(changed one two) ]]
  measure three --qemu-arg=-smbios --qemu-arg=type=1,serial=changed
  [[ $(changed one three) == "1 10 " ]]
}

@test "grub: the kernel command line goes into PCR 8, files into PCR 9" {
  measure one --boot grub
  measure two --boot grub --append changed=yes
  [[ $(changed one two) == "8 9 10 " ]]
}

# section NAME: one of the Unified Kernel Image that was booted, taken out of its boot disk.
section() {
  local dir=$BATS_TEST_TMPDIR
  [[ -e $dir/uki.efi ]] || mcopy -n -i "$MACHINE/boot.img" ::/EFI/BOOT/BOOTX64.EFI "$dir/uki.efi"
  objcopy -O binary --only-section=".$1" "$dir/uki.efi" "$dir/$1"
  echo "$dir/$1"
}

calculated() { # [systemd-measure's options]: PCR 11 as systemd-measure expects it
  local name sections=()
  for name in linux osrel cmdline initrd pcrpkey; do sections+=("--$name=$(section $name)"); done
  /lib/systemd/systemd-measure calculate --bank=sha256 --json=short --phase= "${sections[@]}" "$@" |
    jq -r '.sha256[0].hash'
}

unhex() {
  busybox xxd -r -p
}

# policy VALUE: the digest of PolicyPCR with this PCR 11, which hashes zeros, its command code, one
# selection (sha256, PCR 11) and the digest of the value.
policy() {
  local value
  value=$(unhex <<<"$1" | sha256sum | cut -c-64)
  printf '%064d0000017f00000001000b03000800%s' 0 "$value" | unhex | sha256sum | cut -c-64
}

# verify KEY JSON POLICY: the only signature in the file is the key's, of this policy.
verify() {
  jq -e --arg policy "$3" '.sha256 | length == 1 and .[0].pol == $policy' "$2"
  jq -r '.sha256[0].sig' "$2" | base64 -d >"$BATS_TEST_TMPDIR/signature"
  openssl dgst -sha256 -verify "$1" -signature "$BATS_TEST_TMPDIR/signature" <(unhex <<<"$3")
}

# bats test_tags=full
@test "uki: PCR 11 is what systemd-measure calculates; its signature is handed over" {
  local one=$BATS_TEST_TMPDIR/one pcr11
  measure one --boot uki --timeout 240
  pcr11=$(tr A-F a-f <"$one/11")
  [[ $(calculated) == "$pcr11" ]]
  [[ $(calculated --cmdline=/dev/null) != "$pcr11" ]]
  [[ $(sort -u "$one"/{8,12,13,14,15}) == "$(printf '%064d' 0)" ]]
  cmp "$one/tpm2-pcr-public-key.pem" <(openssl pkey -in "$MACHINE/sign-key.pem" -pubout)
  verify "$one/tpm2-pcr-public-key.pem" "$one/tpm2-pcr-signature.json" "$(policy "$pcr11")"
}
