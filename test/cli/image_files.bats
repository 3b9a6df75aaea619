#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# image-files: what an initramfs gets of this machine, and what it must not get.

load common

setup_file() {
  start_tpm
}

teardown_file() {
  stop_tpm
}

setup() {
  keyctl clear @u
  ROOT=$BATS_TEST_TMPDIR/machine
  KEYS=$ROOT/etc/ndctl/keys
  TREE=$BATS_TEST_TMPDIR/tree
  mkdir -p "$KEYS" "$ROOT/etc/nvunlock" "$TREE"
  GUARD=$TREE/etc/modprobe.d/00-nvunlock.conf
  INSTALLED=$BATS_TEST_DIRNAME/../../system/00-nvunlock.conf
}

image_files() {
  nvunlock image-files --root="$ROOT" "$@"
}

enroll_machine() {
  make_clear_kek
  make_blob 8680-00000001
  enroll --root="$ROOT" --import
  rm "$KEYS/nvdimm-master.blob"
  echo on-failure=proceed >"$ROOT/etc/nvunlock/nvunlock.conf"
}

names_in() {
  (cd "$1" && find . -type f | sort)
}

@test "--drivers lists the modules that an image needs, one a line, and takes no tree" {
  run nvunlock image-files --drivers
  [[ $status -eq 0 ]]
  [[ ${lines[*]} = "libnvdimm nfit nd_pmem nd_btt dax_pmem cxl_pmem cxl_acpi cxl_port cxl_mem cxl_pci" ]]
  run nvunlock image-files --drivers "$TREE"
  [[ $status -eq 2 && -z $(names_in "$TREE") ]]
}

@test "enrolled: key file, blobs, configuration and facts, for root only; the guard for all" {
  enroll_machine
  (umask 0 && image_files "$TREE")
  [[ $(names_in "$TREE/etc/ndctl/keys") == "$(names_in "$KEYS")" ]]
  cmp "$TREE/etc/nvunlock/nvunlock.conf" "$ROOT/etc/nvunlock/nvunlock.conf"
  [[ $(cat "$TREE/etc/nvunlock/image") == "enrolled=yes"$'\n'"host=$(uname -n)" ]]
  [[ -z $(find "$TREE/etc/ndctl/keys" "$TREE/etc/nvunlock" -perm /077) ]]
  [[ $(stat -c %a "$GUARD" "$TREE/etc") == "644"$'\n'"755" ]]
}

@test "the image's guard is the installed one, and a second file" {
  enroll_machine
  image_files "$TREE"
  cmp "$GUARD" "$INSTALLED"
  [[ $(stat -c %a "${GUARD%.conf}-image.conf") == 644 ]]
}

# What modprobe would do for NAME with the image's modprobe.d; -b is how udev asks.
would_insert() { # [-b] NAME
  modprobe -C "$TREE/etc/modprobe.d" -d "$BATS_TEST_TMPDIR" -S 1.0 -n -v "$@"
}

# A module tree with an nfit that coldplug would find, and something to name in a softdep.
make_modules() {
  local directory=$BATS_TEST_TMPDIR/lib/modules/1.0
  mkdir -p "$directory"
  as -o "$directory/loop.ko" /dev/null
  as -o "$directory/nfit.ko" - <<'MODULE'
.section .modinfo, "a"
.asciz "alias=acpi*:ACPI0012:*"
MODULE
  touch "$directory"/modules.{order,builtin,builtin.modinfo}
  depmod -b "$BATS_TEST_TMPDIR" 1.0
}

@test "the image's guard holds where a softdep makes install lines void; control: the installed one does not" {
  enroll_machine
  make_modules
  image_files "$TREE"
  echo "softdep nfit pre: loop" >"$TREE/etc/modprobe.d/zz-softdep.conf"
  [[ $(would_insert loop) == *loop.ko* ]]
  [[ $(would_insert nfit) != *nfit.ko* ]]
  [[ $(would_insert -b acpi:ACPI0012:) != *nfit.ko* ]]
  rm "${GUARD%.conf}-image.conf"
  [[ $(would_insert nfit) == *nfit.ko* ]]
}

@test "not enrolled: no key, and a guard that holds nothing" {
  head -c 32 /dev/urandom >"$KEYS/nvdimm-master.blob"
  # As ndctl's own module for dracut has it.
  install -D -t "$TREE/etc/ndctl/keys" "$KEYS/nvdimm-master.blob"
  image_files "$TREE"
  [[ ! -e $TREE/etc/ndctl/keys/nvdimm-master.pem && ! -e ${GUARD%.conf}-image.conf ]]
  grep -qx enrolled=no "$TREE/etc/nvunlock/image"
  refute grep -qv '^#' "$GUARD"
}

@test "--guard-only: the guard and nothing else" {
  enroll_machine
  image_files --guard-only "$TREE"
  [[ $(names_in "$TREE/etc") == $'./modprobe.d/00-nvunlock-image.conf\n./modprobe.d/00-nvunlock.conf' ]]
  grep -q '^install nfit' "$GUARD"
}

@test "a kek in clear is refused, in the tree and in what comes into it later" {
  enroll_machine
  head -c 32 /dev/urandom >"$BATS_TEST_TMPDIR/nvdimm-master.blob"
  run image_files "$TREE" "$BATS_TEST_TMPDIR/nvdimm-master.blob"
  expect 1 "is a kek in clear, which must not go into an image"
  mkdir -p "$TREE/opt/keys"
  cp "$BATS_TEST_TMPDIR/nvdimm-master.blob" "$TREE/opt/keys/"
  run image_files "$TREE"
  expect 1 "is a kek in clear"
  mkdir -p "$TREE/usr/lib/firmware"
  mv "$TREE/opt/keys/nvdimm-master.blob" "$TREE/usr/lib/firmware/radio.blob"
  image_files "$TREE"
}

@test "an empty nvunlock.conf is fine" {
  enroll_machine
  : >"$ROOT/etc/nvunlock/nvunlock.conf"
  run image_files "$TREE"
  expect 0
  [[ -z $output && -e $TREE/etc/nvunlock/nvunlock.conf ]]
}

@test "a damaged key file is no image: exit code 7" {
  enroll_machine
  truncate -s 100 "$KEYS/nvdimm-master.pem"
  run image_files "$TREE"
  expect 7
}

@test "no directory to build in: wrong usage" {
  run image_files
  expect 2 "name the directory"
  run image_files "$TREE/missing"
  expect 2
}
