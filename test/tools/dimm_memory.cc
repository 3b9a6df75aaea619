// SPDX-License-Identifier: Apache-2.0
// dimm_memory: looks at and changes DIMM I of the test bed from inside the guest, behind the
// kernel's back.
//
//   dimm_memory show I           shell assignments: what its firmware remembers, and whether mark's
//                                pattern is in the first and the last page of its media
//                                (marked=yes) or in neither (marked=no)
//   dimm_memory mark I           writes the pattern
//   dimm_memory save I FILE      all that the firmware remembers of it
//   dimm_memory restore I FILE
//   dimm_memory state I NUMBER   its state: the S_ bits of layout.h, added up
//   dimm_memory mute I N         the N-th security function that is called from now on, of whatever
//                                DIMM, is done and does not answer; 0: all answer
//
// The kernel learns of another state when it next asks the firmware: "disable 0" makes it ask, and
// costs no attempt where the DIMM is not unlocked.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "test/qemu/firmware/layout.h"

namespace {

constexpr char kStateFile[] = "/sys/bus/pci/devices/0000:00:10.0/resource2";
constexpr char kPattern[] = "the data of this DIMM";
constexpr size_t kMediaPage = 4096;

struct Field {
  size_t offset;
  size_t size;
};

const std::map<std::string, Field> kFields = {
    {"state", {D_STATE, 1}},
    {"refused", {D_REFUSED, 4}},
    {"master_refused", {D_MASTER_REFUSED, 4}},
    {"address", {D_ADDRESS, 8}},
    {"size", {D_SIZE, 8}},
};

[[noreturn]] void Die(const char* what) {
  perror(what);
  exit(125);
}

/// SIZE bytes of PATH from OFFSET on, for as long as the program runs.
volatile uint8_t* Map(const char* path, size_t offset, size_t size) {
  int fd = open(path, O_RDWR | O_CLOEXEC | O_SYNC);
  if (fd < 0) Die(path);
  void* memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (memory == MAP_FAILED) Die("mmap");
  return static_cast<volatile uint8_t*>(memory);
}

class DimmPage {
 public:
  explicit DimmPage(size_t index)
      : header_(Map(kStateFile, 0, STATE_SIZE)), page_(header_ + PAGES + index * PAGE_SIZE) {}

  void Mute(uint8_t calls) { header_[H_MUTE] = calls; }

  [[nodiscard]] std::string Bytes(size_t offset, size_t size) const {
    std::string bytes;
    for (size_t i = 0; i < size; i++) bytes += static_cast<char>(page_[offset + i]);
    return bytes;
  }

  void Put(size_t offset, const std::string& bytes) {
    for (size_t i = 0; i < bytes.size(); i++) page_[offset + i] = static_cast<uint8_t>(bytes[i]);
  }

  [[nodiscard]] uint64_t Number(const std::string& name) const {
    Field field = kFields.at(name);
    uint64_t number = 0;
    memcpy(&number, Bytes(field.offset, field.size).data(), field.size);
    return number;
  }

  /// The first page of the media, or the last.
  [[nodiscard]] volatile uint8_t* Media(bool last) const {
    return Map("/dev/mem", Number("address") + (last ? Number("size") - kMediaPage : 0),
               kMediaPage);
  }

 private:
  volatile uint8_t* header_;
  volatile uint8_t* page_;
};

void Mark(const DimmPage& dimm) {
  for (bool last : {false, true}) {
    volatile uint8_t* media = dimm.Media(last);
    for (size_t i = 0; i < sizeof kPattern; i++) media[i] = static_cast<uint8_t>(kPattern[i]);
  }
}

const char* Marked(const DimmPage& dimm) {
  int pages = 0;
  for (bool last : {false, true}) {
    volatile uint8_t* media = dimm.Media(last);
    bool has_it = true;
    for (size_t i = 0; i < sizeof kPattern; i++) has_it = has_it && media[i] == kPattern[i];
    pages += has_it;
  }
  return pages == 2 ? "yes" : pages == 0 ? "no" : "partly";
}

std::string ReadAll(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void PrintHex(const char* name, const std::string& bytes) {
  printf("%s=", name);
  for (char c : bytes) printf("%02x", static_cast<uint8_t>(c));
  printf("\n");
}

void Show(const DimmPage& dimm) {
  for (const auto& [name, field] : kFields) {
    printf("%s=%llu\n", name.c_str(), static_cast<unsigned long long>(dimm.Number(name)));
  }
  printf("marked=%s\n", Marked(dimm));
  PrintHex("passphrase", dimm.Bytes(D_PASSPHRASE, 32));
  PrintHex("master_passphrase", dimm.Bytes(D_MASTER_PASSPHRASE, 32));
}

/// False for a command that there is not.
bool Run(DimmPage& dimm, const std::string& command, const char* argument) {
  if (command == "show") {
    Show(dimm);
  } else if (command == "mark") {
    Mark(dimm);
  } else if (argument == nullptr) {
    return false;
  } else if (command == "state") {
    dimm.Put(D_STATE, std::string(1, static_cast<char>(atoi(argument))));
  } else if (command == "mute") {
    dimm.Mute(static_cast<uint8_t>(atoi(argument)));
  } else if (command == "save") {
    std::ofstream(argument, std::ios::binary) << dimm.Bytes(0, PAGE_SIZE);
  } else if (command == "restore") {
    dimm.Put(0, ReadAll(argument));
  } else {
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 125;
  DimmPage dimm(strtoul(argv[2], nullptr, 10));
  return Run(dimm, argv[1], argc > 3 ? argv[3] : nullptr) ? 0 : 125;
}
