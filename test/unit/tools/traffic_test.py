#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The one description of the traffic, and what is made of it: a pcap file, commands and routes beside
it, templates and variables for a field engine."""
import collections
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from scapy.layers.inet import IP, UDP       # noqa: E402
from scapy.layers.l2 import Ether           # noqa: E402
from scapy.layers.vxlan import VXLAN        # noqa: E402

from benchlib import files, layout, packets, traffic    # noqa: E402

MAC = "02:00:5e:00:00:01"
Counter = collections.Counter


def descriptions():
    for form in traffic.FORMS:
        for size in traffic.IP_BYTES:
            for name in layout.MAKERS:
                yield traffic.Traffic(form, size, n_flows=500, n_pods=3000, n_nodes=50, layout=name,
                                      seed=7, dst_mac=MAC)


class Description(unittest.TestCase):
    def test_flows_are_of_the_layout(self):
        for offered in descriptions():
            routed = offered.routed()
            node_of = dict(zip(routed.addresses, routed.nodes))
            flows = list(offered.flows(routed))
            self.assertEqual(len({flow.dst for flow in flows}), 500)
            for flow in flows:
                self.assertIn(flow.dst, node_of)
                self.assertEqual(node_of[flow.src], flow.node)
                self.assertLess(flow.node, 50)
                self.assertGreaterEqual(flow.sport, 1024)

    def test_imix_is_7_4_1(self):
        flows = traffic.Traffic(size="imix", n_flows=1200, n_pods=3000).flows()
        self.assertEqual(Counter(flow.ip_bytes for flow in flows), {46: 700, 576: 400, 1500: 100})

    def test_same_seed_same_traffic(self):
        one, two = (list(traffic.Traffic(n_flows=100, n_pods=1000, seed=3).frames()) for _ in "ab")
        self.assertEqual(one, two)
        other = list(traffic.Traffic(n_flows=100, n_pods=1000, seed=4).frames())
        self.assertNotEqual(one, other)

    def test_probe_is_no_flow(self):
        above_pods = layout.POOL + layout.BLOCKS * layout.BLOCK
        for probe in (traffic.PROBE_SRC, traffic.PROBE_DST):
            self.assertGreaterEqual(probe, above_pods)
        for name in layout.MAKERS:
            routed = traffic.Traffic(n_pods=100000, layout=name).routed()
            self.assertLess(max(routed.addresses), above_pods)
            self.assertEqual(len(set(routed.addresses)), 100000)

    def test_frames_are_what_scapy_reads(self):
        for offered in descriptions():
            for flow, frame in list(zip(offered.flows(), offered.frames()))[:50]:
                self.check_frame(offered, flow, frame)

    def check_frame(self, offered, flow, frame):
        seen = Ether(frame)
        self.assertEqual(bytes(rebuilt(seen)), frame)      # scapy's lengths and checksums
        self.assertEqual(seen.dst, MAC)
        inner = seen[IP]
        self.assertLessEqual(inner.len, 1500)
        if offered.form != "native":
            self.assertEqual(inner.src, packets.address(packets.FIRST_NODE + flow.node))
            self.assertEqual(inner.dst, "172.16.0.1")
            inner = seen.getlayer(IP, 2)
        if offered.form == "vxlan":
            self.assertEqual((seen[UDP].dport, seen[UDP].sport, seen[VXLAN].vni, seen[VXLAN].flags),
                             (4789, flow.outer_sport, 4096, 8))
        self.assertEqual((inner.src, inner.dst), (packets.address(flow.src),
                                                  packets.address(flow.dst)))
        self.assertEqual((inner[UDP].sport, inner[UDP].dport), (flow.sport, flow.dport))
        self.assertEqual(inner.len, flow.ip_bytes)


def rebuilt(frame):
    """The same with what scapy computes; UDP checksums stay 0, as TRex and Pktgen send them."""
    again = frame.copy()
    layer = again
    while layer:
        if isinstance(layer, IP):
            del layer.chksum
            del layer.len
        layer = layer.payload
    return again


class Renderings(unittest.TestCase):
    """The pcap file, and the templates and variables for a field engine; what TRex's own library
    makes of these is in trex_profile_test.py."""

    def test_all_frames_are_the_same(self):
        for offered in descriptions():
            frames = list(offered.frames())
            with tempfile.TemporaryDirectory() as folder:
                files.write(folder, offered)
                replayed = packets.read_pcap(os.path.join(folder, "packets.pcap"))
            self.assertEqual(replayed, frames)
            expanded = [frame for one in offered.streams() for frame in traffic.expand(one)]
            self.assertEqual(Counter(expanded), Counter(frames))

    def test_streams_keep_the_order_and_shares(self):
        offered = traffic.Traffic("vxlan", "imix", n_flows=1200, n_pods=3000)
        frames = list(offered.frames())
        streams = offered.streams()
        self.assertEqual([one.share for one in streams], [7 / 12, 4 / 12, 1 / 12])
        for one in streams:
            self.assertEqual(list(traffic.expand(one)),
                             [frame for frame in frames if len(frame) == len(one.frame)])

    def test_pktgen_commands_name_port_and_probe(self):
        lines = traffic.pktgen_commands(traffic.Traffic(dst_mac=MAC)).splitlines()
        for wanted in (f"set 0 dst mac {MAC}", "set 0 dst ip 10.255.255.194", "enable 0 pcap"):
            self.assertIn(wanted, lines)

    def test_routes_lead_each_flow_to_its_node(self):
        offered = traffic.Traffic(n_flows=500, n_pods=3000, n_nodes=50)
        with tempfile.TemporaryDirectory() as folder:
            files.write(folder, offered)
            with open(os.path.join(folder, "routes"), "rb") as file:
                data = file.read()
        routes = {address: path - 16 for address, path, depth in
                  layout.ROUTE.iter_unpack(data) if depth == 32}
        self.assertEqual(len(routes), 3001)
        self.assertEqual(routes[traffic.PROBE_DST], 50)
        for flow in offered.flows():
            self.assertEqual(routes[flow.src], flow.node)
            self.assertIn(flow.dst, routes)


if __name__ == "__main__":
    unittest.main()
