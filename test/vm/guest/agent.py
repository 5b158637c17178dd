# SPDX-License-Identifier: BSD-3-Clause
"""In the guest: does what comes in by the second serial line, one JSON line each.

    {"argv": [...], "timeout": SECONDS}         a command; answered by {"code": N, "out": "...", "err": "..."}
    {"call": "module.function", "args": [...]}  of this folder; {"value": ...} or {"error": "..."}, and before
                                                it {"say": "..."} for each line that it prints
"""
import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
import termios
import traceback
import tty

LINE = "/dev/ttyS1"
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path[:0] = [HERE, os.path.dirname(HERE), os.path.join(ROOT, "tools"),
                os.path.join(ROOT, "test", "system")]

from lablib.shell import LabError                 # noqa: E402  (needs the path above)


class Teller(io.TextIOBase):
    """Standard output of a call: each line goes to the host at once."""

    def __init__(self, line):
        self.line = line
        self.rest = ""

    def write(self, text):
        *whole, self.rest = (self.rest + text).split("\n")
        for one in whole:
            tell(self.line, {"say": one})
        return len(text)


def tell(line, answer):
    line.write(json.dumps(answer).encode() + b"\n")


def run(order):
    try:
        done = subprocess.run(order["argv"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=order["timeout"], check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"code": 127, "out": "", "err": str(error)}
    return {"code": done.returncode, "out": done.stdout.decode(errors="replace"),
            "err": done.stderr.decode(errors="replace")}


def call(order, line):
    module, _, function = order["call"].partition(".")
    try:
        with contextlib.redirect_stdout(Teller(line)):
            return {"value": getattr(importlib.import_module(module), function)(*order["args"])}
    except LabError as error:
        return {"error": str(error)}
    except Exception:  # a mistake of the test's own; the host shows where
        return {"error": traceback.format_exc()}


def main():
    fd = os.open(LINE, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    attributes = termios.tcgetattr(fd)
    attributes[4] = attributes[5] = termios.B115200
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
    os.chdir("/tmp")
    with os.fdopen(fd, "r+b", buffering=0) as line:
        tell(line, {"ready": True})
        waiting = b""
        while True:
            waiting += line.read(4096)
            if not waiting.endswith(b"\n"):
                continue
            order, waiting = json.loads(waiting), b""
            if order.get("end"):
                sys.exit(0)
            tell(line, call(order, line) if "call" in order else run(order))


main()
