#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""podlane-control takes another podlane.yaml by SIGHUP: the way between nodes changes under running
traffic, a wrong file changes nothing, and what cannot change is named."""
import os
import signal
import time

from support import expect, expect_equal, main_of
from tunnels import wait_path

from lablib.paths import ON_THE_WIRE
from lablib.shell import wait_until
from lablib.topology import NODES, PODS, POOL, SEGMENT
from lablib.traffic import Capture, Ping, ping, warm_up

VARIANTS = ["podlane"]
KINDS = {"none": "native", "ipip": "ipip", "vxlan": "vxlan"}
# Each of the three to each of the others.
STAY_SEC = 1       # with each, so that traffic is on it when it changes
TOUR = ["none", "ipip", "none", "vxlan", "ipip", "vxlan", "none"]


def send_hup(lab, name):
    os.kill(lab.daemons.pid(lab.podlanes[name].names["control"]), signal.SIGHUP)


def control_lines(lab, name, text):
    """What a node's control has logged with this text in it."""
    return [line for line in lab.daemons.lines(lab.podlanes[name].names["control"])
            if text in line]


def set_encap(lab, name, encap, **changes):
    lab.podlanes[name].write_config(encap=encap, inventory=lab.write_inventory(), **changes)
    send_hup(lab, name)


def check_all_changes(lab):
    """All six changes of mode, on both nodes one after the other: a running ping loses nothing."""
    pids = [lab.daemons.pid(lab.podlanes[name].names["control"]) for name in ("a", "b")]
    warm_up(PODS["a1"], PODS["b1"].address)
    captures = {kind: Capture(SEGMENT, "a", f"host {NODES['b'].address} and {ON_THE_WIRE[kind]}",
                              os.path.join(lab.dir, f"{kind}.pcap")) for kind in ("ipip", "vxlan")}
    flood = Ping(PODS["a1"], PODS["b1"].address, 1000000)
    for encap in TOUR:
        for name, pod in (("a", "b1"), ("b", "a1")):
            set_encap(lab, name, encap)
            wait_path(lab, name, PODS[pod], KINDS[encap])
        time.sleep(STAY_SEC)
    result = flood.stop()
    carried = {kind: len(capture.stop()) for kind, capture in captures.items()}
    expect_equal("lost", result.lost, 0)
    expect(min(carried.values()) >= 50, f"tunnels were hardly used: {carried} of {result.sent}")
    after = [lab.daemons.pid(lab.podlanes[name].names["control"]) for name in ("a", "b")]
    expect_equal("processes of control", after, pids)
    return f"{len(TOUR) - 1} changes on each node, {result}; through tunnels {carried}"


def check_wrong_file(lab):
    """One line, and everything as before."""
    podlane = lab.podlanes["a"]
    before = podlane.target(PODS["b1"].address)
    set_encap(lab, "a", "gre")
    wait_until("control complains", lambda: bool(control_lines(lab, "a", "err reload: ")),
               timeout_sec=10, quiet=True)
    lines = control_lines(lab, "a", "err reload: ")
    expect(podlane.config in lines[0] and "encap" in lines[0] and "stay as they were" in lines[0],
           f"does not say what and where: {lines[0]}")
    podlane.write_config()  # the podlane command would refuse the other one, too
    expect_equal("target", podlane.target(PODS["b1"].address), before)
    expect_equal("lost", ping(PODS["a1"], PODS["b1"].address, 200).lost, 0)
    return lines[0]


def check_fixed_keys(lab):
    """What cannot change is named, each in one line; the rest of the file is taken."""
    podlane = lab.podlanes["a"]
    set_encap(lab, "a", "ipip", match="veth*", hostname="another-name")
    wait_path(lab, "a", PODS["b1"], "ipip")
    for key in ("pods.match", "node.name"):
        lines = control_lines(lab, "a", f" {key} cannot change")
        expect_equal(f"lines about {key}", len(lines), 1)
    expect_equal("node", podlane.status().get("control", {}).get("node"), NODES["a"].hostname)
    set_encap(lab, "a", "none")
    wait_path(lab, "a", PODS["b1"], "native")
    expect_equal("lost", ping(PODS["a1"], PODS["b1"].address, 200).lost, 0)
    expect_equal("lines about node.name", len(control_lines(lab, "a", " node.name cannot")), 1)


def check_pools(lab):
    """A pool that goes is the kernel's again, one that comes is not."""
    podlane = lab.podlanes["a"]
    podlane.write_config(pool="10.250.0.0/16")
    send_hup(lab, "a")

    def pools():
        return sorted(route["prefix"] for route in podlane.podlane("route", "show")["routes"]
                      if route["source"] == "pool")
    wait_until("the other pool", lambda: pools() == ["10.250.0.0/16"], timeout_sec=15, quiet=True)
    expect_equal("lost", ping(PODS["a1"], PODS["b1"].address, 200).lost, 0)
    podlane.write_config()
    send_hup(lab, "a")
    wait_until("the pool", lambda: pools() == [POOL], timeout_sec=15, quiet=True)
    warm_up(PODS["a1"], PODS["b1"].address)
    expect_equal("lost", ping(PODS["a1"], PODS["b1"].address, 200).lost, 0)
    lab.down()  # B's control still has this test's settings


CHECKS = [check_all_changes, check_wrong_file, check_fixed_keys, check_pools]

main_of(__name__)
