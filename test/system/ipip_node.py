#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""An IPIP device for a kernel without one: what the kernel routes into a TUN goes out with a header in
front, what comes in as protocol 4 goes back through the TUN without it. The headers are scapy's; fields
as Linux's tunl0 has them (RFC 2003, TTL inherited, DF copied), but ECN by RFC 6040.

  ipip_node.py TUN UPLINK ADDRESS NETWORK=NODE=MAC...      ends with its standard input
"""
import fcntl
import ipaddress
import random
import select
import socket
import struct
import sys

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
BUFFER_BYTES = 4 << 20
NOT_ECT, ECT1, CE = 0, 1, 3


def open_tun(name):
    tun = open("/dev/net/tun", "r+b", buffering=0)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def wrapped(packet, address, own_mac, peers):
    """The frame for an IP packet; None if no node has its destination."""
    inner = IP(packet[:20])
    for network, node, mac in peers:
        if ipaddress.ip_address(inner.dst) in network:
            outer = IP(src=address, dst=node, proto=4, len=20 + len(packet), ttl=inner.ttl,
                       tos=inner.tos & 3, flags="DF" if inner.flags.DF else 0,
                       id=random.randrange(65536))
            return bytes(Ether(src=own_mac, dst=mac, type=0x0800) / outer) + packet
    return None


def unwrapped(datagram):
    """The inner packet; None if RFC 6040 4.2 says to drop it."""
    outer = IP(datagram[:20])
    packet = datagram[4 * outer.ihl:]
    inner, ecn = IP(packet[:20]), outer.tos & 3
    if inner.tos & 3 == NOT_ECT:
        return None if ecn == CE else packet
    if ecn == CE or (ecn == ECT1 and inner.tos & 3 != CE):
        inner.tos = inner.tos & ~3 | ecn
        del inner.chksum
        return bytes(inner)[:20] + packet[20:]
    return packet


def main():
    name, uplink, address, *words = sys.argv[1:]
    peers = [(ipaddress.ip_network(network), node, mac)
             for network, node, mac in (word.split("=") for word in words)]
    tun = open_tun(name)
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    out.bind((uplink, 0))
    own_mac = ":".join(f"{byte:02x}" for byte in out.getsockname()[4])
    into = socket.socket(socket.AF_INET, socket.SOCK_RAW, 4)
    into.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    print("ready", flush=True)
    while True:
        ready = select.select([tun, into, sys.stdin], [], [])[0]
        if sys.stdin in ready:
            return
        if tun in ready:
            frame = wrapped(tun.read(65536), address, own_mac, peers)
            if frame is not None:
                out.send(frame)
        if into in ready:
            packet = unwrapped(into.recv(65536))
            if packet is not None:
                tun.write(packet)


if __name__ == "__main__":
    main()
