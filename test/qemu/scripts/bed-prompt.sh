# shellcheck shell=sh
# Waits for a word.
printf 'say: '
read -r word
[ "$word" = hello ] && exit 3
