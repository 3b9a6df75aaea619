// SPDX-License-Identifier: Apache-2.0
// free() and realloc() that wipe what they give back. The linker puts them in place of the C
// library's (--wrap=free, --wrap=realloc), inside the static archives too: ESYS and OpenSSL leave
// plaintext in the buffers that they free.
#include <malloc.h>

#include <cstdlib>
#include <cstring>

extern "C" {

void __real_free(void* memory);

void __wrap_free(void* memory) {
  if (memory == nullptr) return;
  explicit_bzero(memory, malloc_usable_size(memory));
  __real_free(memory);
}

void* __wrap_realloc(void* memory, size_t size) {
  if (memory == nullptr) return malloc(size);
  if (size == 0) {
    __wrap_free(memory);
    return nullptr;
  }
  size_t old_size = malloc_usable_size(memory);
  if (size <= old_size && size >= old_size / 2) return memory;
  void* moved = malloc(size);
  if (moved == nullptr) return nullptr;
  memcpy(moved, memory, old_size < size ? old_size : size);
  __wrap_free(memory);
  return moved;
}

}  // extern "C"
