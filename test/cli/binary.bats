#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The binary itself: static, hardened, and reading nothing that it should not.

load common

setup_file() { start_tpm; }
teardown_file() { stop_tpm; }

elf() {
  readelf -W "$@" "$NVUNLOCK"
}

@test "it is static and position independent" {
  run ldd "$NVUNLOCK"
  [[ $output == *"statically linked"* ]]
  [[ $(elf -h) == *"DYN (Position-Independent"* ]]
  [[ $(elf -l) != *INTERP* ]]
}

@test "no segment is writable and executable, the stack is not executable, RELRO is full" {
  refute grep -q RWE <(elf -l)
  elf -l | grep -q 'GNU_STACK .* RW '
  elf -l | grep -q GNU_RELRO
  elf -d | grep -q BIND_NOW
}

@test "stack protector and FORTIFY are in our own code" {
  nm "$NVUNLOCK.unstripped" | grep -q __stack_chk_fail
  nm "$NVUNLOCK.unstripped" | grep -q '__.*_chk$'
}

@test "it opens no configuration of OpenSSL, no library, no locale" {
  fresh_keys
  strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=%file \
    "$NVUNLOCK" enroll --root="$ROOT_OF_TEST" --keys-dir="$KEYS" --tpm2-device="$TPM" --tpm2-pcrs=7+8 --weak-policy --no-recovery
  grep -q nvdimm-master.pem "$BATS_TEST_TMPDIR/trace"
  refute grep -E 'openssl|\.so|\.cnf|locale|/etc/ssl' "$BATS_TEST_TMPDIR/trace"
}

@test "it starts no other program" {
  fresh_keys
  enroll
  keyctl clear @u
  strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=%process \
    "$NVUNLOCK" load-keys --keys-dir="$KEYS" --tpm2-device="$TPM"
  [[ $(grep -cE 'execve|fork|clone' "$BATS_TEST_TMPDIR/trace") == 1 ]]
}

# What the unit tests switch off, to see it missing, they reach through the linker.
@test "no function but free, realloc and what static glibc warns of is replaced; no switch" {
  replaced=$(nm "$NVUNLOCK.unstripped" | sed -n 's/.* [Tt] __wrap_//p' | sort | xargs)
  [[ $replaced == "dladdr dlclose dlerror dlopen dlsym free freeaddrinfo gai_strerror getaddrinfo \
gethostbyname getnameinfo realloc" ]]
  nm "$NVUNLOCK.unstripped" | grep -q ' Esys_StartAuthSession$'
}

@test "no code of its own reads the environment" {
  objects=$(find "${NVUNLOCK%/*}/src" "${NVUNLOCK%/*}/tpm" -name '*.o')
  [[ -n $objects ]]
  # shellcheck disable=SC2086  # many words
  refute grep -E ' U (secure_)?getenv$' <(nm $objects)
}

@test "without standard error no message is written into a file that has its number" {
  fresh_keys
  enroll
  make_blob 8680-00000001
  enroll --kek=user:new
  # shellcheck disable=SC2016  # that shell's
  strace -y -o "$BATS_TEST_TMPDIR/trace" -e trace=write sh -c 'exec "$@" 2>&-' - \
    "$NVUNLOCK" rotate-kek --root="$BATS_TEST_TMPDIR" --keys-dir="$KEYS" --no-image -v --to=user:new
  grep -q '^write(2.*step: settled.* EBADF' "$BATS_TEST_TMPDIR/trace"
}
