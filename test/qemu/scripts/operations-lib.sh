# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# For the tests of ndctl and nvunlock side by side. There is a kek, as ndctl's users make it: in @u and, in
# clear, in the keys directory; no TPM, and no image.

keys=/etc/ndctl/keys
status='' words=''

new_kek() {
  keyctl clear @u
  rm -f $keys/*
  head -c 32 /dev/urandom >$keys/nvdimm-master.blob
  load_kek
}

load_kek() {
  keyctl padd user nvdimm-master @u <$keys/nvdimm-master.blob >/dev/null
}

forget_keys() { # as after a boot that has left none
  keyctl clear @u
  load_kek
}

# nvunlock puts its name in front, as programs do, and a point at each end.
run() { # TOOL COMMAND ARGUMENT...: its exit code to $status, its last words to $words
  "$@" >/tmp/said 2>&1
  status=$?
  words=$(tail -n 1 /tmp/said | sed 's/^.*nvunlock: //; s/\.$//')
  sed "s/^/     $1: /" /tmp/said
}

does() { # WORDS TOOL COMMAND ARGUMENT...: it succeeds, and says WORDS last
  _words=$1
  shift
  run "$@"
  check "$*" "0 $_words" "$status $words"
}

fails() { # TOOL COMMAND ARGUMENT...
  run "$@"
  check "$* fails" yes "$([ "$status" != 0 ] && echo yes || echo no)"
}

says() { # WORDS: the last command did, on one line
  check "it says '$1'" 1 "$(grep -cF -- "$1" /tmp/said)"
}

# What the last message quotes works here, as it stands. Several remedies of one message can be followed.
follow() { # REMEDY [OPTION...]: a command; what it reads is in /tmp/typed, what it says in /tmp/followed
  check "the advice is '$1'" yes "$(grep -qF -- "'$1'" /tmp/said && echo yes)"
  sh -c "$*" </tmp/typed >/tmp/followed 2>&1
  check "remedy: $*" 0 $?
  sed "s/^/     /" /tmp/followed
}

is() { # STATE NMEM
  check "$2" "$1" "$(security "$2")"
}

blobs_of() { # NMEM: the names of its blobs that hold something
  _found=$(find $keys -name "*_$(dimm_id "$1")_*.blob" -size +0 | sort | xargs -r -n 1 basename)
  echo "$_found" | xargs
}

user_key() { # NMEM: the key in @u
  keyctl search @u encrypted "nvdimm:$(dimm_id "$1")" 2>/dev/null
}

# The DIMM's passphrase is that of its key: it takes it for an old and new one.
takes_key_of_blob() { # NMEM
  _key=$(keyctl add encrypted test:candidate \
    "load $(cat "$keys/nvdimm_$(dimm_id "$1")_$(hostname).blob")" @u)
  _taken=no
  ! echo "update $_key $_key" >"$ND/$1/security" || _taken=yes
  keyctl unlink "$_key" @u
  check "$1 has the passphrase of its blob" yes "$_taken"
}
