#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# check-image and refresh-images: would the images unlock this machine, and what keys are in them.

load common

setup_file() {
  start_tpm
}

teardown_file() {
  stop_tpm
}

setup() {
  keyctl clear @u
  ROOT=$BATS_TEST_TMPDIR/machine
  KEYS=$ROOT/etc/ndctl/keys
  TREE=$BATS_TEST_TMPDIR/tree
  IMAGE=$ROOT/boot/initrd.img-6.1
  mkdir -p "$KEYS" "$ROOT/etc/nvunlock"
  make_clear_kek
  make_blob 8680-00000001
  enroll --root="$ROOT" --import
  rm "$KEYS/nvdimm-master.blob"
  BLOB=nvdimm_8680-00000001_$(uname -n).blob
  make_tree "$TREE"
  nvunlock image-files --root="$ROOT" "$TREE"
}

check_image() {
  nvunlock check-image --root="$ROOT" "$@"
}

refresh_images() {
  nvunlock refresh-images --root="$ROOT"
}

# unpacked FILE SKIP UNPACKER...: into $BATS_TEST_TMPDIR/unpacked, what follows SKIP bytes
unpacked() {
  mkdir -p "$BATS_TEST_TMPDIR/unpacked"
  tail -c "+$(($2 + 1))" "$1" | "${@:3}" | (cd "$BATS_TEST_TMPDIR/unpacked" && cpio --quiet -idmu)
}

@test "an image that is built now unlocks, however it is packed" {
  local packer
  for packer in cat gzip "xz --check=crc32" "zstd -q -19" "lz4 -lq"; do
    # shellcheck disable=SC2086  # words
    pack_tree "$TREE" "$IMAGE" $packer
    run check_image "$IMAGE"
    expect 0 "$IMAGE: unlocks this machine"
    run check_image --all
    expect 0 "$IMAGE: unlocks this machine"
  done
}

@test "what keeps an image from unlocking is said, with exit code 18" {
  make_blob 8680-00000002
  pack_tree "$TREE" "$IMAGE" gzip
  run check_image --all
  expect 18 "$IMAGE: would not unlock: it lacks nvdimm_8680-00000002"
  expect 18 "1 of 1 images would not unlock this machine -- rebuild the image"
}

@test "a line for each image; one that does not unlock is enough for 18" {
  pack_tree "$TREE" "$IMAGE" gzip
  echo nothing >"$ROOT/boot/initramfs-0-rescue-1234.img"
  run check_image --all
  expect 18 "$IMAGE: unlocks this machine"
  expect 18 "rescue-1234.img: would not unlock: it cannot be read"
  mv "$ROOT/boot/initramfs-0-rescue-1234.img" "$ROOT/boot/my-rescue.img"
  run check_image --all
  expect 18 "my-rescue.img: would not unlock"
}

@test "an image with the guard only is fine, but with --all one must unlock" {
  rm -r "$TREE"
  mkdir "$TREE"
  nvunlock image-files --root="$ROOT" --guard-only "$TREE"
  pack_tree "$TREE" "$IMAGE" gzip
  run check_image "$IMAGE"
  expect 0 "has the guard only"
  run check_image --all
  expect 18 "no initramfs image unlocks"
}

@test "while /boot is not mounted nobody knows what boots" {
  pack_tree "$TREE" "$IMAGE" gzip
  mkdir -p "$ROOT/etc"
  echo "/dev/sda1 $ROOT/boot ext4 noauto 0 2" >"$ROOT/etc/fstab"
  run check_image --all
  expect 1 "$ROOT/boot is not mounted, so the images that boot are missing"
  run refresh_images
  expect 1 "boot is not mounted"
}

@test "check-image --json, with the old keys in the image" {
  pack_tree "$TREE" "$IMAGE" gzip
  make_blob 8680-00000001
  local status=0 output
  output=$(check_image --json "$IMAGE" 2>/dev/null) || status=$?
  [[ $status -eq 18 ]]
  jq -e --arg image "$IMAGE" --arg blob "$BLOB" '. == [{"path": $image, "kind": "unlocking",
    "nvunlock": true, "guard": true, "unlocks": false,
    "problems": [$blob + " differs from the one in the keys directory"],
    "old_keys": ["etc/ndctl/keys/" + $blob]}]' <<<"$output"
}

