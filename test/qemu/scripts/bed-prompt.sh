# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Waits for a word.
printf 'say: '
read -r word
[ "$word" = hello ] && exit 3
