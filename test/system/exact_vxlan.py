#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""VXLAN to the bit, with a stock node's kernel at the other end: its vxlan device takes what Podlane
sends, and for the same packet of a pod Podlane sends what the same node's kernel would."""
import os

from frames import UDP_PORTS, VXLAN_BYTES, inner_of, is_about, vxlan_frame
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from support import expect, expect_equal, main_of
from through import compare_with_kernel, expect_decapsulated, expect_ecn_table
from tunnels import expect_none_lost, wait_path

from lablib.netns import ip
from lablib.paths import add_kernel_vxlan
from lablib.shell import run, wait_until
from lablib.topology import HOST_SIDE_MAC, NODES, PODS
from lablib.traffic import iperf3, snmp
from lablib.wire import Wire, mac_of

VARIANTS = ["no-tx-offload"]    # what is captured then has its checksums
MTU = 1450
N_FLOWS = 200
TCP_SECONDS = 1


def prepare(lab):
    """A by policy, B by following its own device, C without Podlane; once for all checks."""
    if os.path.exists(os.path.join(lab.dir, "exact_vxlan")):
        return
    lab.set_policy("a", "vxlan")
    lab.set_policy("b", "follow")
    add_kernel_vxlan(NODES["c"], ["a", "b"])
    add_kernel_vxlan(NODES["b"], ["a", "c"])
    for name, pod in (("a", "c1"), ("b", "c1"), ("a", "b1")):
        wait_path(lab, name, PODS[pod], "vxlan")
    for pod in PODS.values():
        ip(pod.netns, f"link set eth0 mtu {MTU}")     # as Calico sets it
    with open(os.path.join(lab.dir, "exact_vxlan"), "w", encoding="ascii"):
        pass


def check_ping_and_tcp(lab):
    """C's kernel and Podlane, on A by policy and on B by following its own device, understand each
    other: nothing is lost, no checksum is wrong, the device refuses nothing."""
    prepare(lab)
    expect_none_lost([("a1", "c1"), ("c1", "a1")])
    expect_none_lost([("b1", "c1"), ("c1", "b1")], 200)
    notes = []
    for source, target in (("a1", "c1"), ("c1", "a1"), ("b1", "c1"), ("c1", "b1")):
        bits_per_sec, _ = iperf3(PODS[source], PODS[target], TCP_SECONDS)
        expect(bits_per_sec > 0, f"{source} > {target}: nothing arrived")
        notes.append(f"{source}>{target} {bits_per_sec / 1e9:.2f}")
    expect_equal("UDP with a wrong checksum at C", snmp(NODES["c"].netns)["Udp"]["InCsumErrors"], 0)
    for name in ("a1", "b1", "c1"):
        expect_equal(f"TCP with a wrong checksum at {name}",
                     snmp(PODS[name].netns)["Tcp"]["InCsumErrors"], 0)
    for counter in ("rx_errors", "rx_dropped", "rx_frame_errors"):
        path = f"/sys/class/net/vxlan.calico/statistics/{counter}"
        expect_equal(f"C's {counter}", run(["cat", path], netns=NODES["c"].netns).strip(), "0")
    return "2400 of 2400; Gbit/s: " + ", ".join(notes)


def compare(lab, pod, target):
    """How many frames Podlane sends as the kernel of the same node does."""
    ours, theirs = compare_with_kernel(lab, pod, target, "vxlan", MTU)
    for frames in (ours, theirs):
        for name, frame in frames.items():
            expect(UDP_PORTS[0] <= Ether(frame)[UDP].sport <= UDP_PORTS[1], f"{name}: source port")
    return len(ours)


