#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Completion for bash, held against nvunlock's own help.

load common

setup() {
  # shellcheck source=completions/nvunlock
  source "$BATS_TEST_DIRNAME/../../completions/nvunlock"
  cd "$BATS_TEST_TMPDIR" || return
}

# complete_line WORD...: what is offered for the last one of the words after "nvunlock", a line each,
# when bash splits at equals signs.
complete_line() {
  local line=("$NVUNLOCK" "$@")
  COMP_WORDS=()
  for word in "${line[@]}"; do
    if [[ $word == --*=* ]]; then
      COMP_WORDS+=("${word%%=*}" "=")
      word=${word#*=}
      [[ -n $word ]] || continue
    fi
    COMP_WORDS+=("$word")
  done
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMPREPLY=()
  _nvunlock "$NVUNLOCK" "${COMP_WORDS[COMP_CWORD]#=}" "${COMP_WORDS[COMP_CWORD - 1]}"
  printf '%s\n' "${COMPREPLY[@]}"
}

# bash has it only while it completes.
compopt() {
  :
}

offers() { # EXPECTED WORD...
  local expected=$1 offered
  shift
  offered=$(complete_line "$@" | sort | xargs)
  if [[ $offered != "$expected" ]]; then
    echo "nvunlock $*: wanted '$expected', got '$offered'"
    return 1
  fi
}

commands() {
  nvunlock --help | awk '/^  [a-z]/ { print $1 }'
}

@test "every command that the program has is offered, and what begins like it" {
  [[ $(commands | wc -l) -gt 10 ]]
  offers "$({
    commands
    printf '%s\n' -h --help --version
  } | sort | xargs)" ""
  offers "list list-slots" lis
}

@test "every option of every command is offered, those with a value as --option=, and each letter" {
  for command in $(commands); do
    help=$(nvunlock "$command" --help)
    expected=$(grep -oE '^  (-., )?--[a-z0-9-]+=?' <<<"$help" | tr -s ', ' '\n' | grep .)
    [[ $expected == *-h*--help ]]
    offers "$(sort <<<"$expected" | xargs)" "$command" -
  done
  offers "--bus= --buses" list --bus
  offers "--tpm2-pcrs=" enroll --tpm2-pc
}

@test "help is offered the commands" {
  offers "list list-slots" help lis
}

@test "whatever kind of value or argument the help names, the completion knows" {
  kinds=$(for command in $(commands); do
    nvunlock "$command" --help | sed -nE 's/^  .*--[a-z0-9-]+\[?=([^] ]+)\]? .*/\1/p'
    _nvunlock_argument_of "$NVUNLOCK" "$command"
  done | sort -u)
  for kind in DIR DEVICE CERT.pem REGION SECONDS RESETS 'nmemX...|all' 'NUMBER|KIND'; do grep -qxF "$kind" <<<"$kinds"; done
  while read -r kind; do
    _nvunlock_values "$kind" "" >kind.out || {
      echo "kind $kind is not known"
      false
    }
  done <<<"$kinds"
}

@test "an unknown kind is noticed" {
  run _nvunlock_values SURPRISE ""
  expect 2
}

@test "options that take files offer files of that kind, and directories" {
  mkdir keys sub
  touch cert.pem sig.json other
  offers "cert.pem keys sub" enroll --escrow=
  offers "cert.pem" enroll --escrow=c
  offers "cert.pem keys sub" enroll --escrow ""
  offers "keys sig.json sub" verify --tpm2-signature=
  offers "keys sub" load-keys --keys-dir=
  offers "keys" load-keys -p k
}

@test "options with a choice offer it" {
  offers "user:nvdimm-master" approve --kek=
  offers "auto" status --tpm2-device=a
}

@test "an option that may go without a value is offered so, and takes none from the next word" {
  offers "--next-boot" approve --next
  offers "" approve --next-boot=
  offers "--now" approve --next-boot --no
  offers "$(complete_line approve "" | sort | xargs)" approve --next-boot ""
}

@test "wipe-slot offers all kinds of slots that there are" {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  fresh_keys
  make_certificate cert.pem -newkey rsa:2048
  printf '%s\n' "a long passphrase" "a long passphrase" |
    enroll_with --recovery-key --recovery-passphrase --escrow=cert.pem
  stop_tpm "$BATS_TEST_TMPDIR/tpm"
  kinds=$(list_slots | awk '{ print $2 }' | sort | xargs)
  [[ $kinds == *escrow* ]]
  offers "$kinds" wipe-slot ""
}

@test "operations offer the DIMMs, buses and regions of the machine" {
  _nvunlock_devices=$BATS_TEST_TMPDIR/devices
  mkdir -p devices/{nmem0,nmem1,ndbus0,region0,region12}
  for command in freeze-security setup-passphrase sanitize-dimm wait-overwrite enable-dimm; do
    offers "all nmem0 nmem1" "$command" ""
    offers "nmem1" "$command" nmem0 nmem1
    offers "ndbus0" "$command" --bus=
    offers "ndbus0" "$command" -b ""
    offers "region0 region12" "$command" --region=
    offers "region12" "$command" -r region1
  done
  offers "nmem0 nmem1" list -d ""
  offers "--bus= --dry-run --help --json --keyring= --keys-dir= --region= --root= --verbose -b -h -r -v" \
    freeze-security -
  offers "user:nvdimm-master" setup-passphrase -k ""
  offers "user:nvdimm-master" rotate-kek --to=
}

@test "commands without arguments offer their options; bash knows the completion" {
  offers "--help --json --keyring= --keys-dir= --root= -h" settle ""
  [[ $(complete -p nvunlock) == "complete -F _nvunlock nvunlock" ]]
}
