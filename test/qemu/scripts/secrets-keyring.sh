# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# nvunlock is stopped where the kek is in its keyring and the first DIMM key is about to be loaded;
# then another root process tries to get the kek. And it is killed where a core would hold the kek.
. /test/lib.sh

kek=/persist/safe/nvdimm-master.blob

# N: the call of add_key after the kek's. unlock's first is for the key that approves the next boot.
stop_with_kek_in_keyring() { # N COMMAND...
  next=$1
  shift
  rm -f /tmp/trace
  strace -o /tmp/trace -e trace=add_key -e "inject=add_key:signal=STOP:when=$next" "$@" >/dev/null 2>&1 &
  tracer=$!
  wait_for 20 grep -q 'stopped by SIGSTOP' /tmp/trace
  serial=$(sed -n 's/^add_key("user", "nvdimm-master".* = //p' /tmp/trace)
}

go_on() {
  kill -CONT "$(pidof nvunlock)"
  wait $tracer
}

succeeds() { # COMMAND...
  "$@" >/tmp/out 2>&1 && echo yes || echo no
}

# The control: load-keys leaves the kek in @u, where root can read it.
stop_with_kek_in_keyring 2 nvunlock load-keys
check "control: the kek can be read from @u" yes "$(succeeds keyctl pipe "$serial")"
check "control: it is the kek" "$(sha256sum <$kek)" "$(sha256sum </tmp/out)"
check "control: /proc/keys shows it" 1 "$(grep -c 'user *nvdimm-master' /proc/keys)"
go_on
keyctl clear @u

# strace dies of the same signal as PROGRAM and may leave a core of its own, which does not count.
dump_core() { # PROGRAM: killed while it hands the kek to the kernel
  rm -f /tmp/core.*
  keyctl clear @u
  (
    # shellcheck disable=SC3045  # dash knows -c
    ulimit -c unlimited
    strace -o /dev/null -e inject=add_key:signal=SEGV:when=1 "$1" load-keys >/dev/null 2>&1
  )
}

cores_with_kek() {
  pattern=$(od -An -v -tx1 $kek | tr -d ' \n')
  for core in /tmp/core.nvunlock*; do
    [ ! -e "$core" ] || od -An -v -tx1 "$core" | tr -d ' \n' | grep -c "$pattern"
  done
}

echo 1 >/proc/sys/kernel/core_pipe_limit # wait for the program that reads a core
for target in /tmp/core.%e '|/usr/bin/save_core %e'; do
  echo "$target" >/proc/sys/kernel/core_pattern
  dump_core /usr/bin/nvunlock-unprotected
  check "control: a core by '$target' holds the kek" 1 "$(cores_with_kek)"
  dump_core /usr/bin/nvunlock
  check "no core by '$target'" "" "$(cores_with_kek)"
done
keyctl clear @u

stop_with_kek_in_keyring 3 nvunlock unlock
check "unlock is stopped" 1 "$(pidof nvunlock | wc -w)"
check "the kek has a serial number" yes "$([ "$serial" -gt 0 ] && echo yes)"
for attempt in "read $serial" "pipe $serial" "print $serial" "describe $serial" \
  "link $serial @u" "setperm $serial 0x3f3f3f3f" "chown $serial 0" "timeout $serial 1" \
  "revoke $serial" "search @u user nvdimm-master" "search @s user nvdimm-master"; do
  # shellcheck disable=SC2086  # an operation and its arguments
  check "keyctl $attempt" no "$(succeeds keyctl $attempt)"
done
check "/proc/keys does not show it" 0 "$(grep -c 'user *nvdimm-master' /proc/keys)"
go_on
check "unlock" 0 $?
check "nmem0" "unlocked frozen" "$(security nmem0)"
check "keys left in @u" none "$(keys_left)"
# Invalidated ones (i), which nobody can read, are listed until the kernel frees them.
check "keys left anywhere" "" "$(awk '$2 !~ /i/ && /nvdimm/ && !/nvunlock-update:/' /proc/keys)"

finish
