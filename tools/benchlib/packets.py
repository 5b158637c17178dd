# SPDX-License-Identifier: BSD-3-Clause
"""The packets a benchmark replays, as pcap files.

Each goes from a random routed address to one of n distinct destinations, in random order, UDP with
random ports. Sizes are those of the wire, with 4 bytes of checksum that no file holds; a tunnel's
outer headers come on top of them.
"""
import random
import struct

from . import layout

OUR_ADDR = 0xac100001       # as in tools/bench-client.c
FIRST_NODE = 0xac110000
VNI = 4096
UDP_PORT = 4789
IMIX = [46] * 7 + [576] * 4 + [1500]    # IP bytes; 7 : 4 : 1
IP_BYTES = {"64": [46], "imix": IMIX, "1500": [1500]}
PCAP_HEADER = struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)


def checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip4(src, dst, proto, payload, ident=0):
    header = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(payload), ident, 0, 64, proto, 0, src, dst)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def udp(sport, dport, payload):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def ether(dst, payload):
    return dst + b"\x02\x00\x00\x02\x00\x00" + b"\x08\x00" + payload


def wrap(form, mac, node, inner, sport):
    """The frame: plain, or what a node sends us through a tunnel."""
    if form == "plain":
        return ether(mac, inner)
    if form == "ipip":
        return ether(mac, ip4(FIRST_NODE + node, OUR_ADDR, 4, inner))
    vxlan = struct.pack("!II", 0x08000000, VNI << 8) + ether(mac, inner)
    return ether(mac, ip4(FIRST_NODE + node, OUR_ADDR, 17, udp(sport, UDP_PORT, vxlan)))


def write(path, form, routed, n_dsts, size, mac, is_one_route):
    """Write n_dsts packets to as many destinations. With one route all comes from the first node.

    Returns: how many packets, and their mean length."""
    rand = random.Random(n_dsts)
    picked = rand.sample(range(routed.n), min(n_dsts, routed.n))
    sizes = [IP_BYTES[size][i % len(IP_BYTES[size])] for i in range(len(picked))]
    rand.shuffle(sizes)
    payload = bytes(1500)
    n_bytes = 0
    with open(path, "wb") as out:
        out.write(PCAP_HEADER)
        for i, ip_bytes in zip(picked, sizes):
            at = rand.randrange(routed.n)
            node = 0 if is_one_route else routed.nodes[at]
            inner = ip4(routed.addresses[at], routed.addresses[i], 17,
                        udp(rand.randrange(1024, 65536), rand.randrange(1024, 65536),
                            payload[:ip_bytes - 28]))
            frame = wrap(form, mac, node, inner, rand.randrange(32768, 61000))
            out.write(struct.pack("=IIII", 0, 0, len(frame), len(frame)) + frame)
            n_bytes += len(frame)
    return len(picked), n_bytes / len(picked)


def parse_mac(text):
    return bytes.fromhex(text.replace(":", ""))


POOL_CIDR = f"10.0.0.0/{layout.POOL_DEPTH}"
