#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Forged and broken tunnel packets, from the segment and from pods: each ends for its own reason, which
counts exactly these, nothing else counts, and the sums agree."""
from dataclasses import dataclass

from frames import ETH_BYTES, IP_BYTES, ipip_frame, vxlan_frame
from scapy.layers.inet import ICMP, IP, UDP, IPOption_RR
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from support import expect_equal, main_of
from tunnels import wait_path

from lablib.shell import wait_until
from lablib.topology import HOST_SIDE_MAC, NODES, PODS, SEGMENT
from lablib.wire import Wire, mac_of

VARIANTS = ["no-tx-offload"]    # there the dataplane verifies UDP checksums
N_EACH = 3
# How a packet may end but for a reason to drop.
SENT, PUNTED = "sent", "punted"
KERNEL = "kernel"       # the XDP program leaves it to the kernel, so the dataplane never counts it
STEER_BYTES = ETH_BYTES + IP_BYTES + 8      # what the XDP program wants to see of a tunnel packet
NODEPORT_VNI = 0xca11c0
MARTIANS = ("0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.5", "240.0.0.1", "255.255.255.255")


@dataclass
class Row:
    name: str
    frame: object
    end: str


class Station:
    """Sends from an interface, and compares what A's dataplane counts with what it should."""

    def __init__(self, lab, wire, marker, marker_end):
        self.podlane = lab.podlanes["a"]
        self.wire = wire
        self.marker, self.marker_end = bytes(marker), marker_end
        self.last = self.counts()

    def counts(self):
        """In one call, since with sanitizers each takes its time; difference is what the account lacks."""
        answer = self.podlane.podlane("drops")
        account = answer["account"]
        return {SENT: account["sent"], PUNTED: account["punted"], "in": account["in"],
                "difference": account["difference"],
                **{row["reason"]: row["pkts"] for row in answer["drops"]}}

    def expect_ends(self, name, frames_and_ends):
        """Send the frames, then the marker; once that is counted, so are they."""
        before = self.last
        wanted = {**before, "difference": 0}
        for frame, end in [*frames_and_ends, (self.marker, self.marker_end)]:
            self.wire.send(frame)
            if end != KERNEL:
                wanted[end] += 1
                wanted["in"] += 1

        def difference():
            now = self.last = self.counts()
            return ", ".join(f"{what} {now[what] - before[what]}, expected {n - before[what]}"
                             for what, n in wanted.items() if now[what] != n)
        wait_until(f"the right end of \"{name}\"", difference, 10, 0.02, quiet=True)

    def expect_rows(self, rows):
        for row in rows:
            self.expect_ends(row.name, [(row.frame, row.end)] * N_EACH)


# What C sends to A, or somebody in its name: out of the segment's port of A, since a bridge with
# br_netfilter would drop what is broken

MACS = NODE_PAIR = None     # set by prepare()


def prepare(lab):
    """A knows both kinds of tunnels then, and C as a node."""
    global MACS, NODE_PAIR
    if lab.podlanes["a"].target(PODS["c1"].address)[2][0][0] != "vxlan":
        lab.set_policy("a", "vxlan")
        wait_path(lab, "a", PODS["c1"], "vxlan")
    MACS = mac_of(NODES["c"].netns), mac_of(NODES["a"].netns)
    NODE_PAIR = NODES["c"].address, NODES["a"].address


def inner(payload=None, **fields):
    """From c1 to a1, something that a pod does not answer."""
    packet = IP(**{"src": PODS["c1"].address, "dst": PODS["a1"].address, **fields})
    return IP(bytes(packet / (payload or ICMP(type="echo-reply", id=1))))


def ipip(packet=None, **outer):
    return ipip_frame(MACS, NODE_PAIR, packet or inner(), **outer)


def vxlan(packet=None, **outer):
    return vxlan_frame(MACS, NODE_PAIR, packet or inner(), **outer)


