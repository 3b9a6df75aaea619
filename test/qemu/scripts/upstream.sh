# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# ndctl's own test of security, on the DIMMs of the kernel's nfit_test, once for each of RUNS: TOOL or
# TOOL:BROKEN, see upstream-ndctl.
. /test/lib.sh

add_nfit_test() { # its modules come before the kernel's of the same names
  _updates=/usr/lib/modules/$(uname -r)/updates
  mkdir "$_updates"
  cp /test/modules/*.ko "$_updates"
  depmod
}

remove_nfit_test() { # where the test has not come to its end
  ndctl disable-region all
  modprobe -r nfit_test
}

# The exit code of the test, and how many of its six parts it has begun.
wanted() { # BROKEN
  case $1 in
    list) echo "1 1" ;;
    load-keys) echo "1 6" ;;
    *) echo "0 6" ;;
  esac
}

warns() {
  grep -q "no boot will unlock by itself" /tmp/log && echo yes || echo no
}

run_security_test() { # TOOL BROKEN
  TOOL=$1 BROKEN=$2 CXL=/bin/true DAXCTL=/bin/true NDCTL=/test/ndctl \
    bash /test/upstream/security.sh nfit >/tmp/log 2>&1
  echo "$? $(grep -c '^Test [1-6], ' /tmp/log)"
}

# The kek that the test takes from there, and then gives to its machine, is the enrolled one.
[ ! -e /persist/safe/kek ] || mount --bind /persist/safe/kek /dev/urandom

add_nfit_test
for run in $RUNS; do
  tool=${run%:*} broken=''
  [ "$tool" = "$run" ] || broken=${run#*:}
  got=$(run_security_test "$tool" "$broken")
  sed 's/^/     /' /tmp/log
  check "security.sh with $run" "$(wanted "$broken")" "$got"
  check "a warning that no boot will unlock" "$WARNS" "$(warns)"
  ! grep -q '^nfit_test ' /proc/modules || remove_nfit_test
done
check "nobody has changed security.sh" "$SHA256" "$(sha256sum </test/upstream/security.sh)"
finish
