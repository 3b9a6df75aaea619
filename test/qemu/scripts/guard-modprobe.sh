# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# An image's guard against modprobe, whatever else lies in modprobe.d; and each time the control, in
# which the guard is gone and both DIMMs count a burned attempt.
. /test/lib.sh

others=/etc/modprobe.d/others.conf

loaded_by_modprobe() {
  modprobe nfit 2>/dev/null
  grep -q '^nfit ' /proc/modules && echo yes || echo no
}

try() { # WHAT LINE-OF-OTHERS
  echo "$2" >$others
  check "$1: the guard holds" no "$(loaded_by_modprobe)"
  mv /etc/modprobe.d/00-nvunlock*.conf /tmp
  check "$1: control" yes "$(loaded_by_modprobe)"
  mv /tmp/00-nvunlock*.conf /etc/modprobe.d
  rmmod nfit libnvdimm
}

try "plain" ''
# As ndctl's contrib/nvdimm-security.conf has it.
# shellcheck disable=SC2016
try "ndctl's install line" 'install libnvdimm /usr/bin/ndctl load-keys ; modprobe --ignore-install libnvdimm $CMDLINE_OPTS'
try "an install line for nfit" 'install nfit modprobe --ignore-install nfit'
try "a softdep" 'softdep nfit pre: ext4'
finish
