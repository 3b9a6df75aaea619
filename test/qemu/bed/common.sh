# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the bed's shell tools. Everything built lies in build/qemu/made, in a directory named after
# a digest of what it was built from: what exists is up to date. What was not used for a day goes.

top=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../../..")
made=$top/build/qemu/made

fail() {
  echo "${0##*/}: $1" >&2
  exit 1
}

# built NAME FILE...: the directory for something built from these files
built() {
  local name=$1
  shift
  printf '%s/%s-%s\n' "$made" "$name" "$(cat "$@" | sha256sum | cut -c1-12)"
}

# build_once DIRECTORY COMMAND...: runs COMMAND TEMPORARY-DIRECTORY if DIRECTORY is not there. Others may build
# something else meanwhile.
build_once() {
  local out=$1
  shift
  mkdir -p "$made"
  (
    flock 9
    if use_made "$out"; then exit; fi
    work=$(mktemp -d "$made/making.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    "$@" "$work"
    chmod 755 "$work"
    mv -T "$work" "$out"
  ) 9>"$out.lock"
}

# Counts as a use of DIRECTORY, and fails when it is not there. What was not used for a day goes.
use_made() { # DIRECTORY
  (
    flock 8
    [ ! -e "$1" ] || touch "$1"
    find "$made" -mindepth 1 -maxdepth 1 -mtime +0 -exec rm -r {} +
    [ -e "$1" ]
  ) 8>"$made.lock"
}
