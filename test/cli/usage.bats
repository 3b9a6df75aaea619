#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What does not need a TPM: usage, help, and that mistakes are caught.

load common

commands="enroll approve reseal list-slots wipe-slot unlock load-keys latch image-files check-image
  refresh-images setup-passphrase update-passphrase remove-passphrase sanitize-dimm wait-overwrite
  freeze-security enable-dimm disable-dimm rotate-kek settle backup restore list status verify"

@test "--help, -h and help list every command and exit with 0" {
  for way in --help -h help; do
    run nvunlock "$way"
    expect 0
    for command in $commands help; do
      [[ $output == *"  $command "* ]]
    done
  done
}

@test "--version names the version" {
  run nvunlock --version
  expect 0
  [[ $output =~ ^nvunlock\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "every command has a help that shows its options" {
  for command in $commands; do
    run nvunlock "$command" --help
    expect 0 "usage: nvunlock $command"
    expect 0 "--root=DIR"
    help=$output
    run nvunlock "$command" -h
    [[ $status -eq 0 && $output == "$help" ]]
    run nvunlock help "$command"
    [[ $status -eq 0 && $output == "$help" ]]
  done
}

@test "help knows one command at a time" {
  run nvunlock help frobnicate
  expect 2 "no command 'frobnicate'"
  run nvunlock help list enroll
  expect 2 "takes one command"
}

@test "what is wrong with an option is said in one line, with our name and where to look" {
  while IFS='|' read -r arguments complaint; do
    # shellcheck disable=SC2086
    run nvunlock $arguments
    [[ $status -eq 2 && $output == "nvunlock: $complaint; see 'nvunlock ${arguments%% *} --help'" ]] || {
      echo "$arguments: $status $output"
      false
    }
  done <<END
list --frob|unrecognized option '--frob'
list -q|invalid option -- 'q'
list -iqD|invalid option -- 'q'
list --bus|option '--bus' needs a value
freeze-security nmem0 -b|option '-b' needs a value
list --json=x|option '--json=x' takes no value
list --help=x|option '--help=x' takes no value
setup-passphrase --ke=user:x|ambiguous option '--ke=user:x'
list surplus|unexpected argument 'surplus'
help -x|invalid option -- 'x'
END
}

@test "no command, an unknown command, an unknown option: exit code 2 and one line" {
  run nvunlock
  expect 2 "no command"
  run nvunlock frobnicate
  expect 2 "no command 'frobnicate'"
  for command in $commands; do
    run nvunlock "$command" --frobnicate
    expect 2 "unrecognized option '--frobnicate'"
    [[ ${#lines[@]} -eq 1 ]]
  done
}

@test "arguments where none belong: exit code 2" {
  for command in enroll approve reseal list-slots unlock load-keys latch rotate-kek settle list status verify; do
    run nvunlock "$command" surplus
    expect 2 "unexpected argument 'surplus'"
  done
}

@test "garbage values are named" {
  run nvunlock enroll --kek=nvdimm-master
  expect 2 "is not a kek name"
  run nvunlock enroll --kek=user:../../etc/shadow
  expect 2 "cannot be a file name"
  run nvunlock load-keys --keyring=@x
  expect 2 "--keyring takes"
  for pcrs in 24 7+7 7:md5 7:sha256=12 7=00 name 7+ 7:sha256+8:sha1; do
    run nvunlock enroll --tpm2-pcrs="$pcrs"
    expect 2 "PCR '"
  done
}

@test "enroll without a recovery way says which there are; with one, --no-recovery is a contradiction" {
  run nvunlock enroll --tpm2-pcrs=7+8
  expect 2 "--recovery-key, --recovery-passphrase, --escrow=CERT.pem, or --no-recovery"
  for way in --recovery-key --recovery-passphrase --escrow=cert.pem; do
    run nvunlock enroll --tpm2-pcrs=7+8 --no-recovery "$way"
    expect 2 "--no-recovery conflicts with the other recovery options"
  done
}

@test "resets of a next boot: a number up to 16, or none" {
  for command in enroll approve reseal; do
    for resets in 17 -1 x 1x 99999999999; do
      run nvunlock "$command" --root="$BATS_TEST_TMPDIR" --next-boot="$resets"
      expect 2 "--next-boot takes 0 to 16 resets"
    done
    run nvunlock "$command" --next-boot 3
    expect 2 "unexpected argument '3'"
  done
}

@test "latches are no option any more" {
  for command in enroll reseal; do
    run nvunlock "$command" --latch=nv
    expect 2 "unrecognized option '--latch=nv'"
  done
}

@test "wipe-slot wants one slot" {
  run nvunlock wipe-slot
  expect 2 "name a slot"
  run nvunlock wipe-slot 0 1
  expect 2 "name a slot"
}

@test "freeze-security wants DIMMs' names" {
  mkdir "$BATS_TEST_TMPDIR/sys"
  run nvunlock freeze-security --root="$BATS_TEST_TMPDIR"
  expect 2 "name the DIMMs"
  run nvunlock freeze-security --root="$BATS_TEST_TMPDIR" foo
  expect 2 "'foo' is not a valid dimm name"
  run nvunlock freeze-security --root="$BATS_TEST_TMPDIR" nmem0
  expect 1 "there is no nmem0 here"
  run nvunlock freeze-security --root="$BATS_TEST_TMPDIR" 3 nmem0
  expect 1 "there is no nmem3, nmem0 here"
  run nvunlock freeze-security --root="$BATS_TEST_TMPDIR" all
  expect 1 "there is no DIMM here"
}

@test "sanitize-dimm, as ndctl, takes no bare number for a DIMM" {
  mkdir "$BATS_TEST_TMPDIR/sys"
  run nvunlock sanitize-dimm --root="$BATS_TEST_TMPDIR" -z 0
  expect 2 "'0' is not a valid dimm name; write nmem0"
}

@test "--root leaves what another option has moved where it is, in whatever order" {
  mkdir -p "$BATS_TEST_TMPDIR"/{world,keys}
  for options in "--root=world --keys-dir=keys" "--keys-dir=keys --root=world" \
    "--root=elsewhere --root=world --keys-dir=keys"; do
    # shellcheck disable=SC2086  # words
    run env -C "$BATS_TEST_TMPDIR" "$NVUNLOCK" list-slots $options
    expect 7 "nvunlock: keys/nvdimm-master.pem"
    [[ $output != *world* ]]
  done
  run env -C "$BATS_TEST_TMPDIR" "$NVUNLOCK" list-slots --root=elsewhere --root=world
  expect 7 "nvunlock: world/etc/ndctl/keys/nvdimm-master.pem"
}
