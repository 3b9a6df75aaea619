#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The packages in build, installed and removed in a system of their own: this one, with a layer on top
# that keeps what changes. Run by "make lint-packages", as root in a mount namespace.

setup() {
  TOP=$BATS_TEST_DIRNAME/..
  local layer=$BATS_TEST_TMPDIR/layer
  SYSTEM=$layer/system
  mkdir "$layer"
  mount -t tmpfs layer "$layer"
  mkdir "$layer"/{upper,work,system}
  mount -t overlay layer -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$SYSTEM"
  rm -rf "$SYSTEM"/etc/{ndctl,nvunlock} "$SYSTEM/var/lib/dpkg" "$SYSTEM/usr/bin/dracut"
  mkdir -p "$SYSTEM"/var/lib/dpkg/{info,updates} "$SYSTEM/etc/ndctl/keys" "$SYSTEM/packages"
  touch "$SYSTEM/var/lib/dpkg/status"
  cp "$TOP"/build/nvunlock*.{deb,rpm} "$SYSTEM/packages/"
}

teardown() {
  umount -l "$SYSTEM" "$BATS_TEST_TMPDIR/layer"
}

in_system() { # COMMAND...: what it prints is left in $output
  run env -i PATH=/usr/sbin:/usr/bin chroot "$SYSTEM" "$@"
  if [[ $status -ne 0 ]]; then
    echo "$* ended with $status: $output"
    return 1
  fi
}

# A package that stands for initramfs-tools or dracut: it writes down that images are rebuilt.
install_listener() {
  local package=$BATS_TEST_TMPDIR/listener
  mkdir -p "$package/DEBIAN"
  printf '%s\n' 'Package: listener' 'Version: 1' 'Architecture: all' \
    'Maintainer: nobody <nobody@localhost>' 'Description: listens' >"$package/DEBIAN/control"
  echo 'interest update-initramfs' >"$package/DEBIAN/triggers"
  # shellcheck disable=SC2016  # dpkg runs it
  printf '#!/bin/sh\n[ "$1" != triggered ] || echo dpkg >>/rebuilt\n' >"$package/DEBIAN/postinst"
  chmod 755 "$package/DEBIAN/postinst"
  dpkg-deb --build "$package" "$SYSTEM/packages/listener.deb"
  in_system dpkg -i /packages/listener.deb
}

# The images were rebuilt just once since the last time.
rebuilt_once() {
  [[ $(wc -l <"$SYSTEM/rebuilt") -eq 1 ]]
  rm "$SYSTEM/rebuilt"
}

enroll() {
  touch "$SYSTEM/etc/ndctl/keys/nvdimm-master.pem"
}

files_of_ours() {
  find "$SYSTEM"/{etc,usr,var/lib/systemd} -name '*nvunlock*'
}

deb() {
  (cd "$TOP/build" && compgen -G 'nvunlock_*.deb')
}

rpm_file() {
  (cd "$TOP/build" && compgen -G 'nvunlock-*.rpm')
}

@test "deb: images are rebuilt at installation, upgrade and removal; only a removal warns" {
  install_listener
  in_system dpkg -i "/packages/$(deb)"
  rebuilt_once
  in_system nvunlock --version
  [[ $output == nvunlock\ * ]]
  enroll
  in_system dpkg -i "/packages/$(deb)"
  rebuilt_once
  [[ $output != *WARNING* ]]
  in_system dpkg -r nvunlock
  rebuilt_once
  [[ $output == *"WARNING: keys are enrolled in /etc/ndctl/keys"* ]]
}

@test "deb: without enrolled keys a removal is silent; purge leaves nothing of ours, but keys" {
  touch "$SYSTEM/etc/ndctl/keys/nvdimm_8680-1_here.blob"
  in_system dpkg -i "/packages/$(deb)"
  in_system dpkg -r nvunlock
  [[ $output != *WARNING* ]]
  # What configures dpkg keeps: the settings, and hooks that do nothing without the program.
  [[ $(files_of_ours | grep -v /deb-systemd-helper) == "$(find "$SYSTEM/etc" -name "*nvunlock*")" ]]
  in_system dpkg -P nvunlock
  [[ -z $(files_of_ours) ]]
  [[ -e $SYSTEM/etc/ndctl/keys/nvdimm_8680-1_here.blob ]]
}

@test "deb: units are enabled, a masked one stays masked" {
  mkdir -p "$SYSTEM/etc/systemd/system"
  ln -s /dev/null "$SYSTEM/etc/systemd/system/nvunlock-learn.service"
  in_system dpkg -i "/packages/$(deb)"
  in_system dpkg -i "/packages/$(deb)"
  [[ -e $SYSTEM/lib/systemd/system/sysinit.target.wants/nvunlock.service ]]
  [[ -L $SYSTEM/etc/systemd/system/nvunlock-learn.service ]]
}

@test "rpm: dracut rebuilds images at installation and removal; only a removal warns" {
  printf '#!/bin/sh\necho "$*" >>/rebuilt\n' >"$SYSTEM/usr/bin/dracut"
  chmod 755 "$SYSTEM/usr/bin/dracut"
  in_system rpm --dbpath /packages/db -i --nodeps "/packages/$(rpm_file)"
  rebuilt_once
  in_system nvunlock --version
  enroll
  in_system rpm --dbpath /packages/db -U --force --nodeps "/packages/$(rpm_file)"
  rebuilt_once
  [[ $output != *WARNING* ]]
  in_system rpm --dbpath /packages/db -e nvunlock
  rebuilt_once
  [[ $output == *"WARNING: keys are enrolled in /etc/ndctl/keys"* ]]
  [[ -z $(files_of_ours) ]]
}

@test "rpm: a dracut that fails is told of, and does not undo the installation" {
  printf '#!/bin/sh\nexit 1\n' >"$SYSTEM/usr/bin/dracut"
  chmod 755 "$SYSTEM/usr/bin/dracut"
  in_system rpm --dbpath /packages/db -i --nodeps "/packages/$(rpm_file)"
  [[ $output == *"run 'dracut --force --regenerate-all'"* ]]
  in_system nvunlock --version
}
