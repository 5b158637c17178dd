#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The lab itself, without Podlane: BGP through the reflector, kernels forward. What the other tests
blame on Podlane must not be the lab's fault."""
import json

from support import expect, expect_equal, main_of

from lablib.shell import run
from lablib.topology import NODES, PODS
from lablib.traffic import forwarded_by_kernel, ping, warm_up

VARIANTS = ["kernel"]


def check_timers(lab):
    """The reflector's "timers 10 30" win over what FRR and BIRD would offer."""
    neighbors = lab.speakers["rr"].vty_json("show bgp neighbors")
    for node in NODES.values():
        facts = neighbors[node.address]
        expect_equal(f"hold time with {node.name}", facts["bgpTimerHoldTimeMsecs"], 30000)
        expect_equal(f"keepalive with {node.name}", facts["bgpTimerKeepAliveIntervalMsecs"], 10000)


def check_reflected_attributes(lab):
    """The next hop and the originator stay, the reflector's cluster is added."""
    for prefix, owner in (("10.244.1.0/26", "b"), ("10.244.2.0/26", "c"), ("10.244.0.40/32", "b")):
        path = lab.speakers["a"].vty_json(f"show bgp ipv4 unicast {prefix}")["paths"][0]
        expect_equal(f"{prefix} next hop", path["nexthops"][0]["ip"], NODES[owner].address)
        expect_equal(f"{prefix} originator", path["originatorId"], NODES[owner].address)
        expect_equal(f"{prefix} clusters", path["clusterList"]["list"], ["0.0.0.1"])


def check_own_pods_stay_inside(lab):
    """A node tells its block and what it borrowed, not each pod."""
    table = lab.speakers["rr"].vty_json("show bgp ipv4 unicast")
    expect_equal("prefixes at the reflector", sorted(table["routes"]),
                 ["10.244.0.0/26", "10.244.0.40/32", "10.244.1.0/26", "10.244.2.0/26"])


def check_default_route(_lab):
    """Every node has one: a dropped route must not be hidden by there being no way out at all."""
    for node in NODES.values():
        routes = json.loads(run(["ip", "-n", node.netns, "-j", "route", "show", "default"]))
        expect_equal(f"default route of {node.name}", routes[0]["gateway"], "192.168.1.1")


def check_kernel_forwards(_lab):
    """Every pod reaches every pod, and the kernels count it: the control for the fast lane's tests."""
    for source in PODS.values():
        for target in PODS.values():
            warm_up(source, target.address) if source.name == "a1" else None
            result = ping(source, target.address, 10)
            expect_equal(f"{source.name} > {target.name} lost", result.lost, 0)
    before = forwarded_by_kernel(NODES["a"].netns)
    ping(PODS["a1"], PODS["b1"].address, 100)
    expect(forwarded_by_kernel(NODES["a"].netns) - before >= 200,
           "A's kernel does not count what it forwards")


CHECKS = [check_timers, check_reflected_attributes, check_own_pods_stay_inside, check_default_route,
          check_kernel_forwards]

main_of(__name__)
