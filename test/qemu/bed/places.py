# SPDX-License-Identifier: Apache-2.0
"""Where things are, and how the bed's tools fail."""

import os
import subprocess
import sys

BED = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TOP = os.path.dirname(os.path.dirname(BED))


class BedError(Exception):
    """Something is wrong outside the guest; the message says what and what to do."""


def run_or_fail(tool, body):
    """The frame of a command-line tool: one line for an error, no traceback."""
    try:
        return body()
    except (BedError, OSError) as error:
        sys.exit(f"{tool}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def run(*command):
    """Run a program that says nothing but its result; what that is."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BedError(f"{command[0]} failed: {done.stderr.strip()}")
    return done.stdout


def build(*command):
    """Run one of the bed's builders; what it prints is the path of what it built."""
    done = subprocess.run([os.path.join(BED, command[0]), *command[1:]],
                          stdout=subprocess.PIPE, check=False, text=True)
    if done.returncode != 0:
        raise BedError(f"{command[0]} failed, see above")
    return done.stdout.strip()


def kernel_release(kernel):
    """What uname -r says under this kernel."""
    return os.listdir(os.path.join(build("kernel", kernel), "lib/modules"))[0]
