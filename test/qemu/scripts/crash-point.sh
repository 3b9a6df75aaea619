# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# A boot of the image as CMD has left it. INTERRUPTED=yes: it was interrupted before this boot, and is
# run again. Then it is interrupted at POINT, options of kill_at, or never (none), or its points are
# counted (count). MORE: options for it.
. /test/lib.sh
# shellcheck source=crash-lib.sh
. /test/crash.sh

modprobe nd_pmem
check "the image's unlock" '"exit_code":0,' \
  "$(tr -d ' ' </run/nvunlock/status.json | grep exit_code)"
check "DIMMs that are locked or frozen" "" \
  "$(show_dimms | grep -vE "security='(unlocked|disabled)' state=active driver=nvdimm")"
pmem=$(pmem_of nmem0)
wait_for 5 test -b "$pmem"
check "the data" "$(cat /persist/data.sha256)" \
  "$(dd if="$pmem" bs=1000000 count=1 2>/dev/null | sha256sum)"
bring_keys

if [ "$INTERRUPTED" = yes ]; then
  if [ "$SETTLE" = yes ]; then
    nvunlock settle
    check "settle" 0 $?
  fi
  one_was_done=$(one_is_done "$CMD" && echo yes)
  command=$(command_of "$CMD")
  $command
  status=$?
  check "the second run" 0 $((status == 1 && ${#one_was_done} > 0 ? 0 : status))
  check_done "$CMD"
  nvunlock check-image --all
  check "check-image" 0 $?
  undo "$CMD"
fi
[ "$failures" = 0 ] || finish
echo "crash: recovered"
command=$(command_of "$CMD")

case $POINT in
  none) finish ;;
  count)
    # shellcheck disable=SC2086  # words
    kill_at --count --log /tmp/points -- $command 2>/tmp/said
    check "$CMD" 0 $?
    cat /tmp/said
    check_done "$CMD"
    sed 's/^/crash: point /' /tmp/points
    sed -n 's/^.*\(step: .*\)/crash: \1/p' /tmp/said
    undo "$CMD"
    ;;
  "step: "*)
    # shellcheck disable=SC2086
    kill_at --at-line "$POINT" --then '. /test/lib.sh; cut_power' -- $command $MORE
    check "cut at $POINT" 0 $?
    ;;
  *)
    # shellcheck disable=SC2086
    kill_at $POINT -- $command $MORE
    check "kill $POINT" 0 $?
    ;;
esac
sync
[ "$failures" = 0 ] || finish
cut_power
