# SPDX-License-Identifier: BSD-3-Clause
"""A node in a network namespace, for the control part of tools/bench: podlane-dataplane, which forwards
replayed packets, podlane-control, and a zebra, which may be tools/fpm-replay."""
import json
import os
import signal
import socket
import subprocess
import threading

from lablib.shell import LabError, run

from . import layout, machine, packets, plan, traffic

CONFIG = """\
node:
  name: bench
ports:
  - name: in
    devargs: net_pcap0,rx_pcap={pcap},infinite_rx=1
  - name: out
    devargs: net_null0,no-rx=1
    twin: true
pools:
  - cidr: {pool}
    encap: {encap}
tunnel:
  address: 172.16.0.1
inventory: {dir}/nodes.yaml
sockets:
  dataplane: {dir}/dataplane.sock
  control: {dir}/control.sock
dataplane:
  main_lcore: {main}
  workers: [{worker}]
  idle: poll
  hugepages: {hugepages}
  memory_mb: {memory_mb}
  mbufs: {mbufs}
  punt_interface: bench0
  fib:
    engine: dir24-8
    max_routes: {max_routes}
"""
NETNS = "podlane-bench"
MEMORY_MB = 1280                # of the dataplane, in hugepages
TBL24_BYTES, TBL8_BYTES = 4 << 24, 1024     # of the FIB, which keeps a /32 nowhere else
N_PACKETS = plan.K4             # that are replayed, each to another destination
MBUFS = N_PACKETS + 8192
OUR_CIDR = "172.16.0.1/12"
NICE = ["nice", "-n", "-15"]    # what is measured comes before what else runs here


def thread_sec(pid, tid):
    """What a thread has computed."""
    return int(machine.read(f"/proc/{pid}/task/{tid}/schedstat").split()[0]) / 1e9


def cpu_sec(pid):
    return sum(thread_sec(pid, tid) for tid in os.listdir(f"/proc/{pid}/task"))


def memory_mb(pid):
    """Resident memory, and of it what is in hugepages."""
    values = {}
    for line in machine.read(f"/proc/{pid}/status").splitlines():
        words = line.split()
        if words[0] in ("VmRSS:", "HugetlbPages:"):
            values[words[0]] = int(words[1]) / 1024
    return values.get("VmRSS:", 0), values.get("HugetlbPages:", 0)


