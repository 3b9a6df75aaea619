// SPDX-License-Identifier: Apache-2.0
// OpenSSL can load engines and look up host names. We never ask it to, and a static binary could
// not; the linker puts these in the place of what static glibc would warn of (--wrap).
#include <netdb.h>

#include <cerrno>

extern "C" {

void* __wrap_dlopen(const char*, int) {
  return nullptr;
}
void* __wrap_dlsym(void*, const char*) {
  return nullptr;
}
int __wrap_dlclose(void*) {
  return -1;
}
const char* __wrap_dlerror() {
  return "not in a static binary";
}
int __wrap_dladdr(const void*, void*) {
  return 0;
}

hostent* __wrap_gethostbyname(const char*) {
  return nullptr;
}
int __wrap_getnameinfo(const sockaddr*, unsigned, char*, unsigned, char*, unsigned, int) {
  return EAI_FAIL;
}
int __wrap_getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
  return EAI_FAIL;
}
void __wrap_freeaddrinfo(addrinfo*) {}
const char* __wrap_gai_strerror(int) {
  return "no name lookup in a static binary";
}

}  // extern "C"
