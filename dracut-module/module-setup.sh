#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dracut module: nvunlock with its key files, the guard, and the drivers that it loads. Its number
# is 99, so that install() sees what other modules have put into the image.
#
# NVUNLOCK_BINARY and NVUNLOCK_ROOT (the machine whose keys go in) are for tests.
# shellcheck disable=SC2154  # initdir, moddir and others are dracut's

# dracut's PATH lacks the place that "make install" has by default.
nvunlock=${NVUNLOCK_BINARY:-$(PATH=$PATH:/usr/local/bin command -v nvunlock)}

check() {
  [[ -x $nvunlock ]] || {
    derror "nvunlock: no nvunlock found in /usr/bin or /usr/local/bin"
    return 1
  }
}

depends() {
  return 0
}

# A crash kernel finds the DIMMs unlocked and has no business with them. kdumpbase is Red Hat's
# module for it, kdump is SUSE's.
is_kdump_image() {
  [[ ${NVUNLOCK_GUARD_ONLY-} || ${IN_KDUMP-} == 1 ]] ||
    dracut_module_included kdumpbase || dracut_module_included kdump
}

# hostonly is off because the image must also boot after a TPM or a DIMM was exchanged.
installkernel() {
  is_kdump_image && return 0
  local drivers
  drivers=$(must "$nvunlock" image-files --drivers) || exit
  # shellcheck disable=SC2086  # one a line
  hostonly='' instmods '=drivers/char/tpm' $drivers
}

# An image that lacks a part of us must not replace a good one.
must() { # COMMAND...
  "$@" || {
    dfatal "nvunlock: image not built: $* failed"
    exit 1
  }
}

install() {
  if is_kdump_image; then
    install_image_files --guard-only
  else
    announce
    must inst_simple "$nvunlock" /usr/bin/nvunlock
    must inst_multiple false
    install_image_files
    install_emergency
    install_start
  fi
}

# While the image that boots is still the old one. An image for another machine is no update of this.
announce() {
  [[ ${NVUNLOCK_ROOT-}${dracutsysrootdir-} ]] || "$nvunlock" approve --after-update </dev/null >/dev/null ||
    dwarn "nvunlock: the next boot is not approved: it will ask for a recovery key"
}

# Also looks for keks in clear in what dracut will still add to the image.
install_image_files() { # OPTION...
  local place places=("$initdir")
  # shellcheck disable=SC2068  # dracut keeps install_items as one string of many words
  for place in "${include_src[@]}" ${install_items[@]}; do
    [[ ! -e $place ]] || places+=("$place")
  done
  must "$nvunlock" image-files ${NVUNLOCK_ROOT:+--root="$NVUNLOCK_ROOT"} "$@" "${places[@]}"
}

# Whoever gets a shell, by rd.break or after a failure, finds the latch closed and no key.
install_emergency() {
  local unit
  must inst_hook emergency 01 "$moddir/nvunlock-latch.sh"
  must inst_hook shutdown-emergency 01 "$moddir/nvunlock-latch.sh"
  dracut_module_included systemd || return 0
  for unit in emergency rescue dracut-emergency debug-shell \
    breakpoint-pre-{udev,basic,mount,switch-root}; do
    must inst_simple "$moddir/nvunlock-latch.conf" \
      "$systemdsystemunitdir/$unit.service.d/nvunlock-latch.conf"
  done
}

# The names of the unit before and since systemd 254.
install_resume_order() {
  local unit
  for unit in systemd-hibernate-resume{@,}; do
    must inst_simple "$moddir/nvunlock-resume.conf" \
      "$systemdsystemunitdir/$unit.service.d/nvunlock-resume.conf"
  done
}

install_start() {
  if dracut_module_included systemd; then
    install_resume_order
    must inst_simple "$moddir/nvunlock-initrd.service" "$systemdsystemunitdir/nvunlock-initrd.service"
    must "$SYSTEMCTL" -q --root "$initdir" add-wants sysinit.target nvunlock-initrd.service
  else
    # The first is passed over when the root file system's disk is there at once.
    must inst_hook initqueue/settled 05 "$moddir/nvunlock-unlock.sh"
    must inst_hook initqueue/finished 00 "$moddir/nvunlock-before-resume.sh"
    must inst_hook pre-mount 05 "$moddir/nvunlock-unlock.sh"
  fi
}
