# SPDX-License-Identifier: BSD-3-Clause
"""Single packets through a tunnel, out from a pod to a stock node's uplink and in from there: for
exact_vxlan and exact_ipip."""
from frames import forwarded, is_about, pod_packets
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from support import expect_equal

from lablib.shell import wait_until
from lablib.topology import HOST_SIDE_MAC, NODES, PODS
from lablib.wire import Wire, mac_of

# RFC 6040 4.2, figure 4
NOT_ECT, ECT1, ECT0, CE = range(4)
DROP = None
# [inside][outside]
RESULTS = ((NOT_ECT, NOT_ECT, NOT_ECT, DROP),
           (ECT1, ECT1, ECT1, CE),
           (ECT0, ECT1, ECT0, CE),
           (CE, CE, CE, CE))


def send_and_catch(pod, target, packet):
    """The frame that C's uplink gets for what a pod sends."""
    with Wire(pod.netns) as sender, Wire(NODES[target.node].netns) as catcher:
        sender.send(Ether(src=mac_of(pod.netns), dst=HOST_SIDE_MAC) / packet)
        return catcher.wait_for(is_about(packet))


def expect_decapsulated(lab, make_frame, mtu):
    """All kinds of packets arrive in the pod as they were, but for the hop."""
    source, target = PODS["c1"], PODS["a1"]
    nodes = NODES["c"].address, NODES["a"].address
    dropped = lab.podlanes["a"].drops()
    with Wire(NODES["c"].netns) as station, Wire(target.netns) as pod:
        macs = mac_of(NODES["c"].netns), mac_of(NODES["a"].netns)
        for name, packet in pod_packets(source.address, target.address, mtu).items():
            station.send(make_frame(macs, nodes, packet))
            frame = pod.wait_for(is_about(packet))
            expect_equal(f"{name}, in the pod", frame and frame[14:].hex(),
                         bytes(forwarded(packet)).hex())
    expect_equal("drops", lab.podlanes["a"].drops(), dropped)
    return "each as it was sent"


def expect_ecn_table(lab, make_frame):
    """Sends all sixteen from C to a pod of A with make_frame of frames.py."""
    source, target = PODS["c1"], PODS["a1"]
    nodes = NODES["c"].address, NODES["a"].address
    podlane = lab.podlanes["a"]
    dropped = podlane.drops()
    with Wire(NODES["c"].netns) as station, Wire(target.netns) as pod:
        macs = mac_of(NODES["c"].netns), mac_of(NODES["a"].netns)
        for inside, row in enumerate(RESULTS):
            for outside, wanted in enumerate(row):
                inner = IP(src=source.address, dst=target.address, tos=0xb8 | inside,
                           id=100 + 4 * inside + outside) / UDP(sport=1, dport=9) / b"ecn"
                station.send(make_frame(macs, nodes, inner, tos=outside))
                if wanted is DROP:
                    wait_until("tunnel_ecn counts", lambda: podlane.drops()["tunnel_ecn"] ==
                               dropped["tunnel_ecn"] + 1, 10, 0.05, quiet=True)
                    continue
                frame = pod.wait_for(is_about(inner))
                expected = forwarded(inner)
                expected.tos = 0xb8 | wanted
                del expected.chksum
                expect_equal(f"inside {inside:02b}, outside {outside:02b}: the packet in the pod",
                             frame and frame[14:].hex(), bytes(expected).hex())
    expect_equal("drops", podlane.drops(), {**dropped, "tunnel_ecn": dropped["tunnel_ecn"] + 1})
    return "16 of 16"
