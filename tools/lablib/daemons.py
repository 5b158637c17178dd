# SPDX-License-Identifier: BSD-3-Clause
"""Daemons by PID and start time: a PID that was reused by another process is never touched."""
import os
import signal
import subprocess
import time

from .shell import LabError


def start_time(pid):
    """The kernel's start time of a live process; None if it is gone or only waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] in "ZX":
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        return None
    return int(fields[19])


def end_pid(pid, began, grace_sec):
    """SIGTERM, and SIGKILL after grace_sec. Returns the seconds it took."""
    since = time.monotonic()
    for sign, patience in ((signal.SIGTERM, grace_sec), (signal.SIGKILL, 5)):
        if start_time(pid) != began:
            break
        os.kill(pid, sign)
        until = time.monotonic() + patience
        while start_time(pid) == began and time.monotonic() < until:
            time.sleep(0.02)
    return time.monotonic() - since


SANITIZER_WORDS = ("runtime error:", "ERROR: AddressSanitizer", "ERROR: LeakSanitizer")


class Daemons:
    """The daemons of one state directory; each has a name such as "a-zebra"."""

    def __init__(self, state_dir):
        self.complaints = []    # of sanitizers, in the logs of daemons that were stopped
        self.pid_dir = os.path.join(state_dir, "pids")
        self.log_dir = os.path.join(state_dir, "logs")

    def log_path(self, name):
        return os.path.join(self.log_dir, name + ".log")

    def _record(self, name):
        try:
            with open(os.path.join(self.pid_dir, name), encoding="ascii") as record:
                pid, began = record.read().split()
            return int(pid), int(began)
        except (FileNotFoundError, ValueError):
            return None

    def names(self):
        """All that were started and not ended, oldest first."""
        try:
            entries = [entry for entry in os.scandir(self.pid_dir) if entry.is_file()]
        except FileNotFoundError:
            return []
        return [entry.name for entry in sorted(entries, key=lambda one: one.stat().st_mtime_ns)]

    def pid(self, name):
        """PID of a daemon that runs, otherwise None."""
        record = self._record(name)
        if record is None or start_time(record[0]) != record[1]:
            return None
        return record[0]

    def start(self, name, argv, netns=None, env=None):
        """Start a daemon that stays in the foreground; its output goes to its log."""
        if self.pid(name) is not None:
            raise LabError(f"{name} runs already")
        os.makedirs(self.pid_dir, exist_ok=True)
        os.makedirs(self.log_dir, exist_ok=True)
        if netns is not None:
            argv = ["ip", "netns", "exec", netns] + argv
        with open(self.log_path(name), "ab") as log:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True,
                                       env=None if env is None else {**os.environ, **env})
        with open(os.path.join(self.pid_dir, name), "w", encoding="ascii") as record:
            record.write(f"{process.pid} {start_time(process.pid) or 0}\n")
        return process.pid

    def check(self, name):
        """LabError with the log's last line if the daemon is not running."""
        if self.pid(name) is None:
            raise LabError(f"{name} ended: {self.last_line(name)} (log: {self.log_path(name)})")

    def lines(self, name):
        """What a daemon said, of all its starts."""
        try:
            with open(self.log_path(name), encoding="utf-8", errors="replace") as log:
                return [line for line in log.read().splitlines() if line.strip()]
        except FileNotFoundError:
            return []

    def last_line(self, name):
        lines = self.lines(name)
        return lines[-1] if lines else "it said nothing"

    def kill(self, name, sign=signal.SIGKILL):
        """Send a signal, and for SIGKILL wait until the daemon is gone."""
        record = self._record(name)
        if record is None or start_time(record[0]) != record[1]:
            raise LabError(f"{name} does not run")
        os.kill(record[0], sign)
        while sign == signal.SIGKILL and start_time(record[0]) == record[1]:
            time.sleep(0.005)

    def stop(self, name, grace_sec=5):
        """End a daemon if it runs, and forget it. Returns the seconds it took."""
        record = self._record(name)
        took = end_pid(*record, grace_sec) if record is not None else 0.0
        for line in self.lines(name):
            complaint = f"{name}: {line}"
            if any(word in line for word in SANITIZER_WORDS) and complaint not in self.complaints:
                self.complaints.append(complaint)
        try:
            os.unlink(os.path.join(self.pid_dir, name))
        except FileNotFoundError:
            pass
        return took
