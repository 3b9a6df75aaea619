# SPDX-License-Identifier: Apache-2.0
"""The machine's TPM: swtpm, talking to QEMU through a socket pair."""

import os
import shutil
import socket
import subprocess

from bed import children
from bed.places import BedError


class Tpm:
    """A TPM whose state is in a directory; a missing directory means a new TPM."""

    def __init__(self, directory, log, banks):
        if not os.path.exists(directory):
            manufacture(directory, banks)
        self.socket, theirs = socket.socketpair()
        with theirs:
            self.process = children.start(
                ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={directory}", "--terminate",
                 "--ctrl", f"type=unixio,clientfd={theirs.fileno()}",
                 "--log", f"file={log},level=1,truncate"], pass_fds=[theirs.fileno()])

    def qemu_arguments(self, kind):
        return ["-chardev", f"socket,id=tpm,fd={self.socket.fileno()}",
                "-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", f"tpm-{kind},tpmdev=tpm"]

    def stop(self):
        self.socket.close()
        children.end(self.process, 5)


def manufacture(directory, banks):
    """A TPM as a vendor ships it: endorsement keys, and only these PCR banks active."""
    work = directory + ".new"
    shutil.rmtree(work, ignore_errors=True)
    os.mkdir(work)
    done = subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", work, "--createek",
                           "--pcr-banks", banks], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BedError(f"swtpm_setup made no TPM: {done.stdout.strip() or done.stderr.strip()}")
    os.rename(work, directory)
