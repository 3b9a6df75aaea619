#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# doc/ndctl.md, held against the installed ndctl: its manual pages, its files, and nvunlock's help.
# shellcheck disable=SC2030,SC2031  # a test that changes DOC does so for itself

load common

setup() {
  DOC=$BATS_TEST_DIRNAME/../../doc/ndctl.md
  PAGES=/usr/share/man/man1
}

# ndctl's commands that have to do with security: those of our name, and those whose page speaks of it.
pages() {
  local page command ours text
  ours=$(nvunlock --help)
  for page in "$PAGES"/ndctl-*.1.gz; do
    command=${page##*/ndctl-}
    command=${command%.1.gz}
    text=$(zcat "$page")
    if [[ $ours == *"  $command "* || $text == *passphrase* ]]; then echo "$command"; fi
  done
}

# The options of a command as its page spells them, a line each: "-b, --bus=" or "<dimm>".
options_of() { # COMMAND
  zcat "$PAGES/ndctl-$1.1.gz" | sed 's/\\f[IPBR]//g; s/\\-/-/g' | awk '
    /^\.SH/ { inside = /OPTIONS/; next }
    inside && /^\.RS/ && last ~ /^(-|<)/ { print last }
    { last = $0 }'
}

# Rows of a command in the document: "OPTION|WHAT NVUNLOCK DOES", without quotes.
rows_of() { # COMMAND
  awk -F ' *\\| *' -v title="### $1" '
    /^#/ { inside = $0 == title }
    inside && $2 ~ /^`/ { gsub(/`/, ""); print $2 "|" $3 }' "$DOC"
}

# An option in $help is one of these names, with "=" behind a long name that takes a value.
in_help() { # NAME
  [[ $help =~ (^|$'\n')'  '(-.', ')?"${1%=}"[\ ,=] ]]
}

# check_row COMMAND OPTION: it has a row in $rows, and $help bears out what the row says.
check_row() {
  local command=$1 option=$2 says name
  says=$'\n'$rows$'\n'
  [[ $says == *$'\n'"$option|"* ]] || {
    echo "doc/ndctl.md has no row for $option of ndctl $command"
    return 1
  }
  says=${says#*$'\n'"$option|"}
  says=${says%%$'\n'*}
  case $says in
    "taken as "*) option=${option%%,*},${says#taken as } ;;
    taken | "not taken") ;;
    refused)
      refute nvunlock "$command" "${option%%,*}" x
      return
      ;;
    *)
      echo "'$says' of $option of ndctl $command says neither that it is taken nor that it is not"
      return 1
      ;;
  esac
  [[ $option != \<* ]] || return 0
  for name in ${option//,/ }; do
    if [[ $says == taken* ]]; then
      in_help "$name" || {
        echo "nvunlock $command --help lacks $name, which doc/ndctl.md says is taken"
        return 1
      }
    elif in_help "$name"; then
      echo "nvunlock $command has $name, and doc/ndctl.md says that it has not"
      return 1
    fi
  done
}

# check_command COMMAND: all options of its page; how many they are is added to $checked.
check_command() {
  local option options rows help status=0
  options=$(options_of "$1")
  rows=$(rows_of "$1")
  help=$(nvunlock help "$1") || true # where we lack the command, its row has to say so
  [[ -n $options ]] || {
    echo "no option found in the page of ndctl $1"
    return 1
  }
  while read -r option; do
    check_row "$1" "$option" || status=1
    checked=$((checked + 1))
  done <<<"$options"
  return "$status"
}

@test "every option in ndctl's manual pages has a row, and nvunlock's help bears it out" {
  checked=0 failed=''
  [[ $(pages | xargs) == "disable-dimm enable-dimm freeze-security list load-keys remove-passphrase"* ]]
  for command in $(pages); do check_command "$command" || failed+=" $command"; done
  [[ -z $failed && $checked -ge 45 ]]
}

# A copy of ndctl's pages, one of which the sed SCRIPT has changed.
changed_pages() { # COMMAND SCRIPT
  mkdir -p "$BATS_TEST_TMPDIR/pages"
  cp "$PAGES"/ndctl-*.1.gz "$BATS_TEST_TMPDIR/pages"
  PAGES=$BATS_TEST_TMPDIR/pages
  zcat "$PAGES/ndctl-$1.1.gz" | sed "$2" | gzip >"$PAGES/new"
  mv "$PAGES/new" "$PAGES/ndctl-$1.1.gz"
}

@test "an option that is new in ndctl is noticed" {
  run check_command sanitize-dimm
  expect 0
  changed_pages sanitize-dimm 's/^\\-z, .*/\\-f, \\-\\-force\n.RS 4\nDo not ask.\n.RE\n.sp\n&/'
  run check_command sanitize-dimm
  expect 1
  [[ $output == "doc/ndctl.md has no row for -f, --force of ndctl sanitize-dimm" ]]
}

@test "so is a new command that has to do with passphrases" {
  changed_pages remove-passphrase ''
  mv "$PAGES/ndctl-remove-passphrase.1.gz" "$PAGES/ndctl-rotate-passphrase.1.gz"
  [[ $(pages) == *rotate-passphrase* ]]
  run check_command rotate-passphrase
  expect 1 "has no row for -m, --master-passphrase of ndctl rotate-passphrase"
}

@test "so is a row that promises more or less than there is" {
  # shellcheck disable=SC2016  # no commands
  sed 's/^\(| `-H, --health` |\) taken/\1 not taken/; s/^\(| `-R, --regions` |\) not taken/\1 taken/' "$DOC" \
    >"$BATS_TEST_TMPDIR/doc"
  DOC=$BATS_TEST_TMPDIR/doc
  run check_command list
  expect 1 "nvunlock list has -H, and doc/ndctl.md says that it has not"
  expect 1 "nvunlock list --help lacks -R, which doc/ndctl.md says is taken"
}

# Names of files: those that the program makes up, and those that its package and its pages name.
files_of_ndctl() {
  grep -aoE '%s/nvdimm[a-z%_-]*\.blob|tpm\.handle' /usr/bin/ndctl | sed 's,^%s/,,; s/%s_%s/ID_HOST/'
  dpkg -L ndctl | grep -E '/(keys|.*security.*)$' | grep ^/etc
  dpkg -L ndctl | grep '^/etc/.*/keys/' | sed 's,.*/,,'
  for command in $(pages); do zcat "$PAGES/ndctl-$command.1.gz"; done |
    grep -oE '/etc/ndctl/[a-z]+|[a-z-]+\.(blob|handle)'
}

@test "every file of ndctl's that has to do with keys has a row" {
  files=$(files_of_ndctl | sort -u)
  echo "$files"
  [[ $(wc -l <<<"$files") -ge 8 ]]
  while read -r file; do grep -qE "^\| \`$file\` \|" "$DOC"; done <<<"$files"
  for document in ../README.md nvunlock.8.scd; do grep -q 'ndctl\.md' "${DOC%/*}/$document"; done
}
