#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""As many pods on a node as a kubelet allows, and pods that come and go."""
import json
import os
import socket
import time

from support import expect, expect_equal, main_of

from lablib.leftovers import bpf_maps, bpf_programs
from lablib.shell import run, wait_until
from lablib.topology import NODES, PODS, Pod
from lablib.traffic import Ping, ping, warm_up

VARIANTS = ["podlane"]
N_PODS = 110
N_CYCLES = 1000
N_WARM_CYCLES = 50
N_REAL_CYCLES = 20
MAX_GROWN_KB = 1024
# Packets sent stay with the driver until it next sends some.
MAX_MBUFS_UNDER_WAY = 64


def ask_control(podlane, **request):
    """One request at the operator's socket, without a process for each as the CLI would be."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(10)
        control.connect(os.path.join(podlane.dir, "control.sock"))
        control.sendall(json.dumps(request).encode() + b"\n")
        chunks = iter(lambda: control.recv(65536), b"")
        return json.loads(b"".join(chunks))


def is_attached(podlane, name):
    return any(pod["name"] == name and pod["is_attached"]
               for pod in ask_control(podlane, command="pod list")["pods"])


def cycle(podlane, name):
    for verb, wanted in (("detach", False), ("attach", True)):
        ask_control(podlane, command=f"pod {verb}", name=name)
        wait_until(f"{name} {verb}ed", lambda wanted=wanted: is_attached(podlane, name) == wanted,
                   10, 0.002, quiet=True)


def n_map_entries(netns):
    """Entries of all maps that programs in the namespace use. An unset place of an array map is
    listed with an error instead of a value."""
    total = 0
    for one in bpf_maps(bpf_programs(netns)):
        entries = json.loads(run(["bpftool", "-j", "map", "dump", "id", str(one)],
                                 check=False) or "[]")
        if isinstance(entries, list):
            total += sum("error" not in (entry.get("value") or {}) if isinstance(
                entry.get("value"), dict) else 1 for entry in entries)
    return total


def memory_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def n_fds(pid):
    """The smallest of some readings: a client's connection is closed a moment after its end."""
    def reading():
        time.sleep(0.05)
        return len(os.listdir(f"/proc/{pid}/fd"))
    return min(reading() for _ in range(5))


def resources(lab, node):
    """What must be flat: exact counts, and memory apart."""
    podlane = lab.podlanes[node]
    pids = {part: lab.daemons.pid(name) for part, name in podlane.names.items()}
    counts = {f"{part} fds": n_fds(pid) for part, pid in pids.items()}
    counts["map entries"] = n_map_entries(NODES[node].netns)
    counts["mbufs"] = podlane.status()["dataplane"]["mbufs"]["n"]
    return counts, {part: memory_kb(pid) for part, pid in pids.items()}


def compare(lab, node, before):
    """CheckError unless all is as before; a moment is given for packets under way."""
    def difference():
        now = resources(lab, node)[0]
        off = {what: n for what, n in now.items() if n != before[0][what] and not
               (what == "mbufs" and abs(n - before[0][what]) <= MAX_MBUFS_UNDER_WAY)}
        return f"{off}, before {before[0]}" if off else ""
    wait_until("counts as before", difference, 15, 0.5, quiet=True)
    grown = {part: kb - before[1][part] for part, kb in resources(lab, node)[1].items()}
    for part, kb in grown.items():
        expect(kb < MAX_GROWN_KB, f"{part} grew by {kb} KiB")
    return (", ".join(f"{what} {n}" for what, n in before[0].items()) + "; grown by " +
            ", ".join(f"{part} {kb} KiB" for part, kb in grown.items()))


def check_attach_cycles(lab):
    """1000 times off the fast lane and on again: nothing grows."""
    podlane, pod = lab.podlanes["a"], PODS["a2"]
    for _ in range(N_WARM_CYCLES):
        cycle(podlane, pod.host_if)
    before = resources(lab, "a")
    began = time.monotonic()
    for _ in range(N_CYCLES):
        cycle(podlane, pod.host_if)
    took = time.monotonic() - began
    expect_equal("lost afterwards", ping(PODS["a1"], pod.address, 100).lost, 0)
    return f"{took / N_CYCLES * 1000:.1f} ms each; " + compare(lab, "a", before)


