# SPDX-License-Identifier: BSD-3-Clause
"""Run commands, wait for conditions, show progress."""
import subprocess
import sys
import time


class LabError(Exception):
    """Something failed; the text is one line that says what, where, and the mend if there is one."""


def run(argv, netns=None, feed=None, check=True, timeout_sec=120):
    """Run a command to its end and return what it printed.

    With check, a failure is a LabError with the first line of its complaint.
    """
    if netns is not None:
        argv = ["ip", "netns", "exec", netns] + list(argv)
    try:
        done = subprocess.run(argv, input=feed, text=True, timeout=timeout_sec, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError as error:
        raise LabError(f"{error.filename}: not there; run tools/setup, or build first") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"no end after {timeout_sec} s: {' '.join(argv)}") from None
    if check and done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing said").splitlines()[0]
        raise LabError(f"exit code {done.returncode} from: {' '.join(argv)}: {said}")
    return done.stdout


def say(text):
    """One line for whoever watches, at once even into a pipe."""
    print(text, flush=True)


class Progress:
    """A line that counts up on a terminal; elsewhere a line at the end, and one each 10 s."""

    def __init__(self, what):
        self.what = what
        self.began = time.monotonic()
        self.last = self.began
        self.is_tty = sys.stdout.isatty()
        if self.is_tty:
            self.turn("")

    def seconds(self):
        return time.monotonic() - self.began

    def turn(self, detail):
        now = time.monotonic()
        if self.is_tty:
            print(f"\r\033[K  {self.what} ... {self.seconds():.0f} s {detail}", end="", flush=True)
        elif now - self.last >= 10:
            say(f"  {self.what} ... {self.seconds():.0f} s {detail}")
            self.last = now

    def end(self, result="done"):
        start = "\r\033[K" if self.is_tty else ""
        say(f"{start}  {self.what}: {result} ({self.seconds():.1f} s)")


def wait_until(what, condition, timeout_sec=60, every_sec=0.2, quiet=False):
    """Wait until condition() is true, and return the seconds it took.

    condition() may return text instead, which says what is still missing; "" and True mean done.
    """
    began = time.monotonic()
    progress = None if quiet else Progress(what)
    while True:
        missing = condition()
        if missing is True or missing == "":
            if progress:
                progress.end("ok")
            return time.monotonic() - began
        detail = missing if isinstance(missing, str) else ""
        if time.monotonic() - began > timeout_sec:
            if progress:
                progress.end("NO")
            raise LabError(f"waited {timeout_sec} s for: {what}" +
                           (f" (missing: {detail})" if detail else ""))
        if progress:
            progress.turn(detail)
        time.sleep(every_sec)
