# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# What a boot has led to, for comparison with one of an image without nvunlock.
. /test/lib.sh

# What coldplug starts may still be loading.
sleep 2
echo "as before: modules $(cut -d' ' -f1 /proc/modules | sort | xargs)"
for nmem in $(nmems); do echo "as before: $nmem $(security "$nmem")"; done
check "nvunlock has said nothing" 0 "$(dmesg | grep -c nvunlock:)"
check "no status" no "$([ -e /run/nvunlock/status.json ] && echo yes || echo no)"
finish
