# SPDX-License-Identifier: BSD-3-Clause
"""Two uplinks of A: a VF of one NIC, and the whole of another one, its PF. BGP has both ways to B's block, the
second by the reflector as a router, and flows go by both. Under traffic a cable comes out and in again, and a
device goes and comes back."""
import time

from guest_flows import GuestFlows
from lablib.netns import ip
from lablib.shell import wait_until
from lablib.topology import AS_NUMBER, NODES, PODS, PREFIX, SEGMENT
from world import NIC_OF_A, NIC_OF_UPLINK1, TAP_OF_UPLINK1, WIRES, expect

A, B = NODES["a"], NODES["b"]
ROUTER, OWN = "192.168.3.1", "192.168.3.10"     # the reflector's and A's on the second segment
BOTH = {B.address, ROUTER}
UPLINKS = ("uplink0", "uplink1")
SETTLE_SEC = 1
N_LEAST = 100       # datagrams in a flow of them, or the guest was too slow to show anything
# Nothing that was sent so long after the cable was out may be lost. On hardware it is 100 ms; here
# everything is a hundred times slower, and the link is read by an emulated driver.
MOVED_MS = 1500


def add_second_segment(world):
    """A bridge with an eth1 of the reflector, and a session of its own with A by it."""
    ip(SEGMENT, "link add br1 type bridge stp_state 0 mcast_snooping 0", "link set br1 up",
       f"link set dev {TAP_OF_UPLINK1} master br1 up",
       f"link add name rr1 type veth peer name eth1 netns {PREFIX}rr", "link set dev rr1 master br1 up")
    ip(PREFIX + "rr", f"address add {ROUTER}/24 dev eth1", "link set eth1 up")
    # A's own block is known by its first uplink, and by that alone: the way back does not change here
    world.speakers["rr"].change(
        "ip prefix-list none deny any", f"router bgp {AS_NUMBER}",
        f"neighbor {OWN} remote-as {AS_NUMBER}", "address-family ipv4 unicast",
        f"neighbor {OWN} activate", f"neighbor {OWN} route-reflector-client",
        f"neighbor {OWN} next-hop-self force", f"neighbor {OWN} prefix-list none in")


def hops(world):
    """A's next hops to B's pods."""
    return {hop for kind, hop in world.podlanes["a"].target(PODS["b1"].address)[2] if kind == "native"}


def wait_hops(world, wanted):
    return wait_until(f"A's ways to B: {wanted}", lambda: hops(world) == wanted or str(hops(world)), 120,
                      0.05, quiet=True)


def ports(world):
    return {port["name"]: port for port in world.podlanes["a"].podlane("port", "show")["ports"]}


