# SPDX-License-Identifier: BSD-3-Clause
"""The demo's comparison: the same traffic between A and B over the three paths, by the kernels where they
can, by Podlane in all; and what happens when the path in use is filtered."""
import os
import time
from dataclasses import dataclass

from .netns import ip
from .paths import (FILTERS, KINDS, ON_THE_WIRE, OVERHEAD, Filters, add_kernel_vxlan, node_of, pin,
                    remove_kernel_vxlan, unpin, wait_chosen, wait_in_dataplane, wait_measured)
from .shell import Progress, say
from .topology import NODES, PODS, SEGMENT
from .traffic import Capture, Ping, forwarded_by_kernel, iperf3, ping, warm_up

SOURCE, TARGET = PODS["a1"], PODS["b1"]
N_PINGS = 1000
PING_GAP_MS = 2
TCP_SEC = 2
WORDS = {"native": "plain IPv4", "ipip": "IP protocol 4", "vxlan": "UDP 4789, VNI 4096"}
FLOOD_GAP_MS = 10.0     # ping sends no faster while it is not answered
FIRST_SEC = 3       # until the nodes are known to have traffic


@dataclass
class Measured:
    kind: str
    lost: int
    p50_us: float
    p99_us: float
    tcp_gbps: float
    n_carried: int      # of the pings, by A's counter of this path
    n_seen: int         # on the wire in this form
    n_other: int        # on the wire in another one


def set_pod_mtu(kind):
    for pod in (SOURCE, TARGET):
        ip(pod.netns, f"link set eth0 mtu {1500 - OVERHEAD[kind]}")


def capture(lab, kind, name):
    """What of the pods' pings is on the wire in the form of this path."""
    hosts = f"host {NODES['a'].address} and host {NODES['b'].address}"
    if kind == "native":
        hosts = f"icmp and host {SOURCE.address} and host {TARGET.address}"
    return Capture(SEGMENT, "a", f"{hosts} and ({ON_THE_WIRE[kind]}) and not port 179",
                   os.path.join(lab.dir, f"{name}.pcap"))


def is_of_pods(packet):
    """In the text that tcpdump makes of a packet."""
    return f"{SOURCE.address} >" in packet or f"{TARGET.address} >" in packet


def measure(lab, kind, count):
    """Pings, with a capture of each form, then TCP at the path's MTU. @count: carried so far."""
    set_pod_mtu(kind)
    warm_up(SOURCE, TARGET.address)
    captures = {other: capture(lab, other, other) for other in KINDS}
    before = count()
    pings = ping(SOURCE, TARGET.address, N_PINGS, PING_GAP_MS)
    n_carried = count() - before
    seen = {other: sum(map(is_of_pods, one.stop())) for other, one in captures.items()}
    bits_per_sec, _ = iperf3(SOURCE, TARGET, TCP_SEC)
    set_pod_mtu("native")
    return Measured(kind, pings.lost, pings.percentile(0.5), pings.percentile(0.99),
                    bits_per_sec / 1e9, n_carried, seen[kind], sum(seen.values()) - seen[kind])


def carried(lab, kind):
    """Packets that A's dataplane sent to B by this kind of path."""
    paths = lab.podlanes["a"].podlane("path", "show")["paths"]
    return sum(one["pkts"][kind] for one in paths if one["nexthop"] == NODES["b"].address)


def measure_kernel(lab):
    """Before Podlane is there: plain, and through vxlan devices as Felix makes them."""
    progress = Progress("a1 > b1 by the kernels of A and B, plain and VXLAN")
    count = lambda: forwarded_by_kernel(NODES["a"].netns)       # noqa: E731
    results = [measure(lab, "native", count)]
    for name, peer in (("a", "b"), ("b", "a")):
        add_kernel_vxlan(NODES[name], [peer])
    results.append(measure(lab, "vxlan", count))
    for name in ("a", "b"):
        remove_kernel_vxlan(NODES[name])
    lab.wait_bgp()      # the devices' routes stood in for those of BGP
    progress.end(f"{N_PINGS} pings and {TCP_SEC} s of TCP each")
    return results