def changed(frame, layer, **fields):
    """The frame with other values in a layer, and checksums as if they were right."""
    copy = frame.copy()
    for name, value in fields.items():
        setattr(copy[layer], name, value)
    return copy


def with_bytes(frame, at, text):
    """The frame with other bytes, without UDP checksum."""
    copy, new = bytearray(bytes(frame)), bytes.fromhex(text)
    copy[at:at + len(new)] = new
    copy[40:42] = bytes(2)
    return bytes(copy)


def carrying(ethernet):
    """VXLAN with another frame inside."""
    frame = vxlan()
    frame[VXLAN].remove_payload()
    return frame / ethernet


def for_both(name, end, *packet, **outer):
    return [Row(f"{name}, {kind.__name__}", kind(*packet, **outer), end) for kind in (ipip, vxlan)]


def outer_rows():
    rows = for_both("as it should be", SENT)
    rows += for_both("unknown node", "tunnel_source", src="192.168.1.99")
    rows += for_both("our own address as the source", "tunnel_source", src=NODES["a"].address)
    rows += for_both("martian outer source", "martian_source", src="127.0.0.1")
    # not to a tunnel end: the kernel's, or a plain packet to a pod
    rows += for_both("to an address that is not ours", KERNEL, dst="192.168.1.99")
    rows += for_both("to a pod's address", SENT, dst=PODS["a1"].address, ttl=9)
    rows += for_both("outer fragment", KERNEL, flags="MF")
    rows += for_both("later outer fragment", KERNEL, frag=3)
    rows += for_both("outer options", KERNEL, options=[IPOption_RR()])
    rows += for_both("outer checksum", "bad_checksum", chksum=0x1234)
    for kind in (ipip, vxlan):
        rows += [Row(f"to another station, {kind.__name__}",
                     changed(kind(), Ether, dst="02:00:00:00:99:99"), "not_for_us"),
                 Row(f"to all stations, {kind.__name__}",
                     changed(kind(), Ether, dst="ff:ff:ff:ff:ff:ff"), "l2_broadcast")]
    return rows


def vxlan_rows():
    good = vxlan()
    return [
        Row("no UDP checksum", changed(good, UDP, chksum=0), SENT),
        Row("wrong UDP checksum", changed(good, UDP, chksum=0x1234), "tunnel_checksum"),
        Row("UDP length too long", changed(good, UDP, len=79, chksum=0), "tunnel_header"),
        Row("UDP length too short", changed(good, UDP, len=57, chksum=0), "tunnel_header"),
        Row("UDP length 0", changed(good, UDP, len=0, chksum=0), "tunnel_header"),
        Row("another port", changed(good, UDP, dport=4790), KERNEL),
        Row("no I flag", changed(good, VXLAN, flags=0), "tunnel_header"),
        Row("more flags", with_bytes(good, 42, "ff ffffff"), SENT),
        Row("the last byte, reserved", with_bytes(good, 49, "ff"), SENT),
        Row("another VNI", vxlan(vni=4097), "tunnel_vni"),
        Row("VNI 0", vxlan(vni=0), "tunnel_vni"),
        Row("any inner MAC", vxlan(inner_macs=("ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00")), SENT),
        Row("ARP inside", carrying(Ether() / ARP()), "tunnel_inner"),
        Row("IPv6 inside", carrying(Ether() / IPv6()), "tunnel_inner"),
        Row("VLAN inside", carrying(Ether() / Dot1Q(vlan=5) / inner()), "tunnel_inner"),
    ]