def check_both(world):
    """A VF and a PF, both bound: BGP by both, flows dealt to both, nothing lost."""
    add_second_segment(world)
    world.machine.call("nodes.add_pf", "uplink1", OWN, NIC_OF_UPLINK1, timeout_sec=300)
    world.machine.call("nodes.add_session", ROUTER)
    took = wait_hops(world, BOTH)
    world.echo("a1", "b1", 200)
    before = ports(world)
    flows = GuestFlows(world)
    time.sleep(3)
    result = flows.stop()
    after = ports(world)
    shares = [after[name]["tx_pkts"] - before[name]["tx_pkts"] for name in UPLINKS]
    expect(result.sent >= N_LEAST and not result.lost, f"{result}")
    expect(min(shares) >= result.sent // 4, f"by the uplinks of A: {shares} of {result.sent}")
    return f"two ways after {took:.1f} s; {result}; packets by each {shares}"


def expect_moved(name, result, out_at, in_at):
    """Flows over a failure and the return from it: what it cost, in words. With out_at None the failure began
    with the first one lost: an order to let a device go takes its time."""
    moved_ms = (result.lost[-1] - (out_at or result.lost[0])) * 1000 if result.lost else 0
    n_late = sum(one >= in_at for one in result.lost)
    expect(result.sent >= N_LEAST, f"{name}: {result}")
    expect(moved_ms < MOVED_MS, f"{name}: {result}, the last one sent {moved_ms:.0f} ms after it failed")
    expect(n_late == 0, f"{name}: {n_late} lost after its return")
    return f"{result}, the last one sent {moved_ms:.0f} ms after the failure"


def cut(world, tap, others):
    """The cable of one uplink out under traffic, and in again. Returns what that did, in words."""
    flows = GuestFlows(world)
    time.sleep(SETTLE_SEC)
    out_at = flows.now()
    world.machine.set_link(tap, False)
    left = wait_hops(world, BOTH - others)
    time.sleep(SETTLE_SEC)
    in_at = flows.now()
    world.machine.set_link(tap, True)
    back = wait_hops(world, BOTH)
    time.sleep(SETTLE_SEC)
    note = expect_moved(tap, flows.stop(), out_at, in_at)
    return f"{note}; A has one way after {left:.2f} s, two ways {back:.1f} s after the cable was in"


def check_pf_cable(world):
    """The second uplink, a PF: its flows move, and come back."""
    return cut(world, TAP_OF_UPLINK1, {ROUTER})


def check_vf_cable(world):
    """The first one, a VF, by which A's first session goes."""
    note = cut(world, "a", {B.address})
    wait_until("BGP again", world.missing_sessions, 120, quiet=True)
    return note


def remove(world, name, others, take, give_back):
    """The device of an uplink goes under traffic: its way is left, and the dataplane lets go of it. It comes back,
    and so does the way. Returns what that did, in words."""
    device = world.machine.call("nodes.device_of_port", name)
    pid = world.podlanes["a"].status()["dataplane"]["pid"]
    flows = GuestFlows(world)
    time.sleep(SETTLE_SEC)
    take()
    left = wait_hops(world, BOTH - others)
    freed = left + wait_until(f"{device} is gone", lambda: world.machine.call("nics.is_gone", device), 60,
                              quiet=True)
    time.sleep(SETTLE_SEC)
    in_at = flows.now()
    give_back()
    back = wait_hops(world, BOTH)
    time.sleep(SETTLE_SEC)
    note = expect_moved(name, flows.stop(), None, in_at)
    now = world.podlanes["a"].status()["dataplane"]["pid"]
    expect(now == pid, f"A's dataplane is another one: {pid}, {now}")
    return (f"{note}; A has one way after {left:.2f} s, {device} is gone after {freed:.1f} s, two ways "
            f"{back:.1f} s after it was bound again")


def check_vf_removed(world):
    """The PF makes no more VFs, as a device plugin may order: vfio asks the dataplane to let go, and the order
    does not end before. Then the PF makes one again."""
    note = remove(world, "uplink0", {B.address},
                  lambda: world.machine.call("nics.begin_no_vfs", NIC_OF_A),
                  lambda: world.machine.call("nodes.give_vf_back", NIC_OF_A, timeout_sec=300))
    wait_until("BGP again", world.missing_sessions, 120, quiet=True)
    return note


def plug_in(world):
    world.machine.plug_in(TAP_OF_UPLINK1, WIRES[TAP_OF_UPLINK1], NIC_OF_UPLINK1)
    world.machine.call("nodes.give_nic_back", NIC_OF_UPLINK1)


def check_nic_pulled(world):
    """A NIC, bound whole, is pulled out of its slot, and put in again."""
    return remove(world, "uplink1", {ROUTER}, lambda: world.machine.unplug(TAP_OF_UPLINK1),
                  lambda: plug_in(world))


def check_one_again(world):
    """Back to one uplink."""
    world.speakers["rr"].change(f"router bgp {AS_NUMBER}", f"no neighbor {OWN}")
    world.machine.call("nodes.remove_session", ROUTER)
    world.machine.call("nodes.remove_pf", "uplink1", timeout_sec=300)
    wait_until("BGP", world.missing_sessions, 120, quiet=True)
    world.wait_path("a", "b1", "native")
    world.echo("b1", "a1", 100)


CHECKS = [check_both, check_pf_cable, check_vf_cable, check_vf_removed, check_nic_pulled, check_one_again]
