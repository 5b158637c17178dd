# SPDX-License-Identifier: BSD-3-Clause
"""Frames for the tests of the wire: what pods may send, what a tunnel makes of it, and how two frames
differ. Built and taken apart by scapy, which knows nothing of Podlane."""
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

ETH_BYTES, IP_BYTES = 14, 20
VXLAN_BYTES = 50        # in front of the inner packet, without the frame's own Ethernet header
VNI, VXLAN_PORT = 4096, 4789
UDP_PORTS = (32768, 60999)

CE = 3
# Where outer headers of the same inner packet may differ: IP id and checksum, UDP source port and checksum.
FREE_BYTES = {"ipip": ((18, 20), (24, 26)),
              "vxlan": ((18, 20), (24, 26), (34, 36), (40, 42))}


def pod_packets(src, dst, mtu):
    """Kinds of packets that pods send, each with an IP id of its own: {name: packet}."""
    udp, data = UDP(sport=5000, dport=5001), Raw(b"podlane " * 8)
    full = Raw(b"x" * (mtu - IP_BYTES - 8))
    options = [("MSS", 1410), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]
    rows = {
        "TCP SYN": IP(flags="DF") / TCP(sport=40000, dport=80, flags="S", options=options),
        "TCP with data, ECT(0)": IP(flags="DF", tos=2) / TCP(sport=40001, dport=80, flags="PA") / data,
        "UDP with DF": IP(flags="DF") / udp / data,
        "UDP without DF": IP() / udp / data,
        "UDP without checksum": IP() / UDP(sport=5000, dport=5002, chksum=0) / data,
        "EF, ECT(0)": IP(tos=0xb8 | 2) / udp / data,
        "CS7, ECT(1)": IP(tos=0xe0 | 1, flags="DF") / udp / data,
        "all of DSCP, not ECT": IP(tos=0xfc) / udp / data,
        "TTL 2": IP(ttl=2) / udp / data,
        "TTL 255": IP(ttl=255, flags="DF") / udp / data,
        "ICMP echo": IP() / ICMP(id=7, seq=1) / data,
        "smallest": IP() / UDP(sport=5000, dport=5003),
        "odd length": IP(flags="DF") / udp / Raw(b"odd"),
        "largest with DF": IP(flags="DF") / udp / full,
        "largest without DF": IP() / udp / full,
        "unknown protocol": IP(proto=253) / data,
        "evil bit": IP(flags="evil+DF") / udp / data,
        "CE": IP(tos=0xb8 | CE) / udp / data,
    }
    for number, packet in enumerate(rows.values()):
        packet.src, packet.dst, packet.id = src, dst, 1000 + number
    return {name: IP(bytes(packet)) for name, packet in rows.items()}


def forwarded(packet):
    """The packet one hop on: TTL one less, its checksum anew."""
    next_hop = packet.copy()
    next_hop.ttl -= 1
    del next_hop.chksum
    return IP(bytes(next_hop))


def ipip_frame(macs, nodes, inner, **outer):
    """RFC 2003 as Linux sends it, both pairs are (from, to); outer changes fields of the header."""
    fields = {"src": nodes[0], "dst": nodes[1], "proto": 4, "ttl": inner.ttl, "tos": inner.tos & 3,
              "flags": "DF" if inner.flags.DF else 0, **outer}
    return Ether(src=macs[0], dst=macs[1]) / IP(**fields) / inner


def vxlan_frame(macs, nodes, inner, vni=VNI, inner_macs=("66:00:00:00:00:01", "66:00:00:00:00:02"),
                **outer):
    fields = {"src": nodes[0], "dst": nodes[1], "ttl": 64, "tos": inner.tos & 3, **outer}
    return Ether(src=macs[0], dst=macs[1]) / IP(**fields) / \
        UDP(sport=UDP_PORTS[0], dport=VXLAN_PORT) / VXLAN(flags="Instance", vni=vni) / \
        Ether(src=inner_macs[0], dst=inner_macs[1], type=0x0800) / inner


def inner_of(frame):
    """The innermost IP packet of a frame, None without any."""
    found, layer = None, Ether(frame)
    while (layer := layer.payload):
        if isinstance(layer, IP):
            found = layer
    return found


def is_about(packet):
    """A question about frames: do they carry this packet, however wrapped?"""
    def question(frame):
        inner = inner_of(frame)
        return inner is not None and (inner.src, inner.dst, inner.id) == \
            (packet.src, packet.dst, packet.id)
    return question


def masked(kind, frame):
    """The frame with zeroes where it is free."""
    clean = bytearray(frame)
    for first, end in FREE_BYTES[kind]:
        clean[first:end] = bytes(end - first)
    return bytes(clean)


def fields_of(frame):
    """{"IP.ttl": 64, ...}, outermost first; a repeated layer is numbered."""
    fields, seen, layer = {}, {}, Ether(frame)
    while layer:
        name = layer.__class__.__name__
        seen[name] = seen.get(name, 0) + 1
        label = name if seen[name] == 1 else f"{name}:{seen[name]}"
        for field in layer.fields_desc:
            fields[f"{label}.{field.name}"] = layer.getfieldval(field.name)
        layer = layer.payload
    return fields


def difference(kind, got, wanted):
    """How a frame differs from the wanted one where it is not free: text, "" if it does not."""
    if masked(kind, got) == masked(kind, wanted):
        return ""
    got_fields, wanted_fields = (fields_of(masked(kind, frame)) for frame in (got, wanted))
    rows = [f"{name} {got_fields.get(name)!r}, expected {value!r}"
            for name, value in wanted_fields.items() if got_fields.get(name) != value]
    return "; ".join(rows) or f"bytes {bytes(got).hex()}, expected {bytes(wanted).hex()}"


def wrong_checksums(frame):
    """Which of the outer headers' checksums are not as scapy computes them: text, "" if none."""
    wrong, again = [], Ether(frame)
    ip = again[IP]
    layers = [ip] + ([ip.payload] if isinstance(ip.payload, UDP) else [])
    before = [layer.chksum for layer in layers]
    for layer in layers:
        del layer.chksum
    again = Ether(bytes(again))
    for layer, was in zip([again[IP], again[IP].payload], before):
        if layer.chksum != was:
            wrong.append(f"{layer.__class__.__name__} {was:#06x}, expected {layer.chksum:#06x}")
    return "; ".join(wrong)
