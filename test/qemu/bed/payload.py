# SPDX-License-Identifier: Apache-2.0
"""What the host hands to the guest: a tar archive that the guest sees as a disk."""

import io
import os
import shlex
import tarfile

from bed.places import BED, TOP, BedError


def binary():
    """The program under test, or None when it is not built."""
    path = os.environ.get("NVUNLOCK_BINARY", os.path.join(TOP, "build/nvunlock"))
    return path if os.path.exists(path) else None


def environment_text(assignments):
    for assignment in assignments:
        if "=" not in assignment:
            raise BedError(f"--env {assignment}: write NAME=VALUE")
    pairs = (assignment.split("=", 1) for assignment in assignments)
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in pairs)


def write(path, script, assignments, files):
    """A guest without a script gives a shell. files: GUEST-PATH=HOST-PATH."""
    with tarfile.open(path, "w") as tar:
        tar.add(os.path.join(BED, "guest/lib.sh"), "test/lib.sh")
        if script:
            tar.add(script, "test/run.sh")
            add_text(tar, "test/env", environment_text(assignments))
        if binary():
            tar.add(binary(), "usr/bin/nvunlock")
        for pair in files:
            guest, _, host = pair.partition("=")
            tar.add(host, guest.lstrip("/"))


def add_text(tar, name, text):
    data = text.encode()
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
