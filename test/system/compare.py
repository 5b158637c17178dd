#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The paths compared live: "auto" leaves a filtered path and comes back, an operator's pin goes through
all six changes of path, and a stock node is probed. A and B run Podlane, C is a stock node."""
import itertools
import json
import subprocess
import time

from support import expect, expect_equal, main_of

from lablib.netns import ip
from lablib.paths import (KINDS, Filters, chosen, hop, node_of, path, pin, unpin, wait_chosen,
                          wait_in_dataplane, wait_measured)
from lablib.shell import run, wait_until
from lablib.topology import NODES, PODS
from lablib.traffic import Ping, warm_up

VARIANTS = ["podlane"]


def set_auto(lab):
    """Kept from one check to the next."""
    lab.set_auto()
    wait_measured(lab)


def flood(source, target, options=()):
    warm_up(PODS[source], PODS[target].address)
    return Ping(PODS[source], PODS[target].address, n_pkts=1000000, interval_ms=2.0, options=options)


def gaps(result):
    """What was lost together: [(first number, how many), ...]."""
    found = []
    for number in result.lost_numbers:
        if found and number - sum(found[-1]) <= 20:
            found[-1] = (found[-1][0], number - found[-1][0] + 1)
        else:
            found.append((number, 1))
    return found


def check_auto(lab):
    """Native, then IPIP and VXLAN as one after the other is filtered, and back; C is not touched."""
    set_auto(lab)
    wait_chosen(lab, "native")
    beside = flood("a1", "c1")
    running = flood("a1", "b1")
    time.sleep(3)   # until the nodes are known to have traffic
    took = {}
    with Filters() as filters:
        for kinds, kind in ((("native",), "ipip"), (("native", "ipip"), "vxlan")):
            filters.set(*kinds)
            took[kind] = wait_chosen(lab, kind)
            time.sleep(2)
        reason = hop(lab, "a", "b").get("reason")
        states = {kind: path(lab, "a", "b", kind)["probe"] for kind in KINDS}
        words = lab.podlanes["a"].podlane_text("compare", NODES["b"].hostname)
        lab.podlanes["a"].podlane_text("compare")
        filters.set()
        took["back"] = wait_chosen(lab, "native")
    time.sleep(0.5)
    result, other = running.stop(), beside.stop()
    expect_equal("reason", reason, "probe-down")
    expect_equal("states", states, {"native": "down", "ipip": "down", "vxlan": "up"})
    for text in ("using       vxlan: fewest bytes of the paths that are up", "not native", "not ipip",
                 "IP protocol 4 is filtered"):
        expect(text in words, f"{text!r} is not in what podlane compare says:\n{words}")
    expect_equal("a1 > c1 lost", other.lost, 0)
    expect_equal("changes to C", hop(lab, "a", "c").get("n_changes"), 0)
    silent = gaps(result)
    expect_equal("number of gaps, one at each filter", len(silent), 2)
    return (f"to ipip {took['ipip']:.2f} s, to vxlan {took['vxlan']:.2f} s, back {took['back']:.0f} s "
            f"after the filters went; lost {[n for _, n in silent]} of {result.sent}, beside {other}")


def check_comparison(lab):
    """What compare says of B, which answers along each path, and of C, which answers by its own choice."""
    set_auto(lab)
    time.sleep(3)
    to_b, to_c = node_of(lab, "a", "b"), node_of(lab, "a", "c")
    for kind, mtu in (("native", 1500), ("ipip", 1480), ("vxlan", 1450)):
        one = path(lab, "a", "b", kind)
        expect_equal(f"{kind} answered by", one.get("answered_by"), kind)
        expect_equal(f"{kind} MTU", one["mtu"], mtu)
        expect(0 < one["rtt_p50_us"] <= one["rtt_p99_us"], f"{kind}: RTT {one}")
    expect_equal("same subnet", to_b["is_same_subnet"], True)
    paths_to_c = {one["kind"]: one for one in to_c["paths"]}
    expect_equal("C by native", paths_to_c["native"]["probe"], "up")
    expect_equal("C by ipip", paths_to_c["ipip"]["probe"], "down")
    expect_equal("C uses", to_c["hops"][0]["chosen"], "native")
    probe = lab.podlanes["a"].podlane("compare")["probe"]
    expect(0 < probe["used_pps"] <= probe["budget_pps"], f"budget: {probe}")
    return f"{probe['used_pps']} probes/s for 2 nodes; B native p50 " \
           f"{path(lab, 'a', 'b', 'native')['rtt_p50_us']:.0f} us"


def all_changes():
    """An order of pins that has each of the six changes of path."""
    order = ["native", "ipip", "vxlan", "native", "vxlan", "ipip", "native"]
    assert set(zip(order, order[1:])) == set(itertools.permutations(KINDS, 2))
    return order


def check_pin(lab):
    """A running flood loses nothing through all six changes; a refused pin says why."""
    set_auto(lab)
    running = flood("a1", "b1")
    for kind in all_changes():
        pin(lab, kind)
        wait_in_dataplane(lab, kind)
        expect_equal("reason", hop(lab, "a", "b").get("reason"), "pinned")
        time.sleep(0.5)
    unpin(lab)
    wait_chosen(lab, "native")
    result = running.stop()
    expect_equal("lost", result.lost, 0)
    for words, text in ((("worker-z", "ipip"), "no route leads to such a node"),
                        ((NODES["b"].hostname, "gre"), "path is native, ipip or vxlan")):
        said = lab.podlanes["a"].podlane("path", "pin", *words)
        expect(any(text in error for error in said.get("errors", [])), f"pin {words}: {said}")
    return f"{result}"


def check_tcp_through_pins(lab):
    """iperf3 between pods with MTU 1450 runs on through all six changes: no interval without bytes."""
    source, target = PODS["a1"], PODS["b1"]
    set_auto(lab)
    for pod in (source, target):
        ip(pod.netns, "link set eth0 mtu 1450")
    warm_up(source, target.address)
    server = subprocess.Popen(["ip", "netns", "exec", target.netns, "iperf3", "-s", "-1", "-B",
                               target.address], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        wait_until("iperf3 listens", lambda: bool(run(
            ["ss", "-Hltn", "sport", "=", "5201"], netns=target.netns).strip()), 10, 0.05, quiet=True)
        client = subprocess.Popen(
            ["ip", "netns", "exec", source.netns, "iperf3", "-J", "-i", "0.5", "-t", "12", "-c",
             target.address], stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        for kind in all_changes():
            pin(lab, kind)
            time.sleep(1)
        text, _ = client.communicate(timeout=90)
    finally:
        server.terminate()
        server.wait()
        unpin(lab)
        for pod in (source, target):
            ip(pod.netns, "link set eth0 mtu 1500")
    report = json.loads(text)
    expect("error" not in report, f"iperf3: {report.get('error')}")
    sizes = [interval["sum"]["bytes"] for interval in report["intervals"]]
    expect(min(sizes) > 0, f"it stalled: {sizes}")
    sent = report["end"]["sum_sent"]
    return (f"{sent['bits_per_second'] / 1e9:.2f} Gbit/s, {sent.get('retransmits', 0)} retransmitted, "
            f"least in half a second {min(sizes) / 1e6:.1f} MB")


def check_restart_keeps_path(lab):
    """A control that starts while the cheapest path is filtered does not try it first."""
    set_auto(lab)
    wait_chosen(lab, "native")
    podlane = lab.podlanes["a"]
    with Filters() as filters:
        filters.set("native")
        running = flood("a1", "b1")
        wait_chosen(lab, "ipip")
        time.sleep(1)
        running.stop()
        running = flood("a1", "b1")
        lab.daemons.stop(podlane.names["control"], 10)
        podlane.start_control()
        wait_until("A knows B again", lambda: path(lab, "a", "b", "native").get("probe") == "down",
                   60, quiet=True)
        expect_equal("A uses", chosen(lab, "a", "b"), "ipip")
        result = running.stop()
    expect_equal("lost", result.lost, 0)
    wait_chosen(lab, "native")
    return f"{result}"


CHECKS = [check_comparison, check_auto, check_pin, check_tcp_through_pins, check_restart_keeps_path]

main_of(__name__)