def measure_podlane(lab):
    """With "encap: auto", pinned to one path after the other."""
    wait_measured(lab)
    progress = Progress("a1 > b1 by Podlane on A and B, each path pinned in turn")
    results = []
    for kind in KINDS:
        progress.turn(kind)
        pin(lab, kind)
        wait_in_dataplane(lab, kind)
        results.append(measure(lab, kind, lambda kind=kind: carried(lab, kind)))
    unpin(lab)
    wait_chosen(lab, "native")
    progress.end(f"{N_PINGS} pings and {TCP_SEC} s of TCP each")
    return results


def row(who, one):
    say(f"  {who:8} {one.kind:7} {WORDS[one.kind]:19} {OVERHEAD[one.kind]:5} "
        f"{1500 - OVERHEAD[one.kind]:5} {one.lost:4}/{N_PINGS} {one.p50_us:6.0f} /{one.p99_us:6.0f} "
        f"{one.tcp_gbps:5.2f} {one.n_carried:7,}")


def check(who, one, verdict):
    name = f"{who}, {one.kind}"
    verdict.check(one.lost == 0, f"{name}: {one.lost} of {N_PINGS} lost")
    verdict.check(one.n_seen > N_PINGS // 5 and one.n_other == 0,
                  f"{name}: {one.n_seen} packets on the wire in its form, {one.n_other} in another")
    verdict.check(one.tcp_gbps > 0, f"{name}: no TCP")
    if who == "Podlane":
        verdict.check(one.n_carried >= N_PINGS, f"{name}: the path carried {one.n_carried} packets")


def show_paths(kernel, podlane, verdict):
    say(f"\n3 THREE PATHS  a1 {SOURCE.address} > b1 {TARGET.address}, same traffic, captured on the wire")
    say("  BY       PATH    ON THE WIRE         BYTES   MTU      LOST  RTT us p50/p99  Gb/s  PACKETS")
    for one in podlane:
        row("Podlane", one)
        check("Podlane", one, verdict)
    for one in kernel:
        row("kernel", one)
        check("kernel", one, verdict)
    say("  kernel   ipip    IP protocol 4       not measured: this kernel may lack ipip")
    say("  PACKETS  of the pings: by the path on A one way, by the kernel of A both; TCP at the path's MTU")


def show_compare(lab):
    say("\n  podlane compare on A:")
    for line in lab.podlanes["a"].podlane_text("compare", NODES["b"].hostname).splitlines():
        say("  " + line)


def break_path(lab, verdict):
    """The plain path between A and B is filtered under traffic, and comes back."""
    progress = Progress("the plain path between A and B filtered, and given back")
    beside = Ping(PODS["a1"], PODS["c1"].address, 1000000, FLOOD_GAP_MS)
    running = Ping(SOURCE, TARGET.address, 1000000, FLOOD_GAP_MS)
    time.sleep(FIRST_SEC)
    with Filters() as filters:
        filters.set("native")
        took_sec = wait_chosen(lab, "ipip")
        time.sleep(1)
        node = node_of(lab, "a", "b")
        filters.set()
        back_sec = wait_chosen(lab, "native")
    time.sleep(0.5)
    result, other = running.stop(), beside.stop()
    progress.end()
    verdict.check(node["hops"][0]["reason"] == "probe-down", "A left the plain path for another reason")
    verdict.check(other.lost == 0, f"a1 > c1 lost {other.lost}, and was not filtered")
    return result, other, took_sec, back_sec


def show_break(broken):
    result, other, took_sec, back_sec = broken
    say(f"\n4 BREAK IT  numbered packets, {1000 / FLOOD_GAP_MS:.0f}/s each; policy auto")
    say(f"  A-B filtered: {FILTERS['native']}")
    say(f"    now on ipip, after {took_sec:.2f} s; again on native {back_sec:.0f} s after the filter went")
    say(f"    a1 > b1 lost {result.lost:,} of {result.sent:,} in all; a1 > c1, not filtered, "
        f"{other.lost} of {other.sent:,}")