def inner_rows():
    rows = []
    nested = {"IPIP": inner(inner(), proto=4),
              "VXLAN": inner(UDP(dport=4789) / VXLAN() / Ether() / inner()),
              "IPIP with options": inner(inner(), proto=4, options=[IPOption_RR()])}
    for name, packet in nested.items():
        rows += for_both(f"{name} inside", "tunnel_nested", packet)
    options = {"options": [IPOption_RR()]}
    for who, address in (("another node's pod", PODS["b1"].address),
                         ("our own pod", PODS["a2"].address),
                         ("our own node", NODES["a"].address), ("nobody", "8.8.8.8")):
        rows += for_both(f"inner source of {who}", "tunnel_inner_source", inner(src=address))
        rows += for_both(f"the same with options, {who}", "tunnel_inner_source",
                         inner(src=address, **options))
        rows += for_both(f"the same to a group, {who}", "tunnel_inner_source",
                         inner(src=address, dst="224.0.0.5"))
    for address in MARTIANS:
        rows += for_both(f"inner source {address}", "martian_source", inner(src=address))
        is_group = address.startswith(("224", "255"))
        rows += for_both(f"inner destination {address}",
                         PUNTED if is_group else "martian_destination", inner(dst=address))
    rows += for_both("inner destination of nobody", "no_route", inner(dst="10.244.99.1"))
    rows += for_both("inner TTL 1", PUNTED, inner(ttl=1))
    rows += for_both("inner TTL 0", PUNTED, inner(ttl=0))
    rows += for_both("inner options", PUNTED, inner(**options))
    rows += for_both("inner checksum", "bad_checksum", changed(inner(), IP, chksum=0x1234))
    rows += for_both("inner version", "bad_header", changed(inner(), IP, version=6))
    rows += for_both("inner header too short", "bad_header", changed(inner(), IP, ihl=4))
    rows += for_both("inner length too long", "truncated", changed(inner(), IP, len=99))
    rows += for_both("inner length below its header", "bad_header", changed(inner(), IP, len=19))
    return rows


def run_rows(lab, make_rows):
    prepare(lab)
    with Wire(SEGMENT, "a") as wire:
        station = Station(lab, wire, ipip(src="192.168.1.98"), "tunnel_source")
        rows = make_rows()
        station.expect_rows(rows)
    return f"{len(rows)} kinds, {N_EACH} of each"


def check_outer_headers(lab):
    return run_rows(lab, outer_rows)


def check_vxlan_headers(lab):
    return run_rows(lab, vxlan_rows)


def check_inner_packets(lab):
    return run_rows(lab, inner_rows)


def check_nodeport_is_the_kernels(lab):
    """Calico's eBPF NodePort frames: to the kernel, and not a byte changed but the station."""
    prepare(lab)
    frame = vxlan(vni=NODEPORT_VNI, inner_macs=("00:00:00:00:00:00",) * 2)
    frame[UDP].chksum = 0
    with Wire(SEGMENT, "a") as wire, Wire(NODES["a"].netns, "podlane0") as tap:
        Station(lab, wire, ipip(src="192.168.1.98"), "tunnel_source").expect_rows(
            [Row("NodePort", frame, PUNTED)])
        seen = tap.wait_for(lambda frame: frame[12:14] == b"\x08\x00")
    expect_equal("the frame at the kernel", seen and seen[6:].hex(), bytes(frame)[6:].hex())


# Cut at every byte

def cut_ip(frame, length):
    """The outer IP header agrees with the cut."""
    cut = Ether(frame[:length])
    if length >= ETH_BYTES + IP_BYTES:
        cut[IP].len = length - ETH_BYTES
        del cut[IP].chksum
    return bytes(cut)[:length]


def cut_udp(frame, length):
    """So does the UDP header, whose checksum is left out."""
    cut = bytearray(cut_ip(frame, length))
    if length >= STEER_BYTES:
        cut[38:40] = (length - ETH_BYTES - IP_BYTES).to_bytes(2, "big")
        cut[40:42] = bytes(2)
    return bytes(cut)


def end_of_cut(length, n_checked, later):
    """What the XDP program cannot judge is the kernel's; then headers are missing; later on what is
    said inside."""
    if length < STEER_BYTES:
        return KERNEL
    return "truncated" if length < n_checked else later


