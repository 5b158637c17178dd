#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The three ways between nodes: plain, IPIP and VXLAN by policy, the kernel's vxlan device followed,
and a stock node's vxlan device at the other end."""
import os
import time

from support import expect, expect_equal, main_of

from lablib.paths import ON_THE_WIRE, add_kernel_vxlan
from lablib.shell import wait_until
from lablib.topology import NODES, PODS, SEGMENT
from lablib.traffic import Capture, ping, warm_up

VARIANTS = ["podlane"]


def wait_path(lab, name, pod, kind):
    """Until a node's dataplane reaches a pod by this kind of path."""
    def is_there():
        hops = lab.podlanes[name].target(pod.address)[2]
        return bool(hops) and hops[0][0] == kind
    wait_until(f"{name} reaches {pod.name} by {kind}", is_there, timeout_sec=25, quiet=True)


def expect_none_lost(pairs, n_pkts=1000):
    for source, target in pairs:
        warm_up(PODS[source], PODS[target].address)
        result = ping(PODS[source], PODS[target].address, n_pkts)
        expect_equal(f"{source} > {target} lost", result.lost, 0)


def check_three_modes(lab):
    """A and B on each policy in turn: nothing lost, and on the wire it is what it should be."""
    for encap, kind in (("none", "native"), ("ipip", "ipip"), ("vxlan", "vxlan")):
        for name in ("a", "b"):
            lab.set_policy(name, encap)
        wait_path(lab, "a", PODS["b1"], kind)
        wait_path(lab, "b", PODS["a1"], kind)
        hosts = f"host {NODES['a'].address} and host {NODES['b'].address}"
        if kind == "native":
            hosts = f"icmp and host {PODS['a1'].address}"
        capture = Capture(SEGMENT, "a", f"{hosts} and {ON_THE_WIRE[kind]} and not port 179",
                          os.path.join(lab.dir, f"{kind}.pcap"))
        expect_none_lost([("a1", "b1"), ("b1", "a1")])
        n_pkts = len(capture.stop())
        expect(n_pkts >= 100, f"{kind}: {n_pkts} such packets on the wire, expected thousands")
    drops = {name: {reason: n for reason, n in lab.podlanes[name].drops().items() if n}
             for name in ("a", "b")}
    return f"native, ipip, vxlan: 2000 of 2000 each; dropped {drops}"


def check_kernel_vxlan(lab):
    """C is a stock node with a kernel vxlan device; A reaches it by policy, B by following its own."""
    began = time.monotonic()
    lab.set_policy("a", "vxlan")
    lab.set_policy("b", "follow")
    add_kernel_vxlan(NODES["c"], ["a", "b"])
    add_kernel_vxlan(NODES["b"], ["a", "c"])
    wait_path(lab, "a", PODS["c1"], "vxlan")
    wait_path(lab, "b", PODS["c1"], "vxlan")
    wait_path(lab, "a", PODS["b1"], "vxlan")
    expect_none_lost([("a1", "c1"), ("c1", "a1"), ("b1", "c1"), ("c1", "b1"), ("a1", "b1")])
    seconds = time.monotonic() - began
    lab.down()  # the next check starts without these devices
    return f"5000 of 5000, {seconds:.0f} s"


CHECKS = [check_three_modes, check_kernel_vxlan]

main_of(__name__)
