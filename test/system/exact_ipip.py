#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""IPIP to the bit. This kernel has no ipip device, so C's is ipip_node.py, which knows the header only
from scapy; what Podlane sends is compared with what scapy builds from RFC 2003 and RFC 6040."""
import os
import subprocess
import sys

from frames import IP_BYTES, difference, forwarded, ipip_frame, pod_packets, wrong_checksums
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from support import expect, expect_equal, main_of
from through import expect_decapsulated, expect_ecn_table, send_and_catch
from tunnels import expect_none_lost, wait_path

from lablib.netns import ip
from lablib.shell import run, wait_until
from lablib.topology import NODES, PODS
from lablib.traffic import iperf3, snmp
from lablib.wire import mac_of

VARIANTS = ["no-tx-offload"]    # what is captured then has its checksums
MTU = 1480
TUN = "ipip0"
TCP_SECONDS = 1
responders = []


def start_responder(peers):
    """C's ipip device, until stop_responder(), or until the lab goes down."""
    node = NODES["c"]
    words = [f"{peer.block}={peer.address}={mac_of(peer.netns)}" for peer in peers]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ipip_node.py")
    process = subprocess.Popen(["ip", "netns", "exec", node.netns, sys.executable, "-B", path, TUN,
                                "eth0", node.address, *words],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    expect_equal("ipip_node.py", process.stdout.readline().strip(), "ready")
    responders.append(process)
    ip(node.netns, f"link set {TUN} up mtu {MTU}",
       *(f"route replace {peer.block} dev {TUN} proto 80" for peer in peers))


def prepare(lab):
    """A and B by policy, C by its responder; once for all checks."""
    if responders and responders[-1].poll() is None:
        return
    for name in ("a", "b"):
        lab.set_policy(name, "ipip")
    start_responder([NODES["a"], NODES["b"]])
    for name, pod in (("a", "c1"), ("b", "c1"), ("a", "b1")):
        wait_path(lab, name, PODS[pod], "ipip")
    for pod in PODS.values():
        ip(pod.netns, f"link set eth0 mtu {MTU}")


def check_ping_and_tcp(lab):
    prepare(lab)
    plain = snmp(NODES["c"].netns)["Ip"]
    expect_none_lost([("a1", "c1"), ("c1", "a1")])
    expect_none_lost([("b1", "c2"), ("c2", "b1")], 200)
    notes = []
    for source, target in (("a1", "c1"), ("c1", "a1"), ("b1", "c1"), ("c1", "b1")):
        bits_per_sec, _ = iperf3(PODS[source], PODS[target], TCP_SECONDS)
        expect(bits_per_sec > 0, f"{source} > {target}: nothing arrived")
        notes.append(f"{source}>{target} {bits_per_sec / 1e6:.0f}")
    for name in ("a1", "b1", "c1"):
        expect_equal(f"TCP with a wrong checksum at {name}",
                     snmp(PODS[name].netns)["Tcp"]["InCsumErrors"], 0)
    after = snmp(NODES["c"].netns)["Ip"]
    for counter in ("InHdrErrors", "InUnknownProtos", "InDiscards"):
        expect_equal(f"C's {counter}", after[counter] - plain[counter], 0)
    return "2400 of 2400; Mbit/s: " + ", ".join(notes)


def check_fields(lab):
    """Every field of what A and B send to C; only the id is free, and it varies."""
    prepare(lab)
    n_rows, ids = 0, []
    for pod in (PODS["a1"], PODS["b1"]):
        node, target = NODES[pod.node], PODS["c1"]
        macs = mac_of(node.netns), mac_of(NODES["c"].netns)
        for name, packet in pod_packets(pod.address, target.address, MTU).items():
            frame = send_and_catch(pod, target, packet)
            expect(frame is not None, f"{node.name} sent nothing for {name}")
            inner = forwarded(packet)
            wanted = ipip_frame(macs, (node.address, NODES["c"].address), inner)
            text = difference("ipip", frame, bytes(wanted)) or wrong_checksums(frame)
            expect(text == "", f"{node.name}, {name}: {text}")
            expect_equal("bytes in front", len(frame) - 14 - len(inner), IP_BYTES)
            ids.append((node.name, Ether(frame)[IP].id))
            n_rows += 1
    expect_equal("different ids", len(set(ids)), len(ids))
    return f"{n_rows} frames as scapy builds them but for the id"


def check_decapsulation(lab):
    prepare(lab)
    return expect_decapsulated(lab, ipip_frame, MTU)


def check_ecn_of_decapsulation(lab):
    """RFC 6040 4.2, all sixteen, on the wire."""
    prepare(lab)
    return expect_ecn_table(lab, ipip_frame)


def check_clean_up(lab):
    """The next file starts without the responder; its device and routes go with it."""
    for process in responders:
        process.stdin.close()
        process.wait()
    responders.clear()
    for pod in PODS.values():
        ip(pod.netns, "link set eth0 mtu 1500")
    wait_until("routes without tunnels", lab.missing_routes, 30, quiet=True)
    expect_equal("devices left", run(["ip", "link", "show", "type", "tun"],
                                     netns=NODES["c"].netns), "")


CHECKS = [check_ping_and_tcp, check_fields, check_decapsulation, check_ecn_of_decapsulation,
          check_clean_up]

main_of(__name__)
