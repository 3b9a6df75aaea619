# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The memory of nvunlock, looked through at each of its system calls for the kek and for the secret
# S that the TPM gives out. SHOWN says how often a kernel without secret memory shows them: "0", or
# "some" for a window that has closed when the program ends.
. /test/lib.sh

kek=/persist/safe/nvdimm-master.blob
tpm2_load -Q -C 0x81000001 -u /test/sealed.pub -r /test/sealed.priv -c /tmp/sealed
tpm2_startauthsession -Q --policy-session -S /tmp/session
tpm2_policypcr -Q -S /tmp/session -l sha256:1
tpm2_policyauthorizenv -Q -S /tmp/session -C 0x01804e57 0x01804e57
tpm2_nvread -C 0x01804e56 -o /tmp/latch 0x01804e56
tpm2_policynv -Q -S /tmp/session -C 0x01804e56 -i /tmp/latch 0x01804e56 eq
tpm2_unseal -Q -p session:/tmp/session -c /tmp/sealed -o /tmp/s
tpm2_flushcontext /tmp/session
check "S can be had with stock tools while the policy holds" 32 "$(stat -c %s /tmp/s)"

found() { # RESULT FIELD of memory_watch
  echo "$1" | sed -n "s/.*$2 \([0-9]*\).*/\1/p"
}

expected() { # RESULT: "0", "some" or "always", by where it was found
  if [ "$(found "$1" found-last)" != 0 ]; then
    echo always
  elif [ "$(found "$1" found)" != 0 ]; then
    echo some
  else
    echo 0
  fi
}

for secret in $kek /tmp/s; do
  result=$(memory_watch "$secret" /usr/bin/nvunlock-unprotected load-keys 2>/dev/null | grep stops)
  check "control, without the protections, $secret: $result" yes \
    "$([ "$(expected "$result")" != 0 ] && echo yes)"
  keyctl clear @u
done

for secret in $kek /tmp/s; do
  result=$(memory_watch "$secret" /usr/bin/nvunlock load-keys 2>/dev/null | grep stops)
  check "load-keys, $secret: $result" "$SHOWN" "$(expected "$result")"
  keyctl clear @u
done

result=$(memory_watch $kek /usr/bin/nvunlock unlock 2>/dev/null | grep stops)
check "unlock, $kek: $result" "$SHOWN" "$(expected "$result")"
check "nmem0" "unlocked frozen" "$(security nmem0)"
finish
