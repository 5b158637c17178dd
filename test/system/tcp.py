#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""TCP between pods of all nodes, with pods that leave their checksums to the hardware (the port
option "checksum: complete" finishes them) and with pods that finish them themselves."""
import itertools
import os

from support import expect, expect_equal, main_of

from lablib.shell import run
from lablib.topology import PODS
from lablib.traffic import Capture, iperf3, snmp, warm_up

VARIANTS = ["podlane", "no-tx-offload"]
SECONDS = 5


def check_all_pairs(_lab):
    """iperf3 each way between pods of A, B and C; no segment arrives with a wrong checksum."""
    notes = []
    for source, target in itertools.permutations((PODS["a1"], PODS["b1"], PODS["c1"]), 2):
        warm_up(source, target.address)
        before = {pod.name: snmp(pod.netns)["Tcp"]["InCsumErrors"] for pod in (source, target)}
        bits_per_sec, retransmits = iperf3(source, target, SECONDS)
        after = {pod.name: snmp(pod.netns)["Tcp"]["InCsumErrors"] for pod in (source, target)}
        expect_equal(f"{source.name} > {target.name} wrong checksums", after, before)
        expect(bits_per_sec > 1e6, f"{source.name} > {target.name}: {bits_per_sec:.0f} bit/s")
        notes.append(f"{source.name}>{target.name} {bits_per_sec / 1e9:.2f} ({retransmits})")
    return "Gbit/s (retransmitted): " + ", ".join(notes)


def check_checksums_in_pod(lab):
    """What arrives in the pod is right to the bit, TCP and UDP, seen by tcpdump."""
    source, target = PODS["a1"], PODS["b1"]
    capture = Capture(target.netns, "eth0", f"src {source.address} and (tcp or udp)",
                      os.path.join(lab.dir, "pod.pcap"))
    run(["bash", "-c", f"for i in 1 2 3; do echo podlane > /dev/udp/{target.address}/9; done; "
         f"exec 2>/dev/null; echo > /dev/tcp/{target.address}/9; true"], netns=source.netns)
    packets = capture.stop()
    expect(len(packets) >= 4, f"{len(packets)} packets arrived, expected 3 UDP and a SYN")
    for text in packets:
        expect("incorrect" not in text and "bad" not in text, f"checksum: {text}")


CHECKS = [check_all_pairs, check_checksums_in_pod]

main_of(__name__)
