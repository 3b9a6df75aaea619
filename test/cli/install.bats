#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# make install and make uninstall.

load common

setup() {
  TOP=$BATS_TEST_DIRNAME/../..
  DEST=$BATS_TEST_TMPDIR/dest
}

make_in_top() {
  make -s -C "$TOP" DESTDIR="$DEST" PREFIX=/usr "$@"
}

@test "install puts everything in place" {
  make_in_top install
  for file in usr/bin/nvunlock usr/share/man/man8/nvunlock.8 usr/lib/modprobe.d/00-nvunlock.conf \
    usr/lib/udev/rules.d/90-nvunlock.rules \
    usr/lib/dracut/modules.d/99nvunlock/module-setup.sh etc/nvunlock/nvunlock.conf \
    usr/lib/systemd/system/sysinit.target.wants/nvunlock.service \
    usr/lib/systemd/system/multi-user.target.wants/nvunlock-learn.service \
    usr/share/bash-completion/completions/nvunlock usr/lib/nvunlock/before-removal; do
    [[ -e $DEST/$file ]]
  done
  grep -q '^ExecStart=/usr/bin/nvunlock unlock --at-boot$' "$DEST/usr/lib/systemd/system/nvunlock.service"
  grep -q '^ExecStart=/usr/bin/nvunlock approve --learn$' \
    "$DEST/usr/lib/systemd/system/nvunlock-learn.service"
}

@test "uninstall leaves nothing behind, and install after it works" {
  make_in_top install
  make_in_top uninstall
  [[ -z $(find "$DEST" ! -type d) ]]
  [[ -z $(find "$DEST" -name '*nvunlock*') ]]
  make_in_top install
  [[ -x $DEST/usr/bin/nvunlock ]]
}

@test "uninstall keeps keys; install keeps a configuration that was changed" {
  make_in_top install
  mkdir -p "$DEST/etc/ndctl/keys"
  touch "$DEST/etc/ndctl/keys/nvdimm-master.pem"
  echo kek-keyring=user >"$DEST/etc/nvunlock/nvunlock.conf"
  make_in_top install
  grep -qx kek-keyring=user "$DEST/etc/nvunlock/nvunlock.conf"
  make_in_top uninstall
  [[ -e $DEST/etc/ndctl/keys/nvdimm-master.pem ]]
  grep -qx kek-keyring=user "$DEST/etc/nvunlock/nvunlock.conf"
}

@test "every unit, manual page and hook in the sources is installed, and no place holder is left" {
  make_in_top install
  while read -r file; do
    [[ -n $(find "$DEST" -name "${file##*/}" -type f) ]] || {
      echo "$file is not installed"
      false
    }
  done < <(cd "$TOP" && git ls-files system completions dracut-module \
    mkinitcpio-hook initramfs-tools-hook && basename -s .scd -a doc/*.scd)
  refute grep -r '@BINDIR@' "$DEST"
}

@test "directories of tools that a distribution lacks can be left out" {
  make_in_top install DRACUTDIR= INITRAMFSTOOLSDIR= MKINITCPIODIR=
  for tool in dracut initramfs-tools initcpio; do [[ -z $(find "$DEST" -path "*/$tool/*") ]]; done
  [[ -x $DEST/usr/bin/nvunlock ]]
}

@test "executable files in the sources stay executable, others do not become it" {
  make_in_top install
  [[ -x $DEST/usr/lib/nvunlock/before-removal ]]
  [[ ! -x $DEST/usr/lib/systemd/system/nvunlock.service ]]
}

@test "whoever removes nvunlock while keys are enrolled is told what follows" {
  make_in_top install
  run make_in_top uninstall
  expect 0
  [[ $output != *WARNING* ]]
  make_in_top install
  mkdir -p "$DEST/etc/ndctl/keys"
  touch "$DEST/etc/ndctl/keys/nvdimm-master.pem"
  run make_in_top uninstall
  expect 0 "WARNING: keys are enrolled in $DEST/etc/ndctl/keys"
  [[ ! -e $DEST/usr/bin/nvunlock ]]
}

@test "systemd has nothing to say against the units" {
  make_in_top install
  sed -i "s,/usr/bin/nvunlock,$NVUNLOCK," "$DEST"/usr/lib/systemd/system/nvunlock*.service
  run systemd-analyze verify --man=no "$DEST"/usr/lib/systemd/system/nvunlock*.service
  expect 0
  [[ $output != *nvunlock* ]]
}

@test "the guard: modprobe refuses nfit and cxl_pmem, and others' lines do not win over it" {
  mkdir -p "$BATS_TEST_TMPDIR/modprobe.d"
  cp "$TOP/system/00-nvunlock.conf" "$BATS_TEST_TMPDIR/modprobe.d/"
  echo 'install nfit /bin/true' >"$BATS_TEST_TMPDIR/modprobe.d/nvdimm-security.conf"
  config=$(modprobe -C "$BATS_TEST_TMPDIR/modprobe.d" --showconfig)
  for module in nfit cxl_pmem; do
    [[ $(grep -m 1 "^install $module " <<<"$config") == "install $module /bin/false" ]]
    grep -qx "blacklist $module" <<<"$config"
  done
}

@test "the dracut module asks for TPM drivers even when the image is for this machine alone" {
  # shellcheck disable=SC2016  # the inner bash expands it
  NVUNLOCK_BINARY=$NVUNLOCK run bash -c 'instmods() { echo "hostonly=$hostonly for $*"; }; hostonly=yes
    dracut_module_included() { false; }
    source "$1"; installkernel' - "$TOP/dracut-module/module-setup.sh"
  expect 0 "hostonly= for =drivers/char/tpm libnvdimm nfit "
}

@test "the default configuration is what an empty one means" {
  keyctl clear @u
  sed 's/^#\([a-z0-9-]*=\)/\1/' "$TOP/system/nvunlock.conf" >"$BATS_TEST_TMPDIR/nvunlock.conf"
  grep -qx 'on-failure=hold' "$BATS_TEST_TMPDIR/nvunlock.conf"
  mkdir -p "$BATS_TEST_TMPDIR/etc/nvunlock"
  mv "$BATS_TEST_TMPDIR/nvunlock.conf" "$BATS_TEST_TMPDIR/etc/nvunlock/"
  printf 'enrolled=yes\n' >"$BATS_TEST_TMPDIR/etc/nvunlock/image"
  run nvunlock unlock --root="$BATS_TEST_TMPDIR" --tpm2-device=/none
  expect 8
  [[ $output != *"is ignored"* ]]
}
