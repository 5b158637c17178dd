# SPDX-License-Identifier: BSD-3-Clause
"""A bond, active-backup, of a VF of one NIC and the whole of another one, as A's only uplink. The active member's
cable comes out under traffic, and in again; the active VF is taken away, and comes back."""
import json
import os
import time

from guest_flows import GuestFlows
from lablib.netns import ip
from lablib.shell import run, wait_until
from lablib.topology import NODES, SEGMENT
from lablib.traffic import Capture
from sums import expect_left_to, expect_transfer_right
from uplinks import SETTLE_SEC, expect_moved
from vlan import VLAN, expect_tagged
from world import NIC_OF_A, NIC_OF_UPLINK1, TAP_OF_UPLINK1, expect

A = NODES["a"]
MEMBERS = ("a", TAP_OF_UPLINK1)     # by their TAPs; the first one is active
N_PINGS = 500
N_STRAY = 50        # frames of a guest's kernel by a member that carries nothing
AWAY_SEC = 3


def sent_by(tap):
    """Frames that the guest sent by the NIC of a TAP."""
    link = json.loads(run(["ip", "-j", "-s", "link", "show", "dev", tap], netns=SEGMENT))[0]
    return link["stats64"]["rx"]["packets"]


def expect_carrier(world, active):
    """Pings both ways, and A's part of them by this member alone."""
    before = [sent_by(tap) for tap in MEMBERS]
    world.echo("a1", "b1", N_PINGS)
    world.echo("b1", "a1", N_PINGS)
    for tap, n_before in zip(MEMBERS, before):
        n_sent = sent_by(tap) - n_before
        expect(n_sent >= 2 * N_PINGS if tap == active else n_sent < N_STRAY,
               f"A sent {n_sent} frames by {tap}, and {active} should be the active member")


def wait_up(world):
    wait_until("BGP again", world.missing_sessions, 120, quiet=True)
    world.wait_path("a", "b1", "native")


def check_failover(world):
    """The other member carries all after it, and keeps it when the first one is back."""
    ip(SEGMENT, f"link set dev {TAP_OF_UPLINK1} master br0")
    world.machine.call("nodes.make_bond", "uplink0", NIC_OF_UPLINK1, timeout_sec=600)
    wait_up(world)
    expect_carrier(world, MEMBERS[0])
    expect_left_to(world, "uplink0")
    n_right = expect_transfer_right(world, tap=MEMBERS[0])
    flows = GuestFlows(world)
    time.sleep(SETTLE_SEC)
    out_at = flows.now()
    world.machine.set_link(MEMBERS[0], False)
    time.sleep(AWAY_SEC)
    expect(world.has_carrier("uplink0"), "the bond has no carrier with one member left")
    expect_carrier(world, MEMBERS[1])
    in_at = flows.now()
    world.machine.set_link(MEMBERS[0], True)
    time.sleep(AWAY_SEC)
    expect_carrier(world, MEMBERS[1])
    note = expect_moved("bond", flows.stop(), out_at, in_at)
    n_right += expect_transfer_right(world, tap=MEMBERS[1])
    return f"{6 * N_PINGS} of {6 * N_PINGS} pings; {n_right} checksums right on the wire; {note}"


def check_vlan(world):
    """With a tag, which the members put on and take off."""
    world.machine.call("vlan_nodes.start", "uplink0", VLAN, timeout_sec=600)
    note = expect_tagged(world, "uplink0", MEMBERS[0])
    world.machine.call("vlan_nodes.stop", "uplink0", timeout_sec=600)
    wait_up(world)
    return note


def blink(world, tap):
    """A member's cable out and in: the other one is active then."""
    world.machine.set_link(tap, False)
    time.sleep(AWAY_SEC)
    world.machine.set_link(tap, True)
    time.sleep(AWAY_SEC)


def check_member_removed(world):
    """The PF makes no more VFs while the VF carries all. The bond lets go of it, so that the order ends, and goes on
    with the other member; it takes the VF again when it is back, and can move to it."""
    vf = world.machine.call("nodes.device_of_port", "uplink0")
    pid = world.podlanes["a"].status()["dataplane"]["pid"]
    blink(world, MEMBERS[1])
    expect_carrier(world, MEMBERS[0])
    flows = GuestFlows(world)
    announced = Capture(SEGMENT, MEMBERS[1], f"arp and src host {A.address} and dst host {A.address}",
                        os.path.join(world.dir, "announced.pcap"))
    time.sleep(SETTLE_SEC)
    world.machine.call("nics.begin_no_vfs", NIC_OF_A)
    gone = wait_until(f"{vf} is gone", lambda: world.machine.call("nics.is_gone", vf), 60, quiet=True)
    expect(world.has_carrier("uplink0"), "the bond has no carrier with one member left")
    expect_carrier(world, MEMBERS[1])
    n_announced = len(announced.stop())
    expect(n_announced == 1, f"A announced its address {n_announced} times by the other member")
    in_at = flows.now()
    world.machine.call("nodes.give_vf_back", NIC_OF_A, timeout_sec=300)
    back = wait_until("the VF in the bond", lambda: world.machine.call("nodes.has_said", f"has its device {vf} again"),
                      60, quiet=True)
    time.sleep(AWAY_SEC)
    expect_carrier(world, MEMBERS[1])
    note = expect_moved("bond", flows.stop(), None, in_at)
    blink(world, MEMBERS[1])
    expect_carrier(world, MEMBERS[0])
    now = world.podlanes["a"].status()["dataplane"]["pid"]
    expect(now == pid, f"A's dataplane is another one: {pid}, {now}")
    return f"{note}; the VF is gone after {gone:.1f} s, and in the bond {back:.1f} s after it was bound again"


def check_one_again(world):
    world.machine.call("nodes.end_bond", "uplink0", timeout_sec=600)
    ip(SEGMENT, f"link set dev {TAP_OF_UPLINK1} nomaster")
    wait_up(world)


CHECKS = [check_failover, check_member_removed, check_vlan, check_one_again]
