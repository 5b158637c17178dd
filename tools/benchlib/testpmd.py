# SPDX-License-Identifier: BSD-3-Clause
"""The ceiling: dpdk-testpmd between the devices that the dataplane has, with the same packets."""
import re
import subprocess
import time

from lablib.shell import LabError

from . import machine

PROMPT = "testpmd> "
RATE = re.compile(r"Tx-pps:\s+(\d+)")


def argv(devices, mbufs, memory_mb, cores):
    # into a pipe it would say nothing until its buffer is full
    lcores, n_workers = ",".join(f"{i}@{core}" for i, core in enumerate(cores)), len(cores) - 1
    return ["stdbuf", "-oL", "dpdk-testpmd", f"--lcores={lcores}", "--main-lcore=0", "--no-pci",
            "--in-memory", f"-m{memory_mb}", "--no-telemetry", "--iova-mode=va", "--file-prefix=podlane-bench", "--log-level=lib.*:4",
            *(f"--vdev={device}" for device in devices), "--", "-i", f"--nb-cores={n_workers}",
            f"--rxq={n_workers}", f"--txq={n_workers}", f"--total-num-mbufs={mbufs}", "--no-flush-rx",
            "--burst=32", "--forward-mode=io"]


class Testpmd:
    """One process on two devices; mode is what it does with the packets. cores: as a Dataplane's."""

    def __init__(self, devices, mbufs, memory_mb, cores):
        self.process = subprocess.Popen(argv(devices, mbufs, memory_mb, cores),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.pid = self.process.pid
        self.mode = None
        try:
            self.answer()
            self.set_mode("io")
            self.workers = machine.worker_threads(self.pid, cores)
        except BaseException:
            self.stop()
            raise

    def answer(self):
        """What it says up to its prompt."""
        text = b""
        while not text.endswith(PROMPT.encode()):
            byte = self.process.stdout.read1(65536)
            if not byte:
                raise LabError("dpdk-testpmd ended: " +
                               text.decode(errors="replace").strip().splitlines()[-1])
            text += byte
        return text.decode(errors="replace")

    def command(self, words):
        self.process.stdin.write(words.encode() + b"\n")
        self.process.stdin.flush()
        return self.answer()

    def set_mode(self, mode):
        if mode == self.mode:
            return
        if self.mode is not None:
            self.command("stop")
        self.command(f"set fwd {mode}")
        self.command("start")
        self.mode = mode

    def measure(self, seconds):
        """Packets per second, by its own counters and its own clock."""
        self.command("show port stats 1")
        time.sleep(seconds)
        found = RATE.search(self.command("show port stats 1"))
        if not found:
            raise LabError("dpdk-testpmd does not say its rate")
        return {"pps": int(found.group(1))}

    def stop(self):
        if self.process.poll() is None:
            machine.go_on(self.pid)
            self.process.kill()
        self.process.wait()
