# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# 'nvunlock list' prints what stock ndctl prints, byte for byte. nmem0 and nmem1 came up locked; the
# others become: 2 unlocked, 3 unlocked and frozen, 4 without a passphrase, 5 taken from its driver.
# EVERY=N: each Nth combination of options only.
. /test/lib.sh

load_nvdimm
head -c 32 /dev/urandom | keyctl padd user nvdimm-master @u >/dev/null
ndctl disable-region all
ndctl setup-passphrase nmem2 nmem3 -k user:nvdimm-master
ndctl freeze-security nmem3
ndctl disable-dimm nmem1 nmem5
show_dimms

tried=0 held=0 printed=0

# Both say the same. ndctl ends with 0 even where it has found nothing; nvunlock may say why on stderr.
same() { # OPTION...
  tried=$((tried + 1))
  ndctl list "$@" >/tmp/theirs
  nvunlock list "$@" >/tmp/ours 2>/tmp/said
  _status=$?
  [ ! -s /tmp/theirs ] || printed=$((printed + 1))
  if cmp /tmp/theirs /tmp/ours && [ "$_status" = 0 ]; then
    held=$((held + 1))
  else
    echo "FAIL list $*: $_status"
    cat /tmp/theirs /tmp/ours /tmp/said
  fi
}

number=0
try() { # OPTION...
  number=$((number + 1))
  [ $((number % ${EVERY:-1})) != 0 ] || same "$@"
}

# What ndctl's test/security.sh asks.
same -b ACPI.NFIT -D
for n in 0 1 2 3 4 5; do same -i -b ACPI.NFIT -d nmem$n; done

for idle in '' -i -c; do
  for human in '' -u; do
    for bus in '' '-b 0' '-b all' '-b ndbus0' '-b ACPI.NFIT' '--bus=ndbus0'; do
      for what in -D -B -BD -vv -Dv '-d nmem0' '-d nmem1' '-d 2' '--dimm=nmem3' '-d 4' '-d nmem5' '-d all' \
        '-Dd 1' '-B -d 5'; do
        # shellcheck disable=SC2086
        [ "$what $idle" = "-vv -i" ] || [ "$what $idle" = "-vv -c" ] || try $idle $human $bus $what
      done
      for region in '-r 0' '-r region3' '-r all'; do
        # shellcheck disable=SC2086
        for what in -D -B -BD; do try $idle $human $bus $region $what; done
      done
    done
    # shellcheck disable=SC2086
    try $idle $human -D -d 'nmem0 nmem2 nmem5'
  done
done
echo "list: $tried combinations of options, $printed of them with something to print"
check "the same" "$tried" "$held"

for wrong in '-b 1' '-b foo' '-D -d nmem6' '-d 6' '-D -r 9'; do
  # shellcheck disable=SC2086
  check "ndctl list $wrong" "" "$(ndctl list $wrong)"
  # shellcheck disable=SC2086
  check "nvunlock list $wrong" "1 there is no" \
    "$(nvunlock list $wrong 2>&1 >/tmp/ours | sed 's/nvunlock: \(there is no\).*/1 \1/')"
  check "nothing printed" "" "$(cat /tmp/ours)"
done
finish
