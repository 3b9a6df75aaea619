#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# While unlock runs, another root process cannot get the kek; afterwards no copy is left. Each
# promise has its control: the same program without the protections.

load machines

setup_file() {
  export GOLD=$BATS_FILE_TMPDIR/gold
  new_machine "$GOLD"
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
  copy_machine "$GOLD" "$MACHINE"
  BUILD=$BED/../../build
}

# The two halves of the sealed object, as tpm2_load wants them, out of the key file.
extract_sealed_object() {
  local pem=$BATS_TEST_TMPDIR/keys/nvdimm-master.pem out=$BATS_TEST_TMPDIR
  "$BED/persist" "$MACHINE" get keys "$BATS_TEST_TMPDIR/keys"
  sed -n '/BEGIN TSS2/,/END TSS2/p' "$pem" >"$out/tss2.pem"
  openssl asn1parse -in "$out/tss2.pem" >"$out/asn1"
  mapfile -t offsets < <(sed -n 's/^ *\([0-9]*\):d=1 .*OCTET STRING.*/\1/p' "$out/asn1")
  openssl asn1parse -in "$out/tss2.pem" -strparse "${offsets[-2]}" -noout -out "$out/sealed.pub"
  openssl asn1parse -in "$out/tss2.pem" -strparse "${offsets[-1]}" -noout -out "$out/sealed.priv"
}

watch_memory() { # SHOWN [vm's options]
  extract_sealed_object
  boot "$MACHINE" secrets-memory --tpm tis --env "SHOWN=$1" \
    --file /usr/bin/memory_watch="$BUILD/memory_watch" \
    --file /usr/bin/nvunlock-unprotected="$BUILD/nvunlock-unprotected" \
    --file /test/sealed.pub="$BATS_TEST_TMPDIR/sealed.pub" \
    --file /test/sealed.priv="$BATS_TEST_TMPDIR/sealed.priv" "${@:2}"
}

@test "no kek in the memory of unlock, on a kernel with secret memory" {
  KERNEL=6.12 watch_memory 0
}

# bats test_tags=full
@test "the same on Debian's 6.1 when its command line says secretmem.enable=1" {
  KERNEL=6.1 watch_memory 0 --append secretmem.enable=1
}

@test "on 6.1 as it is: seen while it is handed to the kernel, and not at the end" {
  KERNEL=6.1 watch_memory some
}

@test "no kek through keyctl, /proc/keys or a core" {
  boot "$MACHINE" secrets-keyring --tpm tis --file /usr/bin/save_core="$BED/scripts/save_core" \
    --file /usr/bin/nvunlock-unprotected="$BUILD/nvunlock-unprotected"
}
