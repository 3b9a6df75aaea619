# SPDX-License-Identifier: Apache-2.0
"""Signing the PCR 11 that a Unified Kernel Image will have, with systemd-measure."""

import contextlib
import os
import tempfile
import time

from bed import children
from bed.places import BedError, run

MEASURE = "/lib/systemd/systemd-measure"


def make_key(path):
    run("openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
        "-out", path)


def public_key(key, target):
    run("openssl", "pkey", "-in", key, "-pubout", "-out", target)
    return target


def sign(key, public, sections, phases):
    """The text of tpm2-pcr-signature.json. sections: names and files of what is measured."""
    options = [f"--{name}={path}" for name, path in sections.items()]
    options += [f"--phase={phase}" for phase in phases]
    with scratch_tpm() as tcti:
        return run(MEASURE, "sign", "--bank=sha256", f"--private-key={key}",
                   f"--public-key={public}", f"--tpm2-device={tcti}", *options)


@contextlib.contextmanager
def scratch_tpm():
    """systemd-measure has a TPM calculate the policy digest; any will do."""
    with tempfile.TemporaryDirectory() as directory:
        socket = os.path.join(directory, "socket")
        swtpm = children.start(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={directory}",
             "--server", f"type=unixio,path={socket}", "--ctrl", f"type=unixio,path={socket}.ctrl",
             "--flags", "not-need-init,startup-clear"],
            stdout=children.PIPE, stderr=children.STDOUT)
        try:
            await_file(socket)
            yield f"swtpm:path={socket}"
        finally:
            swtpm.kill()
            swtpm.wait()


def await_file(path):
    for _ in range(100):
        if os.path.exists(path):
            return
        time.sleep(0.05)
    raise BedError(f"swtpm made no {path}: start it by hand to see why")
