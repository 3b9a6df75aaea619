#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Who approves: with which update key, and for which keks.

load common
load approve

@test "unlock leaves the update key to root: no kek is needed; with updates=attended somebody has to come" {
  boot 0
  in_world unlock
  run approve --next-boot </dev/null
  expect 0 "changed"
  approve --revoke </dev/null
  mkdir -p "$ROOT/etc/nvunlock"
  echo updates=attended >"$ROOT/etc/nvunlock/nvunlock.conf"
  boot 0
  in_world unlock
  run approve --next-boot </dev/null
  [[ $status -ne 0 && $output != *changed* ]]
  run approve --next-boot <<<wrong
  expect 8 "it opens no recovery slot"
  boot 1
  stays_closed
  boot 0
  in_world unlock
  run approve --next-boot <<<"$RECOVERY_KEY"
  expect 0 "changed"
  boot 1
  opens
}

@test "all keks, or one; what fails for one is done for the others" {
  keyctl padd user nvdimm-master @u <"$KEK"
  enroll --kek=user:second
  run approve --next-boot --kek=user:second
  expect 0 "user:second: changed"
  [[ $output != *user:nvdimm-master* ]]
  echo damaged >"$KEYS/broken.pem"
  run approve --next-boot=2
  expect 7 "user:nvdimm-master: changed"
  expect 7 "user:second: changed"
}
