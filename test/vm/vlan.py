# SPDX-License-Identifier: BSD-3-Clause
"""A port with a VLAN of its own, a VF and a PF: C, with a vlan device of its kernel, is reached by it, on the wire
all frames of the port have the tag, and what comes without one is dropped by name."""
import os

from lablib.netns import ip
from lablib.shell import wait_until
from lablib.topology import NODES, PODS, SEGMENT
from lablib.traffic import Capture
from lablib.wire import Wire, mac_of
from scapy.layers.l2 import ARP, Ether
from sums import expect_datagrams_right, expect_left_to
from world import NIC_OF_UPLINK1, TAP_OF_UPLINK1, expect

B = NODES["b"]
VLAN = 100
OF_A, OF_C = "192.168.5.10", "192.168.5.12"
N_PINGS = 500
N_UNTAGGED = 5


def expect_tagged(world, port, tap):
    """Pings of A's and C's pods by a port that has the tag. Returns the frames seen with it."""
    mac = world.link(port)["address"]
    podlane = world.podlanes["a"]
    wait_until("a path to C by the VLAN", lambda: podlane.target(PODS["c1"].address)[2] ==
               [("native", OF_C)], 60, quiet=True)
    captures = [Capture(SEGMENT, tap, expression, os.path.join(world.dir, f"vlan{number}.pcap"))
                for number, expression in enumerate((f"vlan {VLAN} and icmp",
                                                     f"ether src {mac} and not vlan"))]
    before = podlane.drops()
    world.echo("a1", "c1", N_PINGS)
    world.echo("c1", "a1", N_PINGS)
    mac_of_b = mac_of(B.netns)
    with Wire(B.netns) as wire:
        for _ in range(N_UNTAGGED):
            wire.send(Ether(src=mac_of_b, dst="ff:ff:ff:ff:ff:ff") /
                      ARP(hwsrc=mac_of_b, psrc=B.address, pdst=OF_A))
    with_tag, without = (len(capture.stop()) for capture in captures)
    after = podlane.drops()
    expect(with_tag >= N_PINGS, f"{port}: {with_tag} frames with the tag on the wire")
    expect(without == 0, f"{port}: {without} frames without the tag from {mac}")
    expect_left_to(world, port)
    n_right = expect_datagrams_right(world, "c1", tap)
    changes = {reason: n - before[reason] for reason, n in after.items() if n != before[reason]}
    expect(set(changes) == {"vlan"}, f"{port}: drops {changes}, expected some by vlan alone")
    return f"{2 * N_PINGS} of {2 * N_PINGS}, {with_tag} frames seen with the tag, {changes['vlan']} without " \
           f"one dropped, {n_right} checksums right on the wire"


def check_vf(world):
    """The first uplink, a VF. BGP has to do without it meanwhile."""
    world.machine.call("vlan_nodes.start", "uplink0", VLAN, timeout_sec=300)
    note = expect_tagged(world, "uplink0", "a")
    world.machine.call("vlan_nodes.stop", "uplink0", timeout_sec=300)
    wait_until("BGP again", world.missing_sessions, 120, quiet=True)
    world.wait_path("a", "b1", "native")
    return note


def check_pf(world):
    """A second uplink, a PF, whose cable leads to the first segment for this."""
    ip(SEGMENT, f"link set dev {TAP_OF_UPLINK1} master br0")
    world.machine.call("nodes.add_pf", "uplink1", "192.168.3.10", NIC_OF_UPLINK1, VLAN, timeout_sec=300)
    world.machine.call("vlan_nodes.route", "uplink1", VLAN)
    note = expect_tagged(world, "uplink1", TAP_OF_UPLINK1)
    world.machine.call("vlan_nodes.unroute", "uplink1")
    world.machine.call("nodes.remove_pf", "uplink1", timeout_sec=300)
    ip(SEGMENT, f"link set dev {TAP_OF_UPLINK1} nomaster")
    wait_until("BGP again", world.missing_sessions, 120, quiet=True)
    world.wait_path("a", "b1", "native")
    return note


CHECKS = [check_vf, check_pf]
