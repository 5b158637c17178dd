# SPDX-License-Identifier: BSD-3-Clause
"""In the guest: runs the commands that come in by the second serial line, one JSON line each.

    {"argv": [...], "timeout": SECONDS}  is answered by  {"code": N, "out": "...", "err": "..."}
"""
import json
import os
import subprocess
import sys
import termios
import tty

LINE = "/dev/ttyS1"


def run(order):
    try:
        done = subprocess.run(order["argv"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=order["timeout"], check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"code": 127, "out": "", "err": str(error)}
    return {"code": done.returncode, "out": done.stdout.decode(errors="replace"),
            "err": done.stderr.decode(errors="replace")}


def main():
    fd = os.open(LINE, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    attributes = termios.tcgetattr(fd)
    attributes[4] = attributes[5] = termios.B115200
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
    os.chdir("/tmp")
    with os.fdopen(fd, "r+b", buffering=0) as line:
        line.write(b'{"ready": true}\n')
        waiting = b""
        while True:
            waiting += line.read(4096)
            if not waiting.endswith(b"\n"):
                continue
            order, waiting = json.loads(waiting), b""
            if order.get("end"):
                sys.exit(0)
            line.write(json.dumps(run(order)).encode() + b"\n")


main()
