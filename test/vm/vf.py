# SPDX-License-Identifier: BSD-3-Clause
"""A VF as the only uplink: BGP over its twin, pods past A's kernel in all three modes, the cable."""
import os

from lablib.paths import ON_THE_WIRE
from lablib.shell import run, wait_until
from lablib.topology import NODES, PODS, SEGMENT
from lablib.traffic import Capture, Ping, warm_up
from sums import expect_left_to, expect_transfer_right
from world import KINDS, expect

A, B = NODES["a"], NODES["b"]
N_PINGS = 1000    # each way
# Each of the three to each of the others.
TOUR = ["none", "ipip", "vxlan", "none", "vxlan", "ipip", "none"]
GAP_MS = 5


def check_bgp(world):
    """A's session with the reflector comes up over the twin, and all nodes know each other's blocks."""
    took = wait_until("BGP over the twin", world.missing_sessions, 120)
    wait_until("routes in the kernels of A, B and C", world.missing_routes, 60)
    for pod in ("b1", "c1"):
        world.wait_path("a", pod, "native")
    return f"Established after {took:.1f} s"


def check_host(_world):
    """A's kernel is reached through nothing but the VF and its twin."""
    warm_up(PODS["b1"], A.address)
    text = run(["ping", "-n", "-c", "20", "-i", "0.05", "-q", A.address], netns=B.netns, check=False)
    expect(" 0% packet loss" in text, f"B to A's address: {text.strip()}")


def check_modes(world):
    """Each mode both ways, windowed: nothing lost, on the wire it is what it should be, and A's dataplane
    carried it, not its kernel."""
    notes = []
    for encap, kind in KINDS.items():
        world.reload(encap)
        hosts = f"host {A.address} and host {B.address}"
        if kind == "native":
            hosts = f"icmp and host {PODS['a1'].address}"
        capture = Capture(SEGMENT, "a", f"{hosts} and {ON_THE_WIRE[kind]} and not port 179",
                          os.path.join(world.dir, f"{kind}.pcap"))
        before = world.podlanes["a"].account()
        rates = [world.echo("a1", "b1", N_PINGS), world.echo("b1", "a1", N_PINGS)]
        after = world.podlanes["a"].account()
        n_wire = len(capture.stop())
        expect(n_wire >= N_PINGS, f"{kind}: {n_wire} such packets on the wire, expected thousands")
        n_sent = after["sent"] - before["sent"]
        expect(n_sent >= 4 * N_PINGS, f"{kind}: A's dataplane sent {n_sent}, not {4 * N_PINGS}")
        expect(after["ok"] and after["dropped"] == before["dropped"], f"{kind}: account of A: {after}")
        notes.append(f"{kind} {min(rates):.0f}")
    world.reload("none")
    return f"{2 * N_PINGS} of {2 * N_PINGS} each; pings answered in a second: {', '.join(notes)}"


def check_checksums(world):
    """Pods leave them to the VF; what gets an outer header is finished before."""
    expect_left_to(world, "uplink0")
    notes = []
    for encap, kind in KINDS.items():
        world.reload(encap)
        notes.append(f"{kind} {expect_transfer_right(world, kind)}")
    world.reload("none")
    return f"packets right on the wire: {', '.join(notes)}"


def check_stock_node(world):
    """Pods of C, which has no Podlane, by its kernel."""
    rates = [world.echo("a1", "c1", N_PINGS), world.echo("c1", "a1", N_PINGS)]
    return f"{2 * N_PINGS} of {2 * N_PINGS}, {min(rates):.0f} in a second"


def check_changes(world):
    """All six changes of mode, on A and B by SIGHUP: a running ping loses nothing."""
    running = Ping(PODS["b1"], PODS["a1"].address, 1000000, GAP_MS)
    for encap in TOUR:
        world.reload(encap)
    result = running.stop()
    expect(result.lost == 0, f"{result}")
    return f"{len(TOUR) - 1} changes on each node, {result}"


def check_cable(world):
    """Out and in again: the twin's carrier and the dataplane's port follow."""
    world.machine.set_link("a", False)
    took = wait_until("no carrier", lambda: not world.has_carrier("uplink0"), 20, 0.05, quiet=True)
    world.machine.set_link("a", True)
    back = wait_until("carrier", lambda: world.has_carrier("uplink0"), 60, 0.05, quiet=True)
    wait_until("BGP again", world.missing_sessions, 120, quiet=True)
    world.wait_path("a", "b1", "native")
    world.echo("b1", "a1", 100)
    return f"no carrier after {took:.2f} s, again after {back:.2f} s"


CHECKS = [check_bgp, check_host, check_stock_node, check_modes, check_checksums, check_changes, check_cable]