def check_every_cut(lab):
    """Every length from the bare Ethernet header on: the frame cut, the datagram cut, and for VXLAN
    the UDP datagram too."""
    prepare(lab)
    cases = (("IPIP frame", ipip(), lambda frame, n: frame[:n], 54, "truncated"),
             ("IPIP datagram", ipip(), cut_ip, 54, "truncated"),
             ("VXLAN frame", vxlan(), lambda frame, n: frame[:n], 84, "truncated"),
             ("VXLAN datagram", vxlan(), cut_ip, 84, "tunnel_header"),
             ("VXLAN UDP", vxlan(), cut_udp, 84, "truncated"))
    n_sent = 0
    with Wire(SEGMENT, "a") as wire:
        station = Station(lab, wire, ipip(src="192.168.1.98"), "tunnel_source")
        for name, frame, cut, n_checked, later in cases:
            whole = bytes(frame)
            cuts = [(cut(whole, n), end_of_cut(n, n_checked, later))
                    for n in range(ETH_BYTES, len(whole))]
            station.expect_ends(name, cuts)
            n_sent += len(cuts)
        station.expect_rows(for_both("whole ones afterwards", SENT))
    return f"{n_sent} frames"


# What pods send

def pod_rows():
    pod, other, far = PODS["a1"], PODS["a2"], PODS["c1"]
    options = [IPOption_RR()]
    quiet = ICMP(type="echo-reply", id=1)

    def packet(payload=quiet, **fields):
        return IP(**{"src": pod.address, "dst": other.address, **fields}) / payload

    tunnelled = inner(src=pod.address, dst=far.address)
    wrapped = UDP(dport=4789) / VXLAN(flags="Instance", vni=4096) / Ether() / tunnelled
    packets = [
        ("its own source", packet(), SENT),
        ("its own source, options", packet(options=options), PUNTED),
        ("IPIP to a pod", packet(tunnelled, proto=4), "pod_tunnel"),
        ("VXLAN to a pod", packet(wrapped), "pod_tunnel"),
        ("IPIP to a pod of C", packet(tunnelled, proto=4, dst=far.address), "pod_tunnel"),
        ("IPIP with options", packet(tunnelled, proto=4, options=options), "pod_tunnel"),
        ("VXLAN with options", packet(wrapped, options=options), "pod_tunnel"),
        # no pool address: the kernel's, where Felix's rules see it on the pod's interface
        ("IPIP to a node", packet(tunnelled, proto=4, dst="192.168.1.97"), KERNEL),
        ("VXLAN to a node", packet(wrapped, dst="192.168.1.97"), KERNEL),
    ]
    for who, address in (("another pod here", other.address), ("a pod of B", PODS["b1"].address),
                         ("a pod of C", far.address), ("its node", NODES["a"].address),
                         ("nobody in the pool", "10.244.0.50"), ("outside", "8.8.8.8")):
        packets += [(f"source of {who}", packet(src=address), "pod_source"),
                    (f"the same with options, {who}", packet(src=address, options=options),
                     "pod_source")]
    packets += [(f"source {address}", packet(src=address), "martian_source")
                for address in MARTIANS]
    ethernet = Ether(src=mac_of(pod.netns), dst=HOST_SIDE_MAC)
    return [Row(name, ethernet / ip, end) for name, ip, end in packets]


def check_pods(lab):
    """A pod sends no tunnel packets and only its own addresses, whole or cut."""
    prepare(lab)
    rows = pod_rows()
    marker = changed(rows[0].frame, IP, src="10.244.0.51")
    with Wire(PODS["a1"].netns) as wire:
        station = Station(lab, wire, marker, "pod_source")
        station.expect_rows(rows)
        whole = bytes(rows[0].frame.copy())
        station.expect_ends("cut", [(whole[:n], KERNEL if n < ETH_BYTES + IP_BYTES else "truncated")
                                    for n in range(ETH_BYTES, len(whole))])
    return f"{len(rows)} kinds, {N_EACH} of each, and every cut"


CHECKS = [check_outer_headers, check_vxlan_headers, check_inner_packets,
          check_nodeport_is_the_kernels, check_every_cut, check_pods]

main_of(__name__)
