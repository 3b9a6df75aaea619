# SPDX-License-Identifier: Apache-2.0
"""The DIMMs of a machine: media files, and the state file of their firmware."""

import os
import re
import struct

from bed.places import BED, BedError

MIB = 1 << 20
GIB = 1 << 30


def read_layout():
    """The numbers in firmware/layout.h, by name."""
    with open(os.path.join(BED, "firmware/layout.h"), encoding="ascii") as file:
        return {name: int(value, 0)
                for name, value in re.findall(r"^#define (\w+) (\w+)$", file.read(), re.M)}


LAYOUT = read_layout()
FORMATS = {"state": "B", "master_state": "B", "tries": "B", "master_tries": "B",
           "address": "Q", "size": "Q", "passphrase": "32s", "master_passphrase": "32s"}
COUNTERS = ("accepted", "refused", "refused_zero", "master_accepted", "master_refused",
            "master_refused_zero", "unlocks", "freezes", "wipes", "calls",
            "last_function", "last_status")
STATE_BITS = {name: LAYOUT[f"S_{name.upper()}"]
              for name in ("enabled", "locked", "frozen", "expired", "overwrite")}


class Dimms:
    """The DIMMs in a state directory."""

    def __init__(self, directory):
        self.directory = directory
        self.path = os.path.join(directory, "dimms.state")

    def exist(self):
        return os.path.exists(self.path)

    def create(self, count, size_mib):
        """New, empty DIMMs without a passphrase."""
        if not 0 <= count <= LAYOUT["MAX_DIMMS"]:
            raise BedError(f"cannot make {count} DIMMs: 0 to {LAYOUT['MAX_DIMMS']} are possible")
        if self.exist():
            raise BedError(f"{self.directory} has DIMMs: remove it, or use another directory")
        os.makedirs(self.directory, exist_ok=True)
        for index in range(count):
            with open(self.media(index), "wb") as file:
                file.truncate(size_mib * MIB)
        with open(self.path, "wb") as file:
            file.truncate(LAYOUT["STATE_SIZE"])
        self.put_header("magic", LAYOUT["MAGIC"])
        self.put_header("dimms", count)
        for index in range(count):
            self.put(index, "master_state", LAYOUT["M_ENABLED"])
            self.put(index, "address", 5 * GIB + index * GIB)
            self.put(index, "size", size_mib * MIB)

    def media(self, index):
        return os.path.join(self.directory, f"dimm{index}.img")

    def count(self):
        if not self.exist():
            raise BedError(f"no DIMMs in {self.directory}: make some with 'dimm DIR create N'")
        return self.header("dimms")

    def header(self, field):
        return self._read(LAYOUT[f"H_{field.upper()}"], "I")

    def put_header(self, field, value):
        self._write(LAYOUT[f"H_{field.upper()}"], "I", value)

    def get(self, index, field):
        return self._read(*self._place(index, field))

    def put(self, index, field, value):
        self._write(*self._place(index, field), value)

    def set_passphrase(self, index, passphrase):
        """Lock the DIMM with a passphrase (or none: None), as another machine might have."""
        self.put(index, "passphrase", passphrase or bytes(32))
        self.put(index, "state", STATE_BITS["enabled"] if passphrase else 0)

    def id(self, index):
        """What the guest's sysfs calls it: QEMU's serial numbers count from 0x123456."""
        return "8680-" + struct.pack("<I", 0x123456 + index).hex()

    def flags(self, index):
        state = self.get(index, "state")
        return [name for name, bit in STATE_BITS.items() if state & bit]

    def forget_counters(self):
        for index in range(self.count()):
            for name in COUNTERS:
                self.put(index, name, 0)

    def power_on(self, warm_keeps, max_tries, busy_answers):
        """What the firmware has to know when the power comes."""
        self.put_header("warm_keeps", int(warm_keeps))
        self.put_header("max_tries", max_tries)
        self.put_header("busy_answers", busy_answers)
        self.put_header("cold", 1)

    def _place(self, index, field):
        offset = LAYOUT.get(f"D_{field.upper()}")
        if offset is None:
            raise BedError(f"a DIMM has no '{field}': 'dimm DIR show' lists what it has")
        if not 0 <= index < self.count():
            raise BedError(f"no DIMM {index}: there are {self.count()}, from 0")
        page = LAYOUT["PAGES"] + index * LAYOUT["PAGE_SIZE"]
        return page + offset, FORMATS.get(field, "I")

    def _read(self, offset, form):
        with open(self.path, "rb") as file:
            file.seek(offset)
            return struct.unpack("<" + form, file.read(struct.calcsize(form)))[0]

    def _write(self, offset, form, value):
        with open(self.path, "r+b") as file:
            file.seek(offset)
            file.write(struct.pack("<" + form, value))
