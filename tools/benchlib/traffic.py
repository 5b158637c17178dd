# SPDX-License-Identifier: BSD-3-Clause
"""The one description of the traffic that is offered, on whatever machine.

It is rendered three times: as frames for a pcap file, which the benchmark's net_pcap and Pktgen replay
(frames()), and as templates and variables for TRex's field engine (streams()). Nothing here needs
more than Python, so the file goes with tools/trex to another machine as it is.

Each flow goes from a random pod to another one, destinations all distinct, UDP with random ports. 64
and 1500 are the sizes of a frame with its checksum and of an IP packet; imix is 7 of 64, 4 of 576 and
1 of 1500. A tunnel's outer headers come on top, but no outer packet is longer than 1500 bytes: the
network that carries it has that MTU.
"""
import collections
import dataclasses
import random
import struct

from . import layout, packets

MTU = 1500
IMIX = [46] * 7 + [576] * 4 + [1500]    # IP bytes; 7 : 4 : 1
IP_BYTES = {"64": [46], "imix": IMIX, "1500": [MTU]}
FORMS = tuple(packets.OUTER_BYTES)
PCAP_MAC = "02:70:63:61:70:00"      # what net_pcap gives its first device

# Latency is measured on a flow of its own, plain, as the generators find their time stamps only in
# packets that come back as they went. Its destination is a pod of a node beyond the others, which
# stays native: tools/make-traffic routes it, the path is for who fills the tables.
PROBE_SRC, PROBE_DST = 0x0affffc1, 0x0affffc2       # 10.255.255.193 and 194, see layout.BLOCKS

Flow = collections.namedtuple("Flow", "src dst sport dport node outer_sport ip_bytes")

# A value that a stream writes into each frame: the k-th frame has values[k % len(values)]
Variable = collections.namedtuple("Variable", "name offset size values")

# share: of all frames; headers: where IPv4 headers begin whose checksum is to be computed
Stream = collections.namedtuple("Stream", "name share frame variables headers")


@dataclasses.dataclass(frozen=True)
class Traffic:
    form: str = "native"        # what is around the packets
    size: str = "64"
    n_flows: int = 4096
    n_pods: int = 1000000       # routed /32s, from which the flows' addresses are
    n_nodes: int = layout.NODES
    layout: str = "cluster"
    seed: int = 0
    dst_mac: str = PCAP_MAC     # of the port that they are for
    is_one_node: bool = False   # tunnels: all come from the first node

    def routed(self):
        return layout.make(self.layout, self.n_pods, self.n_nodes, self.seed)

    def flows(self, routed=None):
        """The flows in the order in which they are sent; routed() may be given to save its time."""
        routed = routed or self.routed()
        rand = random.Random((self.seed << 32) + self.n_flows)
        picked = rand.sample(range(routed.n), min(self.n_flows, routed.n))
        sizes = [IP_BYTES[self.size][i % len(IP_BYTES[self.size])] for i in range(len(picked))]
        rand.shuffle(sizes)
        largest = MTU - packets.OUTER_BYTES[self.form]
        for i, ip_bytes in zip(picked, sizes):
            at = rand.randrange(routed.n)
            yield Flow(src=routed.addresses[at], dst=routed.addresses[i],
                       sport=rand.randrange(1024, 65536), dport=rand.randrange(1024, 65536),
                       node=0 if self.is_one_node else routed.nodes[at],
                       outer_sport=rand.randrange(32768, 61000), ip_bytes=min(ip_bytes, largest))

    def frame(self, flow):
        inner = packets.ip4(flow.src, flow.dst, 17,
                            packets.udp(flow.sport, flow.dport, bytes(flow.ip_bytes - 28)))
        return packets.wrap(self.form, packets.parse_mac(self.dst_mac), flow.node, inner,
                            flow.outer_sport)

    def frames(self, routed=None):
        return (self.frame(flow) for flow in self.flows(routed))

    def streams(self, routed=None):
        """The same frames for a field engine: one stream for each size."""
        flows = list(self.flows(routed))
        by_size = {}
        for flow in flows:
            by_size.setdefault(flow.ip_bytes, []).append(flow)
        return [self.stream(ip_bytes, group, len(group) / len(flows))
                for ip_bytes, group in sorted(by_size.items())]

    def stream(self, ip_bytes, flows, share):
        outer = packets.ETHER_BYTES
        inner = outer + packets.OUTER_BYTES[self.form]
        variables = [Variable("src", inner + 12, 4, [flow.src for flow in flows]),
                     Variable("dst", inner + 16, 4, [flow.dst for flow in flows]),
                     Variable("sport", inner + 20, 2, [flow.sport for flow in flows]),
                     Variable("dport", inner + 22, 2, [flow.dport for flow in flows])]
        if self.form != "native":
            variables.append(Variable("node", outer + 12, 4,
                                      [packets.FIRST_NODE + flow.node for flow in flows]))
        if self.form == "vxlan":
            variables.append(Variable("outer_sport", outer + 20, 2,
                                      [flow.outer_sport for flow in flows]))
        return Stream(f"{self.form}-{ip_bytes}", share, self.frame(flows[0]), variables,
                      [inner] if self.form == "native" else [outer, inner])

    def probe_frame(self, payload_bytes=18):
        """What measures latency beside the flows."""
        inner = packets.ip4(PROBE_SRC, PROBE_DST, 17, packets.udp(1024, 1024, bytes(payload_bytes)))
        return packets.wrap("native", packets.parse_mac(self.dst_mac), 0, inner, 0)


