# SPDX-License-Identifier: BSD-3-Clause
"""BGP over the twin while the VF forwards as fast as it can and a tenth of what comes is the kernel's. The
load is a host of its own on the segment, which sends, and gets back, what A forwards to it."""
import socket
import struct
import time

from lablib.shell import wait_until
from lablib.topology import NODES, PREFIX
from lablib.wire import Wire, mac_of
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from world import expect

A = NODES["a"]
GENERATOR = PREFIX + "gen"
ADDRESS, BLOCK, TARGET = "192.168.1.250", "10.244.9.0/26", "10.244.9.10"
PORT = 7000
SECONDS = 36        # the session's hold time is 30
WINDOW = 128        # forwarded frames under way; more is lost in the VF's queue, as on any NIC
PUNT_EVERY = 9      # after so many forwarded ones one for the kernel
EACH_SEC = 0.1      # one of each other class: less than "punt_pps" allows
NUMBER = slice(42, 46)
PATIENCE_SEC = 3
KEEPALIVE_SEC = 10


class Load:
    """The frames, and what came of them."""

    def __init__(self, wire, macs):
        self.wire = wire
        ethernet = Ether(src=macs[0], dst=macs[1])
        self.forwarded = bytes(ethernet / IP(src=ADDRESS, dst=TARGET) /
                               UDP(sport=PORT, dport=PORT, chksum=0) / bytes(18))
        to_a = ethernet / IP(src=ADDRESS, dst=A.address)
        kinds = {"other": to_a / UDP(sport=PORT, dport=9), "icmp": to_a / ICMP(),
                 "arp": ethernet / ARP(psrc=ADDRESS, pdst=A.address, hwsrc=macs[0]),
                 "bgp": to_a / TCP(sport=PORT, dport=179, flags="A"),
                 "bfd": to_a / UDP(sport=PORT, dport=3784)}
        self.frames = {name: bytes(frame) for name, frame in kinds.items()}
        self.punted = dict.fromkeys(kinds, 0)
        self.waiting, self.next_at = [], 0.0
        self.n_sent = self.n_back = 0

    def send_one(self):
        frame = bytearray(self.forwarded)
        frame[NUMBER] = struct.pack("!I", self.n_sent)
        self.wire.send(frame)
        self.n_sent += 1
        if self.n_sent % PUNT_EVERY == 0:
            name = self.next_kind()
            self.wire.send(self.frames[name])
            self.punted[name] += 1

    def next_kind(self):
        """Too many of the class that nobody waits for, and a few of each other."""
        if time.monotonic() > self.next_at:
            self.next_at = time.monotonic() + EACH_SEC
            self.waiting = ["icmp", "arp", "bgp", "bfd"]
        return self.waiting.pop() if self.waiting else "other"

    def take_back(self, timeout_sec):
        """The number of a frame that A sent back; None if none is there in time."""
        frame = self.wire.wait_for(self.is_ours, timeout_sec)
        return None if frame is None else struct.unpack("!I", frame[NUMBER])[0]

    def is_ours(self, frame):
        return frame[30:34] == socket.inet_aton(TARGET) and frame[12:14] == b"\x08\x00"

    def run(self, seconds):
        """Keep the window full. Returns the numbers that did not come back."""
        under_way, until = set(), time.monotonic() + seconds
        while time.monotonic() < until or under_way:
            while len(under_way) < WINDOW and time.monotonic() < until:
                under_way.add(self.n_sent)
                self.send_one()
            number = self.take_back(PATIENCE_SEC)
            if number is None:
                break
            under_way.discard(number)
            self.n_back += 1
        return under_way


def difference(after, before):
    """Of the punts of a dataplane, by class."""
    return {name: {key: count - before[name][key] for key, count in row.items()} for name, row in after.items()}


def session(world):
    """The reflector's with A: how long it is up, and how often it came and went."""
    facts = world.speakers["rr"].vty_json("show bgp neighbors")[A.address]
    return {"state": facts["bgpState"], "came": facts["connectionsEstablished"],
            "went": facts["connectionsDropped"], "up_ms": facts["bgpTimerUpMsec"],
            "keepalives": facts["messageStats"]["keepalivesRecv"]}


def check_full_rate(world):
    """For longer than the hold time. The session stays, every frame that was forwarded comes back, and of each
    class the kernel gets what its rate allows, as the counters say."""
    world.make_host("gen", ADDRESS)
    world.machine.call("nodes.add_route", BLOCK, ADDRESS, mac_of(GENERATOR))
    wait_until("a path to the generator", lambda: [("native", ADDRESS)] == world.podlanes["a"]
               .target(TARGET)[2], 30, quiet=True)
    podlane = world.podlanes["a"]
    before, punts, was = session(world), podlane.punts(), podlane.account()
    with Wire(GENERATOR) as wire:
        load = Load(wire, (mac_of(GENERATOR), world.link("uplink0")["address"]))
        lost = load.run(SECONDS)
    after = session(world)
    wait_until("the account", lambda: podlane.account()["ok"], 10, quiet=True)
    punts = difference(podlane.punts(), punts)
    n_forwarded = podlane.account()["sent"] - was["sent"]
    world.machine.call("nodes.remove_route", BLOCK)
    expect(not lost, f"{len(lost)} of {load.n_sent} frames did not come back")
    expect(n_forwarded >= load.n_sent, f"A sent {n_forwarded} packets, not {load.n_sent}")
    expect([after[key] for key in ("state", "came", "went")] == [before[key] for key in
           ("state", "came", "went")] and after["up_ms"] > 1000 * SECONDS, f"{before}, then {after}")
    n_kept = after["keepalives"] - before["keepalives"]
    expect(n_kept >= SECONDS // KEEPALIVE_SEC - 1, f"{n_kept} keepalives in {SECONDS} s")
    for name, offered in load.punted.items():
        counts = punts[name]
        is_flood = name == "other"
        text = f"of {offered} {name}: {counts}"
        expect(sum(counts.values()) >= offered, text)
        expect(counts["error_pkts"] == 0, text)
        expect(is_flood == (counts["policed_pkts"] > 0), text)
        expect(is_flood or counts["full_pkts"] == 0, text)
    given = {name: counts["given_pkts"] for name, counts in punts.items()}
    return (f"{load.n_back / SECONDS:.0f} frames/s for {SECONDS} s and back, 0 lost; offered to the kernel "
            f"{load.punted}, given {given}, {punts['other']['policed_pkts']} policed; the session up "
            f"{after['up_ms'] / 1000:.0f} s, {n_kept} keepalives")


CHECKS = [check_full_rate]
