#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An unlock that is killed by SIGKILL in an initramfs, started by the image's own hook or unit. What
# follows it there closes the latch, drops keys and holds the guard, and the next boot unlocks.
# CHECK=full kills it at more points, "all:N" among them, where every system call counts. All
# calls of an unlock are in test/cli/killed_unlock.bats.

load machines

setup_file() {
  latched_machine
}

# wrapper POINT: stands for nvunlock in an image, and dies with an unlock that is killed before that call.
wrapper() {
  local all=
  [[ $1 != all:* ]] || all=--all
  cat <<END
#!/bin/sh
[ "\$1" = unlock ] || exec /usr/bin/nvunlock.real "\$@"
/usr/bin/kill_at $all --before ${1#all:} --log /run/killed-at -- /usr/bin/nvunlock.real "\$@"
kill -KILL \$\$
END
}

# killed_in FLAVOUR POINT...
killed_in() {
  local flavour=$1 dir=$BATS_TEST_TMPDIR n held=0
  shift
  gold_image "$flavour" "$dir/built" kek-keyring=user
  "$BED/image-edit" "$dir/built" "$dir/same" --get usr/bin/nvunlock "$dir/nvunlock"
  for n in "$@"; do
    rm -rf "$dir/machine"
    copy_machine "$GOLD" "$dir/machine"
    wrapper "$n" >"$dir/wrapper"
    chmod 755 "$dir/wrapper" "$dir/nvunlock"
    "$BED/image-edit" "$dir/built" "$dir/image" --put "$dir/wrapper" usr/bin/nvunlock \
      --put "$dir/nvunlock" usr/bin/nvunlock.real --put "$BED/../../build/kill_at" usr/bin/kill_at
    boot "$dir/machine" killed-unlock --initrd "$dir/image" --tpm tis
    expect_attempts "$dir/machine" 0
    echo "# $flavour, $(grep -ao 'killed at: .*' "$dir/machine/killed-unlock.log" | tr -d '\r'): held" >&3
    held=$((held + 1))
  done
  boot "$dir/machine" show-dimms --initrd "$dir/built" --tpm tis
  [[ $(grep -c "security='unlocked frozen'" "$dir/machine/show-dimms.log") -ge 2 ]]
  echo "# $flavour: killed at $# points, held at $held" >&3
}

points() { [[ ${CHECK-} != full ]] && echo "$1" || echo 1 20 36 60 80 all:{90,180,270,360}; }

# bats test_tags=full
@test "dracut without systemd" {
  # shellcheck disable=SC2046
  killed_in dracut-plain $(points 36)
}

@test "dracut with systemd" {
  # shellcheck disable=SC2046
  killed_in dracut-systemd $(points 36)
}

@test "initramfs-tools" {
  # shellcheck disable=SC2046
  killed_in initramfs-tools $(points 36)
}

# bats test_tags=full
@test "mkinitcpio with busybox" {
  # shellcheck disable=SC2046
  killed_in mkinitcpio-busybox $(points 36)
}

# bats test_tags=full
@test "mkinitcpio with systemd" {
  # shellcheck disable=SC2046
  killed_in mkinitcpio-systemd $(points 36)
}
