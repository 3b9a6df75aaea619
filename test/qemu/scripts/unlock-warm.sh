# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# A warm reboot: the DIMMs are still unlocked, and no longer frozen. SECOND=revalidated tests their
# keys; SECOND=no-keys has none and must not try any; SECOND=outdated has a wrong one.
. /test/lib.sh

unlock() {
  nvunlock unlock "$@" >/tmp/said 2>&1
  code=$?
  cat /tmp/said
}

if [ ! -e /persist/rebooted ]; then
  unlock
  check "first boot" 0 $code
  touch /persist/rebooted
  umount /etc/ndctl/keys /etc/nvunlock /persist
  reboot -f
  sleep 60
fi
case $SECOND in
  revalidated)
    unlock
    check "exit code" 0 $code
    check "both revalidated" 2 "$(grep -c ": unlocked, revalidated, frozen" /tmp/said)"
    ;;
  no-keys)
    unlock --tpm2-device=/none
    check "exit code" 3 $code
    ;;
  outdated)
    cp -a /etc/ndctl/keys /tmp/keys
    cp /persist/outdated.blob /tmp/keys/nvdimm_8680-56341200_bed.blob
    unlock --keys-dir=/tmp/keys
    check "exit code" 9 $code
    check "said" yes "$(grep -q 'nmem0.*refused the passphrase' /tmp/said && echo yes)"
    ;;
esac
for nmem in $(nmems); do check "$nmem" "unlocked frozen" "$(security "$nmem")"; done
modprobe nd_pmem
pmem=$(pmem_of nmem0)
wait_for 5 test -b "$pmem"
check "the data" "$(cat /persist/data.sha256)" \
  "$(dd if="$pmem" bs=1000000 count=1 2>/dev/null | sha256sum)"
finish
