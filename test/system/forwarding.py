#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Pings between pods go through the dataplanes and not through the nodes' kernels: none is lost, and
everyone who forwards counts each packet once."""
import os
import re

from support import expect, expect_equal, main_of

from lablib.shell import wait_until
from lablib.topology import NODES, PODS, SEGMENT
from lablib.traffic import Capture, forwarded_by_kernel, ping, warm_up

VARIANTS = ["podlane"]
N_PINGS = 1000
INTERVAL_MS = 2
# What else runs in the lab meanwhile and is forwarded: nothing is expected, a few are forgiven.
MAX_OTHERS = 40


class Counters:
    """What each forwarder has counted since this was made."""

    def __init__(self, lab):
        self.lab = lab
        self.podlane, self.kernel = self.read()

    def read(self):
        return ({name: podlane.account()["sent"] for name, podlane in self.lab.podlanes.items()},
                {name: forwarded_by_kernel(node.netns) for name, node in NODES.items()})

    def since(self):
        podlane, kernel = self.read()
        return ({name: podlane[name] - self.podlane[name] for name in podlane},
                {name: kernel[name] - self.kernel[name] for name in kernel})


def wait_for_pods(lab):
    for name, podlane in lab.podlanes.items():
        pods = [pod for pod in PODS.values() if pod.node == name]
        wait_until(f"pods of {name.upper()} on the fast lane",
                   lambda podlane=podlane, pods=pods: podlane.missing_pods(pods), 30,
                   quiet=True)


def check_pods_attach(lab):
    """Every pod is on the fast lane without being asked for."""
    wait_for_pods(lab)


def ping_counted(lab, source, target):
    """The pings of the issue: 2 x N_PINGS counted on each node on the way, nowhere else."""
    source, target = PODS[source], PODS[target]
    wait_for_pods(lab)
    warm_up(source, target.address)
    counters = Counters(lab)
    result = ping(source, target.address, N_PINGS, INTERVAL_MS)
    podlane, kernel = counters.since()
    on_the_way = {source.node, target.node}
    expect_equal("lost", result.lost, 0)
    for name, node in NODES.items():
        wanted = 2 * N_PINGS if name in on_the_way else 0
        if node.has_podlane:
            expect(wanted <= podlane[name] <= wanted + MAX_OTHERS,
                   f"{name}'s dataplane forwarded {podlane[name]}, expected {wanted}")
            expect_equal(f"{name}'s kernel forwarded", kernel[name], 0)
        else:
            expect(wanted <= kernel[name] <= wanted + MAX_OTHERS,
                   f"{name}'s kernel forwarded {kernel[name]}, expected {wanted}")
    return (f"{result.received}/{result.sent}, RTT p50 {result.percentile(0.5):.0f} us, "
            f"p99 {result.percentile(0.99):.0f} us")


def check_a1_to_b1(lab):
    return ping_counted(lab, "a1", "b1")


def check_a1_to_c1(lab):
    return ping_counted(lab, "a1", "c1")


def check_c1_to_a1(lab):
    return ping_counted(lab, "c1", "a1")


def check_a1_to_a2(lab):
    return ping_counted(lab, "a1", "a2")


def check_a1_to_borrowed(lab):
    """b3's address is in A's block, and lives on B."""
    return ping_counted(lab, "a1", "b3")


def check_on_the_wire(lab):
    """On the segment: TTL lowered by one, checksums right, MACs of the two nodes."""
    source, target = PODS["a1"], PODS["b1"]
    warm_up(source, target.address)
    capture = Capture(SEGMENT, "a", f"icmp and host {target.address}",
                      os.path.join(lab.dir, "wire.pcap"))
    ping(source, target.address, 20, 10)
    packets = capture.stop()
    requests = [text for text in packets if "echo request" in text]
    replies = [text for text in packets if "echo reply" in text]
    expect(min(len(requests), len(replies)) >= 10,
           f"captured {len(requests)} requests and {len(replies)} replies of 20")
    for text in packets:
        expect(re.search(r"\bttl 63\b", text), f"TTL is not 63: {text}")
        expect("bad cksum" not in text and "wrong icmp cksum" not in text,
               f"checksum: {text}")


def check_account(lab):
    """in = sent + punted + dropped by reason, on every Podlane node."""
    notes = []
    for name, podlane in lab.podlanes.items():
        wait_until(f"{name}'s account is right", lambda podlane=podlane: podlane.account()["ok"],
                   5, quiet=True)
        account = podlane.account()
        notes.append(f"{name} {account['in']} + {account['made']} = {account['sent']} + "
                     f"{account['punted']} + {account['dropped']} + {account['taken']}")
    return ", ".join(notes)


CHECKS = [check_pods_attach, check_a1_to_b1, check_a1_to_c1, check_c1_to_a1, check_a1_to_a2,
          check_a1_to_borrowed, check_on_the_wire, check_account]

main_of(__name__)
