# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the demo shows: lines that start with a bar.

show() { # COMMAND OUTPUT
  echo "| # $1"
  [ -z "$2" ] || echo "$2" | sed 's/^/| /'
}

shown() { # COMMAND...: runs it
  output=$("$@" 2>&1)
  status=$?
  show "$*" "$output"
  check "$*" 0 $status
}
