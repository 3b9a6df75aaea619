# SPDX-License-Identifier: Apache-2.0
"""Processes that end when the launcher does, however it ends."""

import ctypes
import signal
import subprocess
from subprocess import PIPE, STDOUT  # for callers of start

__all__ = ["PIPE", "STDOUT", "start", "end"]

PR_SET_PDEATHSIG = 1


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command, **keywords):
    return subprocess.Popen(command, preexec_fn=_die_with_parent, **keywords)


def end(process, seconds):
    """Give a process some time to end by itself, then kill it."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
