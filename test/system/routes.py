#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Routes come, go and change while packets flow."""
import os
import time

from support import expect, expect_equal, main_of

from lablib.netns import ip
from lablib.shell import run, wait_until
from lablib.topology import NODES, PODS, SEGMENT, Pod
from lablib.traffic import Capture, Ping, ping, ping_unanswered, snmp, warm_up

VARIANTS = ["podlane"]
# One address on B and on C: the same prefix with two next hops, and the reply comes from either.
ANYCAST = "10.244.9.9"
FLOWS_SEC = 5


def follow(lab, address, wanted, timeout_sec=30):
    """Wait until A's FIB sends an address to exactly these next hops; returns the seconds."""
    def is_there():
        paths = lab.podlanes["a"].target(address)[2]
        return {hop for kind, hop in paths if kind == "native"} == set(wanted) or str(paths)
    return wait_until(f"A sends {address} to {', '.join(wanted) or 'nobody'}", is_there,
                      timeout_sec, 0.01, quiet=True)


def check_withdraw(lab):
    """C's block is withdrawn: packets to it are dropped by name, although a default route exists,
    and flow again when it is announced again."""
    source, target, podlane = PODS["a1"], PODS["c1"], lab.podlanes["a"]
    warm_up(source, target.address)
    lab.speakers["c"].ctl("disable calico_block")
    gone = follow(lab, target.address, [])
    before, sent = podlane.drops().get("no_route", 0), podlane.account()["sent"]
    capture = Capture(SEGMENT, "a", f"icmp and dst {target.address}",
                      os.path.join(lab.dir, "withdraw.pcap"))
    result = ping_unanswered(source, target.address, 100)
    seen = capture.stop()
    dropped = podlane.drops().get("no_route", 0) - before
    sent = podlane.account()["sent"] - sent
    lab.speakers["c"].ctl("enable calico_block")
    back = follow(lab, target.address, [NODES["c"].address])
    again = ping(source, target.address, 100)
    expect_equal("answers while withdrawn", result.received, 0)
    expect(dropped >= 100, f"no_route counted {dropped} of 100")
    expect_equal("packets sent by A's dataplane while withdrawn", sent, 0)
    expect_equal("packets on the segment while withdrawn", len(seen), 0)
    expect_equal("lost after it came back", again.lost, 0)
    return f"gone from the FIB after {gone:.2f} s, back after {back:.2f} s"


def add_anycast(lab, node):
    """The address as one more pod of a node, which BIRD tells as a /32."""
    pod = Pod(f"{node}9", node, ANYCAST)
    lab.add_pod(pod)
    return pod


def check_next_hop_change(lab):
    """A /32 moves from B to C while packets flow; the new place announces before the old ends."""
    on_b = add_anycast(lab, "b")
    try:
        follow(lab, ANYCAST, [NODES["b"].address])
        warm_up(PODS["a1"], ANYCAST)
        running = Ping(PODS["a1"], ANYCAST, 100000)
        time.sleep(1)
        on_c = add_anycast(lab, "c")
        try:
            follow(lab, ANYCAST, [NODES["b"].address, NODES["c"].address])
            # B stops telling it, and still answers what is under way.
            ip(NODES["b"].netns, f"route del {ANYCAST}/32", f"route add {ANYCAST}/32 dev "
               f"{on_b.host_if} scope link proto kernel")
            took = follow(lab, ANYCAST, [NODES["c"].address])
            time.sleep(1)
            result = running.stop()
        finally:
            lab.remove_pod(on_c)
    finally:
        lab.remove_pod(on_b)
    expect(result.lost == 0, str(result))
    return f"{result}, followed after {took:.2f} s"


def flows_arriving(source, pods, n_flows):
    """UDP packets of many flows to the anycast address; how many arrived in each pod, where nobody
    listens and the kernel counts just that. A busy machine may take seconds for the last."""
    def arrived():
        return [snmp(pod.netns)["Udp"]["NoPorts"] for pod in pods]
    before = arrived()
    run(["bash", "-c", f"for port in $(seq {n_flows}); do "
         f"echo x > /dev/udp/{ANYCAST}/$((10000 + port)); done"], netns=source.netns)
    deadline = time.monotonic() + FLOWS_SEC
    while sum(arrived()) - sum(before) < n_flows and time.monotonic() < deadline:
        time.sleep(0.1)
    return [now - then for now, then in zip(arrived(), before)]


def check_ecmp(lab):
    """Two nodes for one prefix, through the reflector: both get flows, none is lost, and none is
    when one of them goes."""
    source = PODS["a1"]
    on_b, on_c = add_anycast(lab, "b"), add_anycast(lab, "c")
    try:
        took = follow(lab, ANYCAST, [NODES["b"].address, NODES["c"].address])
        warm_up(source, ANYCAST)
        for pod in (on_b, on_c):
            warm_up(pod, source.address)
        shares = flows_arriving(source, (on_b, on_c), 200)
        running = Ping(source, ANYCAST, 100000)
        time.sleep(0.5)
        ip(NODES["c"].netns, f"route del {ANYCAST}/32", f"route add {ANYCAST}/32 dev "
           f"{on_c.host_if} scope link proto kernel")
        follow(lab, ANYCAST, [NODES["b"].address])
        time.sleep(0.5)
        result = running.stop()
        alone = flows_arriving(source, (on_b, on_c), 50)
    finally:
        lab.remove_pod(on_b)
        lab.remove_pod(on_c)
    expect_equal("flows that arrived of 200", sum(shares), 200)
    expect(min(shares) >= 60, f"flows on B and C: {shares}, expected about 100 each")
    expect(result.lost == 0, f"while one of two went: {result}")
    expect_equal("flows on B and C when only B is left", alone, [50, 0])
    return f"flows on B and C {shares[0]} and {shares[1]}, two next hops after {took:.2f} s"


def check_neighbour_change(lab):
    """C's MAC address changes: the kernel hears of it, and the path follows."""
    source, target = PODS["a1"], PODS["c1"]
    warm_up(source, target.address)
    mac = "02:00:00:00:00:c0"
    ip(NODES["c"].netns, f"link set eth0 address {mac}")
    run(["ping", "-n", "-c", "2", "-i", "0.2", NODES["a"].address], netns=NODES["c"].netns)

    def has_mac():
        paths = (lab.podlanes["a"].route(target.address).get("dataplane") or {}).get("paths", [])
        return bool(paths) and paths[0].get("dst_mac") == mac
    took = wait_until("A has C's new MAC", has_mac, 60, 0.05, quiet=True)
    result = ping(source, target.address, 100)
    expect_equal("lost afterwards", result.lost, 0)
    return f"after {took:.2f} s"


CHECKS = [check_withdraw, check_next_hop_change, check_ecmp, check_neighbour_change]

main_of(__name__)