def expand(stream):
    """What a field engine makes of a stream, a frame for each flow: its meaning, said in Python."""
    for k in range(max(len(variable.values) for variable in stream.variables)):
        frame = bytearray(stream.frame)
        for variable in stream.variables:
            value = variable.values[k % len(variable.values)]
            frame[variable.offset:variable.offset + variable.size] = value.to_bytes(variable.size,
                                                                                    "big")
        for at in stream.headers:
            frame[at + 10:at + 12] = b"\0\0"
            struct.pack_into("!H", frame, at + 10, packets.checksum(bytes(frame[at:at + 20])))
        yield bytes(frame)


def add_arguments(parser):
    """The description as options; the same for every program that takes it."""
    default = Traffic()
    parser.add_argument("--form", choices=FORMS, default=default.form,
                        help="around the packets (%(default)s)")
    parser.add_argument("--size", choices=tuple(IP_BYTES), default=default.size,
                        help="of the packets without that (%(default)s)")
    parser.add_argument("--flows", type=int, default=default.n_flows,
                        help="each to its own destination (%(default)s; TRex takes 65535 of a size)")
    parser.add_argument("--pods", type=int, default=default.n_pods,
                        help="routed /32s, from which the flows' addresses are (%(default)s)")
    parser.add_argument("--nodes", type=int, default=default.n_nodes,
                        help="over which the pods are spread (%(default)s)")
    parser.add_argument("--layout", choices=tuple(layout.MAKERS), default=default.layout,
                        help="blocks of 64, as Calico deals them, or anywhere (%(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="another one, other pods")
    parser.add_argument("--dst-mac", default=default.dst_mac, metavar="MAC",
                        help="of the port under test: podlane port show")


def from_arguments(options):
    return Traffic(form=options.form, size=options.size, n_flows=options.flows,
                   n_pods=options.pods, n_nodes=options.nodes, layout=options.layout,
                   seed=options.seed, dst_mac=options.dst_mac)


def pktgen_commands(offered):
    """A command file for Pktgen beside the pcap file: the packets are in that, this makes port 0 ready
    to send them, and its packets that measure latency the probe's."""
    return f"""\
# Pktgen -P -s 0:packets.pcap -f pktgen.pkt: {offered.form}, {offered.size}, {offered.n_flows} flows
set 0 count 0
set 0 burst 32
set 0 rate 10
set 0 type ipv4
set 0 proto udp
set 0 src ip {packets.address(PROBE_SRC)}/32
set 0 dst ip {packets.address(PROBE_DST)}
set 0 src mac {packets.SRC_MAC.hex(":")}
set 0 dst mac {offered.dst_mac}
enable 0 pcap
"""
