# SPDX-License-Identifier: BSD-3-Clause
"""Frames as bytes, and pcap files of them. Which frames is said in traffic.py."""
import struct

from . import layout

OUR_ADDR = 0xac100001       # as in tools/bench-client.c
FIRST_NODE = 0xac110000
VNI = 4096
UDP_PORT = 4789
ETHER_BYTES = 14
OUTER_BYTES = {"native": 0, "ipip": 20, "vxlan": 50}
SRC_MAC = b"\x02\x00\x00\x02\x00\x00"
POOL_CIDR = f"10.0.0.0/{layout.POOL_DEPTH}"
PCAP_HEADER = struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
PCAP_RECORD = struct.Struct("=IIII")


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
    return dst + SRC_MAC + b"\x08\x00" + payload


def wrap(form, mac, node, inner, sport):
    """The frame: native, or what a node sends us through a tunnel."""
    if form == "native":
        return ether(mac, inner)
    if form == "ipip":
        return ether(mac, ip4(FIRST_NODE + node, OUR_ADDR, 4, inner))
    vxlan = struct.pack("!II", 0x08000000, VNI << 8) + ether(mac, inner)
    return ether(mac, ip4(FIRST_NODE + node, OUR_ADDR, 17, udp(sport, UDP_PORT, vxlan)))


def write_pcap(path, frames):
    """Returns: how many frames, and their mean length."""
    n = n_bytes = 0
    with open(path, "wb") as out:
        out.write(PCAP_HEADER)
        for frame in frames:
            out.write(PCAP_RECORD.pack(0, 0, len(frame), len(frame)) + frame)
            n += 1
            n_bytes += len(frame)
    return n, n_bytes / max(n, 1)


def read_pcap(path):
    """The frames of a file that this machine wrote."""
    with open(path, "rb") as file:
        data = file.read()
    at = len(PCAP_HEADER)
    frames = []
    while at + PCAP_RECORD.size <= len(data):
        n = PCAP_RECORD.unpack_from(data, at)[2]
        at += PCAP_RECORD.size
        frames.append(data[at:at + n])
        at += n
    return frames


def address(value):
    return ".".join(str(byte) for byte in value.to_bytes(4, "big"))


def parse_mac(text):
    return bytes.fromhex(text.replace(":", ""))
