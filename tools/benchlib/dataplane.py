# SPDX-License-Identifier: BSD-3-Clause
"""podlane-dataplane as it is installed, on two vdev ports, and the client that fills its tables."""
import collections
import os
import shutil
import subprocess
import tempfile
import time

from lablib.shell import LabError

from . import machine, packets

COPIES_KEPT = 5
copies = collections.deque()

CONFIG = """\
node:
  name: bench
ports:
{ports}pools:
  - cidr: {pool}
sockets:
  dataplane: {socket}
dataplane:
  main_lcore: {main}
  workers: [{workers}]
  idle: poll
  hugepages: true
  memory_mb: {memory_mb}
  mbufs: {mbufs}
  punt_interface: bench0
  fib:
    engine: {engine}
    max_routes: {max_routes}
"""


def copy_program(build_dir, work_dir):
    """Each start has a file of its own: where the code lies in memory is the page cache's choice, once for as
    long as the file is there, and one file may be slow in every start. The last few stay, as the next copy
    would get the pages of one that has just gone."""
    path = os.path.join(tempfile.mkdtemp(dir=work_dir), "podlane-dataplane")
    copies.append(shutil.copy(os.path.join(build_dir, "dataplane", "podlane-dataplane"), path))
    if len(copies) > COPIES_KEPT:
        os.unlink(copies.popleft())
    return path


def replaying(pcap, n_queues=1):
    """Ports of a case: one replays a file from memory by each of its queues, the other swallows what is sent."""
    return {"in": f"net_pcap0,{f'rx_pcap={pcap},' * n_queues}infinite_rx=1", "out": "net_null0,no-rx=1"}


class Dataplane:
    """One process on two devices, {name: devargs}; cores: of the main lcore, then of the workers."""

    def __init__(self, build_dir, work_dir, devices, engine, mbufs, memory_mb, cores):
        self.log_path = os.path.join(work_dir, "dataplane.log")
        self.socket = os.path.join(work_dir, "dataplane.sock")
        self.client = None
        self.is_stopped = False
        config = os.path.join(work_dir, "podlane.yaml")
        with open(config, "w", encoding="ascii") as out:
            ports = "".join(f"  - name: {name}\n    devargs: {devargs}\n    queues: {len(cores) - 1}\n"
                            for name, devargs in devices.items())
            out.write(CONFIG.format(ports=ports, pool=packets.POOL_CIDR, socket=self.socket,
                                    main=cores[0], workers=", ".join(map(str, cores[1:])),
                                    memory_mb=memory_mb,
                                    mbufs=mbufs, engine=engine,
                                    max_routes=65536 if engine == "lpm" else 2000000))
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        # Its TAP lives in a network namespace that goes with it.
        self.process = subprocess.Popen(
            ["unshare", "--net", copy_program(build_dir, work_dir), "--config", config],
            stdin=subprocess.DEVNULL,
            stdout=open(self.log_path, "wb"), stderr=subprocess.STDOUT)
        self.pid = self.process.pid     # unshare executes it in its own place
        try:
            self.connect(build_dir)
            self.workers = machine.worker_threads(self.pid, cores)
        except BaseException:
            self.stop()
            raise

    def connect(self, build_dir):
        def is_up():
            if self.process.poll() is not None:
                said = machine.read(self.log_path).strip().splitlines() or ["nothing said"]
                raise LabError(f"podlane-dataplane ended: {said[-1]}")
            return machine.listens(self.pid, self.socket)
        machine.wait_for("podlane-dataplane", is_up, 60)
        self.client = subprocess.Popen(
            [os.path.join(build_dir, "tools", "bench-client"), self.socket],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.read_answer()
        self.mac = packets.parse_mac(self.ask("port in")["mac"])
        self.out_port = self.ask("port out")["idx"]
        self.tsc_hz = int(self.ask("info")["tsc_hz"])

    def read_answer(self):
        line = self.client.stdout.readline().strip()
        if not line or line.startswith("error="):
            raise LabError(f"bench-client: {line[6:] or 'ended'}")
        return dict(word.split("=", 1) for word in line.split(" ") if "=" in word)

    def ask(self, words):
        self.client.stdin.write(words + "\n")
        self.client.stdin.flush()
        return self.read_answer()

    def stats(self):
        return {key: int(value) for key, value in self.ask("stats").items()}

    def measure(self, seconds):
        """Packets per second by its counters, and the worker's cycles for each of them."""
        begin = self.stats()
        time.sleep(seconds)
        end = self.stats()
        did = {key: end[key] - begin[key] for key in end}
        middle_ns = (did["before_ns"] + did["after_ns"]) / 2
        read_ns = max(one["after_ns"] - one["before_ns"] for one in (begin, end))
        return {"pps": did["tx"] / middle_ns * 1e9,
                "cycles_busy": did["busy"] / max(did["rx"], 1),
                "sent_share": did["tx"] / max(did["rx"], 1),
                "bytes_out": did["bytes"] / max(did["tx"], 1),
                "uncertainty": read_ns / middle_ns}

    def stop(self):
        if self.is_stopped:
            return
        self.is_stopped = True
        if self.client is not None:
            self.client.kill()
            self.client.wait()
        if self.process.poll() is None:
            machine.go_on(self.pid)
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
