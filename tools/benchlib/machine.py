# SPDX-License-Identifier: BSD-3-Clause
"""The machine: hugepages for the run, who runs where, and was somebody else on our core."""
import glob
import os
import platform
import signal
import time

from lablib.shell import LabError

NR_HUGEPAGES = "/proc/sys/vm/nr_hugepages"
HUGEPAGE_MB = 2
SO_ACCEPTCON = 1 << 16      # of /proc/net/unix, linux/net.h


def read(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


class Hugepages:
    """with Hugepages(mb): the machine has that many, and afterwards what it had before."""

    def __init__(self, mb):
        self.wanted = mb // HUGEPAGE_MB
        self.before = int(read(NR_HUGEPAGES))

    def set(self, n):
        with open(NR_HUGEPAGES, "w", encoding="ascii") as file:
            file.write(f"{n}\n")

    def __enter__(self):
        self.set(self.before + self.wanted)
        got = int(read(NR_HUGEPAGES)) - self.before
        if got < self.wanted:
            self.set(self.before)
            raise LabError(f"hugepages: {got * HUGEPAGE_MB} of {self.wanted * HUGEPAGE_MB} MB; "
                           "free memory (echo 3 > /proc/sys/vm/drop_caches)")
        return self

    def __exit__(self, *_):
        self.set(self.before)


def describe():
    """What the figures are from."""
    cpu = [line for line in read("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    return {"cpu": cpu[0].partition(":")[2].strip() if cpu else platform.machine(),
            "cores": os.cpu_count(), "kernel": platform.release()}


def worker_thread(pid, core):
    """The thread of a DPDK program that is pinned to this core alone."""
    for status in glob.glob(f"/proc/{pid}/task/*/status"):
        lines = read(status).splitlines()
        tid = int(status.split("/")[4])
        if f"Cpus_allowed_list:\t{core}" in lines and tid != pid and "worker" in lines[0]:
            return tid
    raise LabError(f"process {pid} has no worker on core {core}")


def worker_threads(pid, cores):
    """[(thread, core), ...] of a DPDK program; cores: its main lcore's, then the workers'. Each core but the
    main lcore's is claimed."""
    workers = [(worker_thread(pid, core), core) for core in cores[1:]]
    for tid, core in workers:
        if core != cores[0]:
            claim_core(tid)
    return workers


def claim_core(tid):
    """Let nobody else on a worker's core while it runs, as on a node with isolated cores."""
    os.sched_setscheduler(tid, os.SCHED_FIFO, os.sched_param(1))


def stolen_sec(core):
    """Time the hypervisor took from a core."""
    for line in read("/proc/stat").splitlines():
        words = line.split()
        if words[0] == f"cpu{core}":
            return int(words[8]) / os.sysconf("SC_CLK_TCK")
    return 0.0


class Watch:
    """How much of a time on a core did not belong to its thread: others ran there, or the host did. The mean,
    if there are several. workers: [(thread, core), ...]"""

    def __init__(self, pid, workers):
        self.pid = pid
        self.workers = workers
        self.before = self.now()

    def now(self):
        return sum(int(read(f"/proc/{self.pid}/task/{tid}/schedstat").split()[1]) / 1e9 + stolen_sec(core)
                   for tid, core in self.workers)

    def lost_sec(self):
        before, self.before = self.before, self.now()
        return (self.before - before) / len(self.workers)


def pause(pid):
    os.kill(pid, signal.SIGSTOP)


def go_on(pid):
    os.kill(pid, signal.SIGCONT)


def listens(pid, path):
    """Does the process, in its network namespace, take connections at a unix socket? The file alone is there
    a little before."""
    fields = [line.split() for line in read(f"/proc/{pid}/net/unix").splitlines()]
    return any(one[-1] == path and int(one[3], 16) & SO_ACCEPTCON for one in fields[1:])


def wait_for(what, condition, timeout_sec):
    until = time.monotonic() + timeout_sec
    while not condition():
        if time.monotonic() > until:
            raise LabError(f"waited {timeout_sec} s for: {what}")
        time.sleep(0.02)
