# SPDX-License-Identifier: BSD-3-Clause
"""What a lab consists of, taken while it is up, and what of it is still there afterwards."""
import glob
import json
import os
import subprocess

from .daemons import start_time
from .shell import run


def bpf_programs(netns):
    """Ids of the XDP and tc programs that are attached in a namespace."""
    facts = json.loads(run(["bpftool", "-j", "net"], netns=netns) or "[]")
    return {entry["id"] for kinds in facts for kind in ("xdp", "tc") for entry in kinds.get(kind, [])}


def bpf_maps(programs):
    ids = set()
    for program in programs:
        shown = subprocess.run(["bpftool", "-j", "prog", "show", "id", str(program)],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        if shown.returncode == 0:
            ids.update(json.loads(shown.stdout).get("map_ids", []))
    return ids


def bpf_ids_alive(kind, ids):
    """Which of the ids (kind: "prog" or "map") still exist in the kernel."""
    return {one for one in ids if subprocess.run(["bpftool", kind, "show", "id", str(one)],
                                                 stdout=subprocess.DEVNULL,
                                                 stderr=subprocess.DEVNULL,
                                                 check=False).returncode == 0}


class Inventory:
    """All that the lab has now."""

    def __init__(self, lab):
        self.state_dir = lab.dir
        self.namespaces = lab.namespaces.recorded()
        self.pids = {pid: start_time(pid) for netns in self.namespaces
                     for pid in lab.namespaces.pids(netns)}
        self.programs = set().union(*(bpf_programs(netns) for netns in self.namespaces), set())
        self.maps = bpf_maps(self.programs)

    def count(self):
        return (f"{len(self.namespaces)} namespaces, {len(self.pids)} processes, "
                f"{len(self.programs)} BPF programs, {len(self.maps)} maps")

    def remains(self):
        """What is still there, as text; "" if nothing is. TAPs and veths are in the namespaces."""
        left = [f"namespace {name}" for name in self.namespaces
                if os.path.exists(f"/run/netns/{name}")]
        left += [f"process {pid}" for pid, began in self.pids.items()
                 if began is not None and start_time(pid) == began]
        left += [f"BPF program {one}" for one in bpf_ids_alive("prog", self.programs)]
        left += [f"BPF map {one}" for one in bpf_ids_alive("map", self.maps)]
        left += [path for path in [self.state_dir] +
                 [f"/var/run/frr/{name}" for name in self.namespaces] if os.path.exists(path)]
        # the EAL names its files after its process
        left += glob.glob("/dev/hugepages/podlane-*")
        return ", ".join(left)
