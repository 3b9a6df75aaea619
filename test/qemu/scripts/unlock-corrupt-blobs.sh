# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Each field of nmem0's blob damaged, one after the other in one boot: nmem0 stays locked and is
# never tried, nmem1 is up from the first run on.
. /test/lib.sh

cp -a /etc/ndctl/keys /tmp/keys
blob=$(echo /tmp/keys/nvdimm_8680-56341200_*.blob)
good=$(cat "$blob")
head='enc32 user:nvdimm-master 32 '
payload=${good#"$head"}

flip() { # POSITION: the payload with another digit there, counted from 0
  digit=$(printf %s "$payload" | cut -c $(($1 + 1)))
  [ "$digit" = 0 ] && other=1 || other=0
  printf '%s%s%s%s' "$head" "$(printf %s "$payload" | head -c "$1")" "$other" \
    "$(printf %s "$payload" | tail -c +$(($1 + 2)))"
}

said() { # WHAT MESSAGE
  grep -qF -- "$2" /tmp/said
  check "$1: it says '$2'" 0 $?
}

damage() { # WHAT MESSAGE TEXT
  printf %s "$3" >"$blob"
  bring_kek
  nvunlock unlock --keys-dir=/tmp/keys >/tmp/said 2>&1
  check "$1: exit code" 8 $?
  said "$1" "$2"
  check "$1: nmem0" locked "$(security nmem0)"
  check "$1: nmem1" "unlocked frozen" "$(security nmem1)"
}

damage format "format is not enc32" "ecryptfs ${good#enc32 }"
damage kek "is not a kek name" "enc32 nvdimm-master 32 $payload"
damage length "length is not 32" "enc32 user:nvdimm-master 24 $payload"
damage iv "HMAC does not hold" "$(flip 0)"
damage terminator "HMAC does not hold" "$(flip 32)"
damage ciphertext "HMAC does not hold" "$(flip 34)"
damage hmac "HMAC does not hold" "$(flip 161)"
damage truncated "80 bytes instead of 81" "$(printf %s "$good" | head -c 188)"
damage garbage "fields instead of four" "$(head -c 60 /dev/urandom | base64)"
damage empty "empty" ""
finish