def check_neighbours_unharmed(lab):
    """While one pod goes off and on, the packets of another are not lost."""
    podlane = lab.podlanes["a"]
    warm_up(PODS["a1"], PODS["b1"].address)
    running = Ping(PODS["a1"], PODS["b1"].address, 100000)
    for _ in range(50):
        cycle(podlane, PODS["a2"].host_if)
    result = running.stop()
    expect(result.lost == 0, str(result))
    return str(result)


def check_detached_pod_uses_kernel(lab):
    """A pod off the fast lane is reached through the kernel, and has its packets."""
    podlane, pod = lab.podlanes["a"], PODS["a2"]
    ask_control(podlane, command="pod detach", name=pod.host_if)
    wait_until("detached", lambda: not is_attached(podlane, pod.host_if), 10, quiet=True)
    warm_up(pod, PODS["b1"].address)
    before = podlane.account()["punted"]
    result = ping(pod, PODS["b1"].address, 100)
    punted = podlane.account()["punted"] - before
    ask_control(podlane, command="pod attach", name=pod.host_if)
    wait_until("attached", lambda: is_attached(podlane, pod.host_if), 10, quiet=True)
    expect_equal("lost", result.lost, 0)
    expect(punted >= 100, f"{punted} packets were punted to the kernel, expected 100 replies")


def many_pods():
    """As many more pods on A as make N_PODS, from a block that nobody announces."""
    n_there = sum(pod.node == "a" for pod in PODS.values())
    return [Pod(f"ax{i}", "a", f"10.244.{3 + i // 200}.{1 + i % 200}")
            for i in range(N_PODS - n_there)]


def check_110_pods(lab):
    """All attach by themselves, and each is reached on the fast lane."""
    podlane, pods = lab.podlanes["a"], many_pods()
    before = resources(lab, "a")
    try:
        for pod in pods:
            lab.add_pod(pod)
        took = wait_until("110 pods attached", lambda: len(
            [pod for pod in ask_control(podlane, command="pod list")["pods"]
             if pod["is_attached"]]) == N_PODS, 30, 0.1, quiet=True)
        warm = " ".join(pod.address for pod in pods)
        silent = run(["bash", "-c", f"for a in {warm}; do ping -n -q -c 2 -i 0.1 -W 2 $a "
                      "> /dev/null || echo $a; done"], netns=PODS["a1"].netns)
        expect_equal("pods that do not answer", silent.split(), [])
        sent = podlane.account()["sent"]
        results = {pod.name: ping(PODS["a1"], pod.address, 5, 2) for pod in pods}
        lost = [f"{name}: {result}" for name, result in results.items() if result.lost]
        sent = podlane.account()["sent"] - sent
    finally:
        for pod in pods:
            if pod.netns in lab.namespaces.recorded():
                lab.remove_pod(pod)
    expect_equal("pods with lost packets", lost, [])
    expect(sent >= 10 * len(pods), f"the dataplane sent {sent} of {10 * len(pods)} packets")
    return f"all on the fast lane {took:.1f} s after the last; after they left: " + \
        compare(lab, "a", before)


def check_pods_come_and_go(lab):
    """Whole pods, with their namespaces: nothing of them stays in the dataplane."""
    podlane = lab.podlanes["a"]
    before = resources(lab, "a")
    for i in range(N_REAL_CYCLES):
        pod = Pod(f"ay{i}", "a", "10.244.0.60")
        lab.add_pod(pod)
        wait_until("pod on the fast lane", lambda pod=pod: is_attached(podlane, pod.host_if), 10,
                   0.02, quiet=True)
        warm_up(PODS["a1"], pod.address)
        lost = ping(PODS["a1"], pod.address, 20).lost
        lab.remove_pod(pod)
        expect_equal(f"lost to pod number {i}", lost, 0)
    return compare(lab, "a", before)


CHECKS = [check_attach_cycles, check_neighbours_unharmed, check_detached_pod_uses_kernel,
          check_110_pods, check_pods_come_and_go]

main_of(__name__)
