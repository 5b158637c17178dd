#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""A node with a worker on each of the machine's cores, the main lcore on the first worker's: one polls the
uplink, the other one the pods, and both send by ports that have one transmit queue."""
import os
import time

from reload import set_encap
from restart import in_sync
from support import expect, expect_equal, main_of
from tunnels import wait_path

from lablib.shell import wait_until
from lablib.topology import PODS
from lablib.traffic import Ping, iperf3, warm_up

VARIANTS = ["podlane"]
NEVER_ENDING = 1000000
LEAST_PKTS, LEAST_PINGS = 1000, 200
STAY_SEC = 1        # with each path
TARGETS = ("b1", "a2")


def restart(lab, **changes):
    """A's dataplane with other workers; control fills it again."""
    podlane = lab.podlanes["a"]
    lab.daemons.stop(podlane.names["dataplane"], 10)
    podlane.write_config(**changes)
    podlane.start_dataplane()
    wait_until("A in sync", lambda: in_sync(lab, "a"), 60, quiet=True)


def received(lab):
    """Packets by the worker's core."""
    return {row["lcore"]: row["rx_pkts"] for row in lab.podlanes["a"].status()["dataplane"]["lcores"]
            if row["role"] == "worker"}


def check_several(lab):
    """Pings to B and within A while both workers forward and the way to B changes: none is lost."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    restart(lab, main_lcore=cores[0], worker=", ".join(map(str, cores)))
    notes = []
    try:
        for name in ("a", "b"):
            lab.set_policy(name, "none")
        for name in ("a", "b"):     # from here on both know the other's tunnel ends
            wait_until(f"{name} in sync", lambda name=name: in_sync(lab, name), 60, quiet=True)
        before = received(lab)
        expect_equal("the workers' cores", sorted(before), cores)
        for target in TARGETS:
            warm_up(PODS["a1"], PODS[target].address)
        pings = {target: Ping(PODS["a1"], PODS[target].address, NEVER_ENDING) for target in TARGETS}
        for encap, kind in (("ipip", "ipip"), ("vxlan", "vxlan"), ("none", "native")):
            for name, pod in (("a", "b1"), ("b", "a1")):
                set_encap(lab, name, encap)
                wait_path(lab, name, PODS[pod], kind)
            time.sleep(STAY_SEC)
        results = {target: one.stop() for target, one in pings.items()}
        for target, result in results.items():
            expect(result.sent >= LEAST_PINGS and not result.lost, f"a1 > {target}: {result}")
            notes.append(f"{target} {result}")
        iperf3(PODS["a1"], PODS["b1"], 2)
        after = received(lab)
        did = {core: after[core] - before[core] for core in cores}
        expect(min(did.values()) >= LEAST_PKTS, f"packets by core: {did}")
        expect(lab.podlanes["a"].account()["ok"], f"the account: {lab.podlanes['a'].account()}")
    finally:
        restart(lab)
    return f"{', '.join(notes)}; packets by core {did}"


CHECKS = [check_several]

main_of(__name__)
