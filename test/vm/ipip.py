# SPDX-License-Identifier: BSD-3-Clause
"""IPIP with a kernel's tunl0: C's, which sends and takes as Calico sets it up, and A's own, which Podlane
follows and whose frames it must make itself."""
import os

from lablib.shell import wait_until
from vf import N_PINGS
from world import expect

# How many messages each recording has.
RECORDED = {"uplink": 3, "tunl0-new": 1, "tunl0-up": 2, "tunl0-1400": 1, "tunl0-gone": 1,
            "ipip-ends": 2, "ipip-bound": 1, "ipip-fou": 1, "ipip-gue": 1, "ipip-mpls": 1,
            "ipip-external": 1}


def n_messages(content):
    n = 0
    while content:
        content = content[(int.from_bytes(content[:4], "little") + 3) & ~3:]
        n += 1
    return n


def check_netlink(world):
    """What the kernel says of ipip devices, into files: test/data/netlink has them for the unit tests."""
    folder = os.path.join(world.image.dir, "run", "netlink")
    os.makedirs(folder)
    files = {name: bytes.fromhex(digits)
             for name, digits in world.machine.call("netlink.record").items()}
    for name, content in files.items():
        with open(os.path.join(folder, name + ".bin"), "wb") as out:
            out.write(content)
    counts = {name: n_messages(content) for name, content in files.items()}
    expect(counts == RECORDED, f"messages {counts}, expected {RECORDED}")
    return f"{len(files)} files in {folder}"


def expect_no_errors(world, before):
    after = world.machine.call("tunl0.errors", "c")
    expect(after == before, f"C's kernel refused packets: {after}, before {before}")


def echo_both(world, n_pkts=N_PINGS):
    return min(world.echo("a1", "c1", n_pkts), world.echo("c1", "a1", n_pkts))


def check_policy(world):
    """A and B by policy, C by its tunl0: nothing lost, its kernel refuses nothing."""
    world.machine.call("tunl0.add", "c", ["a", "b"])
    device = world.machine.call("tunl0.describe", "c")
    world.reload("ipip")
    world.wait_path("a", "c1", "ipip")
    before = world.machine.call("tunl0.errors", "c")
    rate = echo_both(world)
    world.echo("b1", "c1", N_PINGS)
    world.echo("c1", "b1", N_PINGS)
    expect_no_errors(world, before)
    return f"{4 * N_PINGS} of {4 * N_PINGS}, {rate:.0f} in a second; C: {device}"


def check_follow(world):
    """A follows: native, until its own kernel has a tunl0 and a route over it."""
    world.reload("follow", "native")
    world.wait_path("a", "c1", "native")
    world.machine.call("tunl0.add", "a", ["c"])
    took = world.wait_path("a", "c1", "ipip")
    before = world.machine.call("tunl0.errors", "c")
    rate = echo_both(world)
    expect_no_errors(world, before)
    return f"ipip {took:.1f} s after the route; {2 * N_PINGS} of {2 * N_PINGS}, {rate:.0f} in a second"


def check_same_as_kernel(world):
    """A follows its tunl0, and makes the same frames as that would."""
    n_frames = world.machine.call("tunl0.compare", timeout_sec=300)
    return f"{n_frames} frames the same but for id and checksum; CE apart"


def check_all_kinds(world):
    """Each kind of packet arrives as it was: out by Podlane, in by tunl0, and the other way."""
    n_there, n_back = (world.machine.call("tunl0.pass_through", *way, timeout_sec=300)
                       for way in (("a1", "c1"), ("c1", "a1")))
    return f"{n_there} and {n_back} kinds"


def check_device_gone(world):
    """A's tunl0 down: the route over it goes, BGP's counts again, and the path is native."""
    for name in ("a", "c"):
        world.machine.call("tunl0.remove", name)
    took = world.wait_path("a", "c1", "native")
    wait_until("routes without tunnels", world.missing_routes, 30, quiet=True)
    echo_both(world, 100)
    world.reload("none")
    return f"native again after {took:.1f} s"


CHECKS = [check_netlink, check_policy, check_follow, check_same_as_kernel, check_all_kinds,
          check_device_gone]