class Node:
    def __init__(self, build_dir, work_dir, cores, netns=NETNS):
        self.build_dir = build_dir
        self.dir = work_dir
        self.cores = cores
        self.netns = netns
        self.processes = {}
        self.client = None
        self.client_lock = threading.Lock()
        self.config = os.path.join(work_dir, "podlane.yaml")

    def program(self, *path):
        return os.path.join(self.build_dir, *path)

    def start(self, name, argv, **pipes):
        log = open(os.path.join(self.dir, f"{name}.log"), "wb")
        pipes.setdefault("stdin", subprocess.DEVNULL)
        pipes.setdefault("stdout", log)
        pipes.setdefault("stderr", log)
        self.processes[name] = subprocess.Popen(NICE + ["ip", "netns", "exec", self.netns] + argv,
                                                **pipes)
        return self.processes[name]

    def log(self, name):
        return machine.read(os.path.join(self.dir, f"{name}.log"))

    def pid(self, name):
        return self.processes[name].pid

    def write_config(self, **changes):
        facts = {"pcap": os.path.join(self.dir, "packets.pcap"), "pool": packets.POOL_CIDR,
                 "dir": self.dir, "encap": "none", "main": self.cores[0], "worker": self.cores[1],
                 "memory_mb": MEMORY_MB, "hugepages": "true", "mbufs": MBUFS, "max_routes": 2000000,
                 **changes}
        with open(self.config, "w", encoding="ascii") as out:
            out.write(CONFIG.format(**facts))

    def write_packets(self, routed):
        """The packets to be replayed: between random addresses of those routed, each goes elsewhere."""
        offered = traffic.Traffic(n_flows=N_PACKETS, n_pods=routed.n)
        packets.write_pcap(os.path.join(self.dir, "packets.pcap"), offered.frames(routed))

    def write_inventory(self):
        """So that the MACs of the nodes' VTEPs are known."""
        with open(os.path.join(self.dir, "nodes.yaml"), "w", encoding="ascii") as out:
            out.write("nodes:\n" + "".join(
                f"  - name: node-{i}\n    address: {packets.address(packets.FIRST_NODE + i)}\n"
                for i in range(layout.NODES)))

    def change_config(self, before, after):
        text = machine.read(self.config)
        with open(self.config, "w", encoding="ascii") as out:
            out.write(text.replace(before, after))

    def start_dataplane(self):
        run(["ip", "netns", "add", self.netns])
        run(["ip", "-n", self.netns, "link", "set", "lo", "up"])
        self.start("dataplane", [self.program("dataplane", "podlane-dataplane"),
                                 "--config", self.config])
        self.await_socket("dataplane", "dataplane.sock")
        (self.worker, _), = machine.worker_threads(self.pid("dataplane"), self.cores)
        self.client = subprocess.Popen(
            [self.program("tools", "bench-client"), "--read", f"{self.dir}/dataplane.sock"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.read_answer()
        run(["ip", "-n", self.netns, "link", "set", "out", "up"])
        run(["ip", "-n", self.netns, "address", "add", OUR_CIDR, "dev", "out"])
        shown = json.loads(run(["ip", "-n", self.netns, "-j", "link", "show", "out"]))
        self.ifindex = shown[0]["ifindex"]
        lines = "".join(
            f"neigh replace {packets.address(packets.FIRST_NODE + i)} dev out nud permanent "
            f"lladdr 02:00:00:00:{i >> 8:02x}:{i & 255:02x}\n" for i in range(layout.NODES))
        run(["ip", "-n", self.netns, "-batch", "-"], feed=lines)

    def await_socket(self, name, path):
        def is_up():
            if self.processes[name].poll() is not None:
                said = self.log(name).strip().splitlines() or ["nothing said"]
                raise LabError(f"podlane-{name} ended: {said[-1]}")
            return machine.listens(self.pid(name), os.path.join(self.dir, path))
        machine.wait_for(f"podlane-{name}", is_up, 60)

    def start_control(self):
        if not os.path.exists(os.path.join(self.dir, "nodes.yaml")):
            self.write_inventory()
        path = os.path.join(self.dir, "control.sock")
        if os.path.exists(path):    # of one that was killed
            os.unlink(path)
        self.start("control", [self.program("control", "podlane-control"), "--config", self.config])
        self.await_socket("control", "control.sock")

    def read_answer(self):
        line = self.client.stdout.readline().strip()
        if not line or line.startswith("error="):
            raise LabError(f"bench-client: {line[6:] or 'ended'}")
        return dict(word.split("=", 1) for word in line.split(" ") if "=" in word)

    def ask(self, words):
        with self.client_lock:
            self.client.stdin.write(words + "\n")
            self.client.stdin.flush()
            return self.read_answer()

    def await_in_sync(self):
        machine.wait_for("podlane-control in sync",
                         lambda: self.control("sync")["sync"]["state"] == "in-sync", 60)

    def hang_up(self, name):
        os.kill(self.pid(name), signal.SIGHUP)

    def memory(self):
        """MB of each process. The dataplane has packet buffers and tables in hugepages that it takes at
        the start; what of these the routes use is known from its counts."""
        info = self.ask("info")
        n, n_tbl8 = int(info["routes"]), int(info["tbl8"])
        return {"control_mb": memory_mb(self.pid("control"))[0],
                "dataplane_mb": memory_mb(self.pid("dataplane"))[0],
                "dataplane_huge_mb": memory_mb(self.pid("dataplane"))[1],
                "tables_mb": (TBL24_BYTES + n_tbl8 * TBL8_BYTES) / 2**20,
                "routes": n, "tbl8": n_tbl8}

    def podlane_text(self, *words):
        return run([self.program("tools", "podlane", "podlane"), "--config", self.config, *words])

    def control(self, command, **more):
        """What control answers at its own socket."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(f"{self.dir}/control.sock")
            sock.sendall(json.dumps({"command": command, **more}).encode() + b"\n")
            text = b"".join(iter(lambda: sock.recv(1 << 20), b""))
        return json.loads(text)

    def start_replay(self, *files, speed=0):
        """tools/fpm-replay with files of frames; step_replay() has it send the next."""
        self.start("replay", [self.program("tools", "fpm-replay"), "--step", "--hold=1000",
                              f"--speed={speed}"] + [os.path.join(self.dir, name) for name in files],
                   stdin=subprocess.PIPE, stderr=subprocess.PIPE)

    def step_replay(self):
        process = self.processes["replay"]
        process.stdin.write(b"\n")
        process.stdin.flush()

    def replay_waited_sec(self):
        """Wait until the file is sent. Returns: how long fpm-replay had to wait for its reader."""
        for line in self.processes["replay"].stderr:
            if b"waited" in line:
                return float(line.split(b"waited ")[1].split()[0])
        raise LabError("fpm-replay ended")

    def kill(self, name):
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def end(self, name):
        process = self.processes.pop(name)
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()

    def stop(self):
        for name in reversed(list(self.processes)):
            self.end(name)
        if self.client is not None:
            self.client.kill()
            self.client.wait()
        run(["ip", "netns", "del", self.netns], check=False)
