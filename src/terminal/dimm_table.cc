// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/dimm_table.h"

#include <cstdio>

#include "src/terminal/output.h"

namespace nvunlock {
namespace {

std::string ToLine(const Dimm& dimm) {
  char line[200];
  snprintf(line, sizeof(line), "%-8s %-24s %-11s %-6s %s\n", dimm.nmem.c_str(),
           dimm.id.spelling().c_str(), ToWord(dimm.security), dimm.frozen ? "frozen" : "-",
           dimm.bound ? "enabled" : "disabled");
  return line;
}

}  // namespace

void PrintDimmTable(const std::vector<Dimm>& dimms) {
  if (dimms.empty()) return;
  Print("DIMM     ID                       SECURITY    FROZEN STATE\n");
  for (const Dimm& dimm : dimms) Print(ToLine(dimm));
}

}  // namespace nvunlock