@test "refresh-images appends what has changed, and cpio finds it there" {
  local size packer
  for packer in gzip "zstd -q" "lz4 -lq"; do
    # shellcheck disable=SC2086  # words
    pack_tree "$TREE" "$IMAGE" $packer
    size=$(stat -c %s "$IMAGE")
    make_blob 8680-00000001
    make_blob 8680-00000002
    run refresh_images
    expect 0 "$IMAGE"
    run check_image --all
    expect 0 "unlocks this machine; old keys: etc/ndctl/keys/$BLOB"
    unpacked "$IMAGE" $(((size + 7) / 4 * 4)) cat
    diff -r "$KEYS" "$BATS_TEST_TMPDIR/unpacked/etc/ndctl/keys"
    [[ -z $(find "$BATS_TEST_TMPDIR/unpacked" -type f -perm /077) ]]
    rm "$KEYS/nvdimm_8680-00000002_$(uname -n).blob"
  done
}

@test "refresh-images does not touch what is up to date" {
  pack_tree "$TREE" "$IMAGE" gzip
  touch -d @1000 "$IMAGE"
  run nvunlock refresh-images --root="$ROOT" --json
  expect 0
  [[ $(jq -c . <<<"$output") == "[\"$IMAGE\"]" ]]
  [[ $(stat -c %Y "$IMAGE") -eq 1000 ]]
}

# Each write is followed by an fsync before the rename. A boot loader that does not replay the journal may
# look for the old image until the file system is flushed: so long its blocks are nobody else's.
@test "each image is replaced by a whole one: fsync, rename, fsync of the directory, syncfs, close" {
  local whole='fsync rename fsync syncfs close'
  pack_tree "$TREE" "$IMAGE" gzip
  cp "$IMAGE" "$IMAGE.second"
  make_blob 8680-00000001
  strace -y -o "$BATS_TEST_TMPDIR/trace" -e trace=fsync,rename,syncfs,close "$NVUNLOCK" refresh-images --root="$ROOT"
  run sed -nE '/\.nvunlock\.lock/d; /^close/{/\(deleted\)/!d}; s/^([a-z]+)\(.*/\1/p' "$BATS_TEST_TMPDIR/trace"
  [[ $(xargs <<<"${output//$'close\nclose'/close}") == "$whole $whole syncfs" ]]
}

@test "refresh-images killed at any moment leaves the old image or the new one" {
  local call before after
  pack_tree "$TREE" "$IMAGE" gzip
  before=$(sha256sum <"$IMAGE")
  make_blob 8680-00000001
  for call in openat:when=12+ write fsync rename; do
    cp "$IMAGE" "$BATS_TEST_TMPDIR/image"
    run strace -o /dev/null -e "inject=${call%%:*}:signal=KILL${call#"${call%%:*}"}" \
      "$NVUNLOCK" refresh-images --root="$ROOT"
    [[ $status -ne 0 ]]
    after=$(sha256sum <"$IMAGE")
    if [[ $after != "$before" ]]; then check_image --all; fi
    cp "$BATS_TEST_TMPDIR/image" "$IMAGE"
  done
  refresh_images
  [[ $(find "$ROOT/boot" -type f) == "$IMAGE" ]]
}

@test "a command that rebuilds is run instead: rebuild-images=" {
  pack_tree "$TREE" "$IMAGE" gzip
  make_blob 8680-00000001
  nvunlock image-files --root="$ROOT" "$TREE"
  pack_tree "$TREE" "$BATS_TEST_TMPDIR/rebuilt" gzip
  echo "rebuild-images=cp $BATS_TEST_TMPDIR/rebuilt $IMAGE" >"$ROOT/etc/nvunlock/nvunlock.conf"
  run refresh_images
  expect 0 "$IMAGE"
  cmp "$BATS_TEST_TMPDIR/rebuilt" "$IMAGE"
}

@test "no image, wrong usage" {
  run refresh_images
  expect 18 "no initramfs image unlocks this machine"
  run check_image
  expect 2 "name the images"
  run check_image --all "$IMAGE"
  expect 2
  run nvunlock refresh-images --root="$ROOT" "$IMAGE"
  expect 2
}

@test "refresh-images waits for no user who has opened /boot or the directories of nvunlock" {
  pack_tree "$TREE" "$IMAGE" gzip
  make_blob 8680-00000001
  mkdir -p "$ROOT/run/nvunlock"
  run flock "$ROOT/boot" flock "$ROOT/run/nvunlock" flock "$KEYS" timeout 10 \
    "$NVUNLOCK" refresh-images --root="$ROOT"
  expect 0 "$IMAGE"
  check_image --all
}

# Of 256 KiB, the largest that is looked into, with 5000 names: 1.2 GiB, should each have a copy.
@test "a file of many names in a small image takes the memory of one" {
  head -c 262144 /dev/zero >"$TREE/data"
  python3 -c 'import os, sys
for i in range(5000): os.link(sys.argv[1] + "/data", f"{sys.argv[1]}/{i}")' "$TREE"
  pack_tree "$TREE" "$IMAGE" gzip
  ulimit -v 700000
  run check_image --all
  expect 0 "$IMAGE: unlocks this machine"
}