def check_same_as_kernel(lab):
    """On B, which follows its own device, and on A, which has a policy and a device only for this."""
    prepare(lab)
    n_rows = compare(lab, PODS["b1"], PODS["c1"])
    add_kernel_vxlan(NODES["a"], ["c"])
    try:
        wait_path(lab, "a", PODS["c1"], "vxlan")
        n_rows += compare(lab, PODS["a1"], PODS["c1"])
    finally:
        ip(NODES["a"].netns, "link del vxlan.calico")
    wait_path(lab, "a", PODS["c1"], "vxlan")
    return f"{n_rows} frames the same but for id, source port and their checksums; CE apart"


def check_source_ports(lab):
    """A flow keeps its port, flows are spread over the range, and ids vary."""
    prepare(lab)
    pod, target = PODS["a1"], PODS["c1"]
    ports, ids = {}, []
    packet = IP(src=pod.address, dst=target.address) / UDP(sport=1, dport=9) / b"flow"
    with Wire(pod.netns) as sender, Wire(NODES["c"].netns) as catcher:
        ethernet = Ether(src=mac_of(pod.netns), dst=HOST_SIDE_MAC)
        for number in range(2 * N_FLOWS):
            packet.id, packet.sport = 5000 + number, 1024 + number % N_FLOWS
            sender.send(ethernet / packet)
            frame = catcher.wait_for(is_about(packet))
            expect(frame is not None, f"packet {number} did not come")
            outer = Ether(frame)
            ids.append(outer[IP].id)
            ports.setdefault(packet.sport, set()).add(outer[UDP].sport)
    expect_equal("flows with more than one port",
                 [flow for flow, seen in ports.items() if len(seen) != 1], [])
    seen = set().union(*ports.values())
    expect(min(seen) >= UDP_PORTS[0] and max(seen) <= UDP_PORTS[1], f"ports {min(seen)}-{max(seen)}")
    span = UDP_PORTS[1] - UDP_PORTS[0]
    expect(len(seen) > 0.9 * N_FLOWS, f"{len(seen)} ports for {N_FLOWS} flows")
    expect(max(seen) - min(seen) > 0.9 * span, f"ports only in {min(seen)}-{max(seen)}")
    expect_equal("different ids", len(set(ids)), len(ids))
    return f"{N_FLOWS} flows on {len(seen)} ports, {min(seen)} to {max(seen)}"


def check_decapsulation(lab):
    prepare(lab)
    return expect_decapsulated(lab, vxlan_frame, MTU)


def check_ecn_of_decapsulation(lab):
    """RFC 6040 4.2, all sixteen, on the wire."""
    prepare(lab)
    return expect_ecn_table(lab, vxlan_frame)


def check_small_inner_frames(lab):
    """Ethernet's padding inside does not reach the pod."""
    prepare(lab)
    source, target = PODS["c1"], PODS["a1"]
    inner = IP(src=source.address, dst=target.address, id=77) / UDP(sport=1, dport=9)
    macs = mac_of(NODES["c"].netns), mac_of(NODES["a"].netns)
    nodes = NODES["c"].address, NODES["a"].address
    with Wire(target.netns) as catcher, Wire(NODES["c"].netns) as station:
        station.send(vxlan_frame(macs, nodes, IP(bytes(inner)) / (b"\0" * 18)))
        frame = catcher.wait_for(is_about(inner))
    expect(frame is not None, "it did not come")
    expect_equal("bytes in the pod", len(frame), 14 + 28)
    expect_equal("rest", bytes(inner_of(frame).payload)[8:], b"")
    return f"{VXLAN_BYTES} + 28 + 18 bytes in, 14 + 28 out"


def check_clean_up(lab):
    """The next file starts without these devices."""
    for name in ("b", "c"):
        run(["ip", "link", "del", "vxlan.calico"], netns=NODES[name].netns, check=False)
    for pod in PODS.values():
        ip(pod.netns, "link set eth0 mtu 1500")
    wait_until("routes without tunnels", lab.missing_routes, 30, quiet=True)


CHECKS = [check_ping_and_tcp, check_same_as_kernel, check_source_ports, check_decapsulation,
          check_ecn_of_decapsulation, check_small_inner_frames, check_clean_up]

main_of(__name__)
