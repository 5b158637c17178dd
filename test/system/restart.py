#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Kill the daemons under traffic. Times and losses are printed, not asserted, where the design
promises none."""
import time

from support import expect, expect_equal, main_of

from lablib.leftovers import bpf_programs
from lablib.shell import run, wait_until
from lablib.topology import NODES, PODS
from lablib.traffic import Ping, forwarded_by_kernel, ping, warm_up

VARIANTS = ["podlane"]
NEVER_ENDING = 1000000


def in_sync(lab, node):
    """Empty if a node's daemons have what FRR has, and are done with it."""
    podlane = lab.podlanes[node]
    status = podlane.status()
    control = status.get("control", {})
    if not control.get("is_up") or not status["dataplane"].get("is_up"):
        return "daemons"
    if control.get("fpm", {}).get("replay") != "complete":
        return "replay " + str(control.get("fpm", {}).get("replay"))
    if control.get("sync", {}).get("state") != "in-sync":
        return "sync " + str(control.get("sync", {}).get("state"))
    return podlane.missing(lab.expected_routes()[node]) or \
        podlane.missing_pods([pod for pod in PODS.values() if pod.node == node])


def routes_of(lab, node):
    return {route["prefix"]: route.get("source")
            for route in lab.podlanes[node].podlane("route", "show").get("routes", [])}


def running_pings():
    """Numbered packets on three roads through A: to B, to C, and between its own pods."""
    for target in ("b1", "c1", "a2"):
        warm_up(PODS["a1"], PODS[target].address)
    return {target: Ping(PODS["a1"], PODS[target].address, NEVER_ENDING)
            for target in ("b1", "c1", "a2")}


def check_kill_control(lab):
    """kill -9 of podlane-control: no packet lost, and after its return nothing is swept that FRR
    still has."""
    podlane = lab.podlanes["a"]
    wait_until("A in sync", lambda: in_sync(lab, "a"), 30, quiet=True)
    before = routes_of(lab, "a")
    pings = running_pings()
    time.sleep(0.5)
    lab.daemons.kill(podlane.names["control"])
    time.sleep(2)
    podlane.start_control()
    back = wait_until("A back in sync", lambda: in_sync(lab, "a"), 60, 0.05, quiet=True)
    time.sleep(1)
    results = {target: one.stop() for target, one in pings.items()}
    for target, result in results.items():
        expect(result.lost == 0, f"a1 > {target}: {result}")
    expect_equal("routes after the return", routes_of(lab, "a"), before)
    return (f"{sum(one.sent for one in results.values())} packets, none lost; in sync "
            f"{back:.1f} s after the start")


def check_withdrawn_while_control_was_down(lab):
    """What FRR lost meanwhile is swept, once its replay is known to be complete."""
    podlane, target = lab.podlanes["a"], PODS["c1"].address
    lab.daemons.kill(podlane.names["control"])
    lab.speakers["c"].ctl("disable calico_block")
    wait_until("A's FRR without C's block",
               lambda: NODES["c"].block not in lab.kernel_routes("a"), 30, 0.05, quiet=True)
    expect_equal("FIB while control is down", podlane.target(target)[0], NODES["c"].block)
    podlane.start_control()
    swept = wait_until("C's block swept", lambda: podlane.target(target)[1] == "no-route", 60, 0.05,
                       quiet=True)
    lab.speakers["c"].ctl("enable calico_block")
    wait_until("A back in sync", lambda: in_sync(lab, "a"), 60, quiet=True)
    return f"swept {swept:.1f} s after the start"


def check_kill_frr(lab):
    """kill -9 of zebra, and of bgpd and staticd, which cannot live on without it (watchfrr restarts
    them all, too): no packet lost while all start anew and the reflector waits."""
    frr = lab.speakers["a"]
    before = routes_of(lab, "a")
    pings = running_pings()
    time.sleep(0.5)
    for program in ("zebra", "bgpd", "staticd"):
        lab.daemons.kill(f"a-{program}")
    time.sleep(1)
    frr.start()
    bgp = wait_until("BGP again", lambda: lab.missing_sessions() or lab.missing_routes(), 60,
                     quiet=True)
    back = wait_until("A back in sync", lambda: in_sync(lab, "a"), 60, 0.05, quiet=True)
    time.sleep(25)    # zebra -K 20: what BGP did not confirm is swept after 20 s
    results = {target: one.stop() for target, one in pings.items()}
    for target, result in results.items():
        expect(result.lost == 0, f"a1 > {target}: {result}")
    expect_equal("routes after the return", set(routes_of(lab, "a")), set(before))
    return (f"{sum(one.sent for one in results.values())} packets, none lost; BGP {bgp:.1f} s after "
            f"the start, in sync {back:.1f} s later")


def check_kill_dataplane(lab):
    """kill -9 of the dataplane: the kernel forwards although the XDP programs are still there, and
    the fast lane comes back."""
    podlane, node = lab.podlanes["a"], NODES["a"]
    wait_until("A in sync", lambda: in_sync(lab, "a"), 30, quiet=True)
    pings = running_pings()
    time.sleep(0.5)
    kernel = forwarded_by_kernel(node.netns)
    lab.daemons.kill(podlane.names["dataplane"])
    time.sleep(2)
    by_kernel = forwarded_by_kernel(node.netns) - kernel
    without = ping(PODS["a2"], PODS["b2"].address, 200)
    started = podlane.start_dataplane()
    back = wait_until("A back in sync", lambda: in_sync(lab, "a"), 60, 0.05, quiet=True)
    time.sleep(1)
    results = {target: one.stop() for target, one in pings.items()}
    kernel, sent = forwarded_by_kernel(node.netns), podlane.account()["sent"]
    again = ping(PODS["a1"], PODS["b1"].address, 500)
    expect(by_kernel > 500, f"A's kernel forwarded {by_kernel} packets while the dataplane was dead")
    expect_equal("lost while the kernel forwards", without.lost, 0)
    expect_equal("lost on the fast lane afterwards", again.lost, 0)
    expect_equal("forwarded by the kernel afterwards", forwarded_by_kernel(node.netns) - kernel, 0)
    expect(podlane.account()["sent"] - sent >= 1000, "the dataplane does not count what it forwards")
    for target, result in results.items():
        expect(result.lost < 500, f"a1 > {target}: {result}")
    return ("lost of a packet each 2 ms, death and return together: " +
            ", ".join(f"{target} {one.lost}" for target, one in results.items()) +
            f"; answers {started:.1f} s after the start, in sync {back:.1f} s later")


def check_stop_dataplane(lab):
    """An ordered stop takes its programs and its TAP along, and the kernel forwards."""
    podlane, node = lab.podlanes["a"], NODES["a"]
    lab.daemons.stop(podlane.names["dataplane"], 10)
    programs = bpf_programs(node.netns)
    links = [link for link in ("podlane0", "podlane-trunk0", "podlane-trunk1")
             if run(["ip", "-n", node.netns, "link", "show", link], check=False)]
    result = ping(PODS["a1"], PODS["b1"].address, 200)
    podlane.start_dataplane()
    wait_until("A back in sync", lambda: in_sync(lab, "a"), 60, quiet=True)
    expect_equal("XDP and tc programs after the stop", programs, set())
    expect_equal("links of ours after the stop", links, [])
    expect_equal("lost while stopped", result.lost, 0)


CHECKS = [check_kill_control, check_withdrawn_while_control_was_down, check_kill_frr,
          check_kill_dataplane, check_stop_dataplane]

main_of(__name__)
