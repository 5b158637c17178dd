#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Tunnels make paths narrower than the pods' links: with DF the sender is told the path's MTU and
goes on with it, without DF what is too big arrives in fragments."""
import re
import subprocess

from support import expect, expect_equal, main_of
from tunnels import wait_path

from lablib.netns import ip
from lablib.shell import run, wait_until
from lablib.topology import NODES, PODS
from lablib.traffic import Ping, iperf3, warm_up

VARIANTS = ["podlane"]
PATH_MTU = {"ipip": 1480, "vxlan": 1450}
SOURCE, TARGET = PODS["a1"], PODS["b1"]
N_PINGS = 100
MAX_OTHERS = 10     # punted meanwhile for other reasons


def use(lab, encap):
    """A and B by one kind of tunnel, and pods that have learnt nothing of its MTU yet."""
    for name in ("a", "b"):
        lab.set_policy(name, encap)
    wait_path(lab, "a", TARGET, encap)
    wait_path(lab, "b", SOURCE, encap)
    warm_up(SOURCE, TARGET.address)
    forget_mtus()


def forget_mtus():
    for pod in (SOURCE, TARGET):
        ip(pod.netns, "route flush cache")


def cached_mtu(pod, address):
    """What a pod's kernel has learnt of the way to an address; None: nothing."""
    match = re.search(r"\bmtu (\d+)", run(["ip", "-n", pod.netns, "route", "get", address]))
    return int(match[1]) if match else None


def ping_df(n_bytes):
    """One ping of so many bytes with DF; what ping says."""
    return subprocess.run(
        ["ip", "netns", "exec", SOURCE.netns, "ping", "-n", "-c", "1", "-W", "2", "-M", "do", "-s",
         str(n_bytes), TARGET.address], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=20, check=False).stdout


def check_sender_is_told(lab):
    """From the node's address, with the path's MTU; a packet of just that size then passes."""
    notes = []
    for encap, mtu in PATH_MTU.items():
        use(lab, encap)
        before = lab.podlanes["a"].drops()["too_big"]
        text = ping_df(1472)
        told = re.search(r"From (\S+) icmp_seq=1 Frag needed and DF set \(mtu = (\d+)\)", text)
        expect(told is not None, f"{encap}: ping was not told: {text!r}")
        expect_equal(f"{encap}: who tells", told[1], NODES["a"].address)
        expect_equal(f"{encap}: MTU told", int(told[2]), mtu)
        expect_equal(f"{encap}: MTU in the pod", cached_mtu(SOURCE, TARGET.address), mtu)
        expect_equal(f"{encap}: dropped as too_big",
                     lab.podlanes["a"].drops()["too_big"] - before, 1)
        expect("1 received" in ping_df(mtu - 28), f"{encap}: a packet of {mtu} bytes is lost")
        notes.append(f"{encap} {mtu}")
    return ", ".join(notes)


def check_tcp_recovers(lab):
    """TCP begins with segments for the pod's MTU, is told, and goes on with smaller ones."""
    notes = []
    for encap, mtu in PATH_MTU.items():
        use(lab, encap)
        before = lab.podlanes["a"].drops()["too_big"]
        bits_per_sec, _ = iperf3(SOURCE, TARGET, 2)
        n_told = lab.podlanes["a"].drops()["too_big"] - before
        expect(bits_per_sec > 1e6, f"{encap}: only {bits_per_sec:.0f} bit/s")
        expect(n_told > 0, f"{encap}: nothing was too big: this tested nothing")
        expect_equal(f"{encap}: MTU in the pod", cached_mtu(SOURCE, TARGET.address), mtu)
        notes.append(f"{encap} {bits_per_sec / 1e9:.2f} Gb/s, {n_told} too big")
    return "; ".join(notes)


def ping_fragmented(lab, encap, n_bytes):
    forget_mtus()
    before = {name: podlane.account() for name, podlane in lab.podlanes.items()}
    result = Ping(SOURCE, TARGET.address, N_PINGS, 5,
                  ("-w", "30", "-M", "dont", "-s", str(n_bytes))).result()
    what = f"{encap}, {n_bytes} bytes"
    expect_equal(f"{what}: answered", (result.sent, result.received), (N_PINGS, N_PINGS))
    wait_until("the accounts to balance",
               lambda: "" if all(podlane.account()["ok"] for podlane in lab.podlanes.values())
               else "not yet", 10, quiet=True)
    for name, podlane in lab.podlanes.items():
        account = podlane.account()
        made = account["made"] - before[name]["made"]
        punted = account["punted"] - before[name]["punted"]
        expect(made >= N_PINGS, f"{what}: {name} made {made} fragments")
        expect(punted <= MAX_OTHERS, f"{what}: {name} punted {punted}")


def check_fragments_arrive(lab):
    """Too big by a little, and what the pod fragmented already: all answered, the kernel not asked."""
    for encap in PATH_MTU:
        use(lab, encap)
        for n_bytes in (1472, 4000):
            ping_fragmented(lab, encap, n_bytes)
    return f"{', '.join(PATH_MTU)}: 1472 and 4000 bytes, {N_PINGS} of {N_PINGS} each"


CHECKS = [check_sender_is_told, check_tcp_recovers, check_fragments_arrive]

main_of(__name__)
