# SPDX-License-Identifier: BSD-3-Clause
"""Podlane on one node of the lab: its copy of podlane.yaml, its two daemons, what it counts."""
import json
import os
import subprocess

from .shell import LabError, run, wait_until
from .topology import POOL, ROOT

CONFIG = """\
# Written by tools/lab for node {name}; every key is explained in configs/podlane.yaml.
node:
  name: {hostname}
ports:
  - name: {port}
    {device}
    queues: 1
    checksum: {checksum}
pods:
  match: "{match}"
  checksum: {checksum}
pools:
  - cidr: {pool}
    encap: {encap}
    scope: {scope}
inventory: "{inventory}"
fpm:
  listen: 127.0.0.1:2620
sockets:
  dataplane: {dir}/dataplane.sock
  control: {dir}/control.sock
dataplane:
  main_lcore: {main_lcore}
  workers: [{worker}]
  idle: sleep
  hugepages: {hugepages}
  memory_mb: {memory_mb}
"""


class Podlane:
    start_sec = 60      # until a daemon answers

    def __init__(self, daemons, node, state_dir, build_dir, slot, checksum):
        self.daemons = daemons
        self.node = node
        self.dir = os.path.join(state_dir, node.name)
        self.build_dir = build_dir or os.path.join(ROOT, "build")
        self.config = os.path.join(self.dir, "podlane.yaml")
        self.checksum = checksum
        self.slot = slot

    @property
    def names(self):
        return {part: f"{self.node.name}-{part}" for part in ("dataplane", "control")}

    def program(self, name):
        """Path of a program in the build folder."""
        folder = {"podlane-dataplane": "dataplane", "podlane-control": "control",
                  "podlane": "tools/podlane"}[name]
        path = os.path.join(self.build_dir, folder, name)
        if not os.path.exists(path):
            raise LabError(f"{path}: not there; build first: ninja -C {self.build_dir}")
        return path

    def config_text(self, **changes):
        """podlane.yaml of this node. With four cores or more the nodes share none; with fewer they
        cross, so that no core has two workers."""
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise LabError("the lab needs two cores: a main lcore and a worker for each dataplane")
        pair = cores[2 * self.slot:2 * self.slot + 2]
        if len(pair) < 2:
            pair = cores[:2] if self.slot % 2 == 0 else cores[1::-1]
        facts = {"name": self.node.name.upper(), "hostname": self.node.hostname, "dir": self.dir,
                 "pool": POOL, "encap": "follow", "scope": "always", "inventory": "",
                 "checksum": self.checksum, "match": "cali*",
                 "port": "uplink0", "device": "interface: eth0", "hugepages": "false",
                 "main_lcore": pair[0], "worker": pair[1], "memory_mb": 256, **changes}
        return CONFIG.format(**facts)

    def write_config(self, **changes):
        with open(self.config, "w", encoding="ascii") as out:
            out.write(self.config_text(**changes))

    def start(self):
        self.write_config()
        self.start_dataplane()
        self.start_control()

    def start_dataplane(self):
        name = self.names["dataplane"]
        socket = os.path.join(self.dir, "dataplane.sock")
        # A killed one leaves its socket; waiting for the file would then be no waiting.
        if os.path.exists(socket) and self.daemons.pid(name) is None:
            os.unlink(socket)
        self.daemons.start(name, [self.program("podlane-dataplane"), "--config", self.config],
                           netns=self.node.netns)

        def is_up():
            self.daemons.check(name)
            return self.status().get("dataplane", {}).get("is_up", False)
        return wait_until(f"{name} answers", is_up, self.start_sec, 0.1, quiet=True)

    def start_control(self):
        name = self.names["control"]
        self.daemons.start(name, [self.program("podlane-control"), "--config", self.config],
                           netns=self.node.netns)

        def is_up():
            self.daemons.check(name)
            return self.status().get("control", {}).get("is_up", False)
        return wait_until(f"{name} answers", is_up, self.start_sec, 0.1, quiet=True)

    def stop(self):
        for part in ("control", "dataplane"):
            self.daemons.stop(self.names[part], 10)

    # What it says

    def podlane(self, *words):
        """Run the podlane command, and return its JSON; {} if it says nothing of use."""
        text = subprocess.run([self.program("podlane"), "--config", self.config, "--timeout", "5",
                               "--json", *words], text=True, check=False, timeout=30,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        try:
            return json.loads(text)
        except ValueError:
            return {}

    def podlane_text(self, *words):
        return run([self.program("podlane"), "--config", self.config, *words], check=False)

    def status(self):
        return self.podlane("status")

    def drops(self):
        """Dropped packets by reason."""
        return {row["reason"]: row["pkts"] for row in self.podlane("drops").get("drops", [])}

    def punts(self):
        """Packets for the kernel by class: given_pkts, policed_pkts, full_pkts, error_pkts."""
        return {row.pop("class"): row for row in self.podlane("drops").get("punts", [])}

    def account(self):
        """in, sent, punted, dropped, ok."""
        account = self.podlane("drops").get("account")
        if account is None:
            raise LabError(f"podlane-dataplane on {self.node.name} does not answer")
        return account

    def route(self, address):
        return self.podlane("route", "get", address)

    def target(self, address):
        """What the FIB does with an address: (prefix, kind, [(kind, next hop), ...])."""
        fib = self.route(address).get("dataplane") or {}
        paths = [(path["kind"], path.get("nexthop")) for path in fib.get("paths", [])]
        return fib.get("prefix"), (fib.get("target") or {}).get("kind"), paths

    def missing(self, wanted):
        """Which of the prefixes do not have a native path to their next hop; "" if all have."""
        missing = []
        for prefix, gateway in wanted.items():
            full = prefix if "/" in prefix else prefix + "/32"
            matched, _, paths = self.target(full.partition("/")[0])
            if matched != full or ("native", gateway) not in paths:
                missing.append(full)
        return ", ".join(missing)

    def missing_pods(self, pods):
        """Which pods are not attached, or have no native path; "" if all are well."""
        attached = {pod["name"] for pod in self.podlane("pod", "list").get("pods", [])
                    if pod["is_attached"]}
        return ", ".join(pod.name for pod in pods if pod.host_if not in attached or
                         "native" not in [kind for kind, _ in self.target(pod.address)[2]])
