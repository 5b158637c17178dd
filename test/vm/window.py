# SPDX-License-Identifier: BSD-3-Clause
"""Numbered echo requests with a window: a next one goes when an answer came, so that an emulated machine,
slow as it is, gets all that it can carry and no more."""
import os
import select
import socket
import struct
import time

from lablib.shell import LabError
from lablib.wire import call_in_netns

ECHO, ECHO_REPLY = 8, 0
RECEIVE_BYTES = 4 << 20
PATIENCE_SEC = 5        # without any answer


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def request(ident, number, n_bytes):
    rest = bytes(n_bytes)
    head = struct.pack("!BBHHH", ECHO, 0, 0, ident, number)
    return struct.pack("!BBHHH", ECHO, 0, checksum(head + rest), ident, number) + rest


def echo(netns, address, n_pkts, window=16, n_bytes=56):
    """Returns the numbers without an answer, and the packets answered in a second."""
    sock = call_in_netns(netns, lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                                      socket.IPPROTO_ICMP))
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        sock.connect((address, 0))
        ident = os.getpid() & 0xffff
        under_way, n_sent, began = set(), 0, time.monotonic()
        while n_sent < n_pkts or under_way:
            while n_sent < n_pkts and len(under_way) < window:
                sock.send(request(ident, n_sent, n_bytes))
                under_way.add(n_sent)
                n_sent += 1
            if not select.select([sock], [], [], PATIENCE_SEC)[0]:
                break
            packet = sock.recv(65536)
            kind, _, _, answered, number = struct.unpack_from("!BBHHH", packet, 4 * (packet[0] & 15))
            if (kind, answered) == (ECHO_REPLY, ident):
                under_way.discard(number)
        seconds = time.monotonic() - began
    # the window stood still: what was not even sent is lost, too
    lost = sorted(under_way) + list(range(n_sent, n_pkts))
    return lost, (n_pkts - len(lost)) / seconds


def expect_echo(netns, address, n_pkts, **options):
    """All answered, or LabError. Returns the packets answered in a second."""
    lost, rate = echo(netns, address, n_pkts, **options)
    if lost:
        raise LabError(f"{netns} > {address}: {len(lost)} of {n_pkts} lost, {lost[0]} to {lost[-1]}")
    return rate
