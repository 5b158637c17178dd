# SPDX-License-Identifier: BSD-3-Clause
"""Frames as they are: sent from, and seen at, an interface of a namespace."""
import ctypes
import os
import socket
import time

from .shell import LabError, run

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
RECEIVE_BYTES = 8 << 20
libc = ctypes.CDLL(None, use_errno=True)


def call_in_netns(netns, function):
    """What the function returns; a socket that it opens stays one of that namespace."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{netns}", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET) < 0:
            raise LabError(f"cannot enter {netns}: {os.strerror(ctypes.get_errno())}")
        return function()
    finally:
        libc.setns(here, CLONE_NEWNET)
        os.close(there)
        os.close(here)


def mac_of(netns, interface="eth0"):
    return run(["cat", f"/sys/class/net/{interface}/address"], netns=netns).strip()


class Wire:
    """A packet socket. Send nothing but whole frames; nobody adds to them."""

    def __init__(self, netns, interface="eth0"):
        self.socket = call_in_netns(netns, lambda: socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)))
        call_in_netns(netns, lambda: self.socket.bind((interface, ETH_P_ALL)))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, frame):
        self.socket.send(bytes(frame))

    def forget(self):
        """Drop what was seen so far."""
        while self.receive(0) is not None:
            pass

    def receive(self, timeout_sec):
        """The next frame that came in by the interface, as bytes; None if there is none in time."""
        until = time.monotonic() + timeout_sec
        while True:
            self.socket.settimeout(max(until - time.monotonic(), 0))
            try:
                frame, sender = self.socket.recvfrom(65536)
            except (BlockingIOError, TimeoutError):
                return None
            if sender[2] != socket.PACKET_OUTGOING:
                return frame

    def wait_for(self, is_wanted, timeout_sec=10):
        """The first frame in time that is wanted; None if none is."""
        until = time.monotonic() + timeout_sec
        while True:
            frame = self.receive(max(until - time.monotonic(), 0))
            if frame is None or is_wanted(frame):
                return frame
