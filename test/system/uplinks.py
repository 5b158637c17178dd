#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Two uplinks: A and B have a second segment between them, BGP has both ways, and flows go by both. A
link dies under traffic, and comes back."""
import os
import signal
import time

from support import expect, expect_equal, main_of

from lablib.flows import Flows
from lablib.netns import ip, sysctl
from lablib.shell import run, wait_until
from lablib.speakers import config_path
from lablib.topology import AS_NUMBER, NODES, PODS, PREFIX
from lablib.traffic import ping, snmp, warm_up

VARIANTS = ["podlane"]
SEGMENT_2 = PREFIX + "seg2"
SECOND = {"rr": "192.168.3.1", "a": "192.168.3.10", "b": "192.168.3.11"}
# ECMP has to move within this time; the datagrams lost meanwhile were on their way into a dead link.
MOVED_MS = 100
# By its second uplink, too, B tells its block.
BIRD = """\
include "{config}";
protocol bgp Node_{name} {{
	local {own} as {asn};
	neighbor {reflector} as {asn};
	multihop;
	connect delay time 2;
	connect retry time 5;
	error wait time 5, 30;
	ipv4 {{
		gateway recursive;
		add paths on;
		import all;
		export filter {{ calico_export_to_bgp_peers(); }};
	}};
}}
"""


def add_segment(lab):
    """A second bridge, with an eth1 of the reflector, A and B on it."""
    lab.namespaces.add(SEGMENT_2)
    ip(SEGMENT_2, "link set lo up", "link add br0 type bridge stp_state 0 mcast_snooping 0",
       "link set br0 up")
    sysctl(SEGMENT_2, net__ipv6__conf__all__disable_ipv6=1)
    for name, address in SECOND.items():
        ip(SEGMENT_2, f"link add name {name} type veth peer name eth1 netns {PREFIX}{name}",
           f"link set dev {name} master br0", f"link set dev {name} up")
        ip(PREFIX + name, f"address add {address}/24 dev eth1", "link set eth1 up")


def add_sessions(lab):
    """With the reflector by the second segment: A's FRR and B's BIRD."""
    for name in ("a", "b"):
        peer = SECOND[name]
        lab.speakers["rr"].change(
            f"router bgp {AS_NUMBER}", f"neighbor {peer} remote-as {AS_NUMBER}",
            "address-family ipv4 unicast", f"neighbor {peer} activate",
            f"neighbor {peer} route-reflector-client", f"neighbor {peer} addpath-tx-all-paths")
    lab.speakers["a"].change(
        f"router bgp {AS_NUMBER}", f"neighbor {SECOND['rr']} remote-as {AS_NUMBER}",
        f"neighbor {SECOND['rr']} timers connect 5", "address-family ipv4 unicast",
        f"neighbor {SECOND['rr']} activate")
    path = os.path.join(lab.dir, "b", "bird.conf")
    with open(path, "w", encoding="ascii") as out:
        out.write(BIRD.format(config=config_path("bird", "node-b.conf"), own=SECOND["b"],
                              name=SECOND["rr"].replace(".", "_"), reflector=SECOND["rr"],
                              asn=AS_NUMBER))
    lab.speakers["b"].stop()
    lab.daemons.start("b-bird", ["bird", "-f", "-c", path, "-s", lab.speakers["b"].socket],
                      netns=NODES["b"].netns)


def hops_to(lab, name, pod):
    return {hop for kind, hop in lab.podlanes[name].target(pod.address)[2] if kind == "native"}


def wait_both(lab):
    """Both ways are in A's and B's dataplanes."""
    for name, other, pod in (("a", "b", PODS["b1"]), ("b", "a", PODS["a1"])):
        wanted = {NODES[other].address, SECOND[other]}
        wait_until(f"two ways from {name.upper()} to {other.upper()}",
                   lambda name=name, pod=pod, wanted=wanted: hops_to(lab, name, pod) == wanted or
                   str(hops_to(lab, name, pod)), 60, quiet=True)


def make_uplinks(lab):
    if os.path.exists(f"/run/netns/{SEGMENT_2}"):
        return
    add_segment(lab)
    for podlane in lab.podlanes.values():
        podlane.stop()
        podlane.write_config(device=f"interface: eth0\n    checksum: {podlane.checksum}\n"
                             "  - name: uplink1\n    interface: eth1")
        podlane.start_dataplane()
        podlane.start_control()
    add_sessions(lab)
    wait_both(lab)
    for name, podlane in lab.podlanes.items():
        wait_until(f"{name.upper()}'s pods attached", lambda name=name, podlane=podlane:
                   podlane.missing_pods([pod for pod in PODS.values() if pod.node == name]), 30,
                   quiet=True)
    warm_up(PODS["a1"], PODS["b1"].address)


def sent_by(lab, name):
    """Packets sent by each port of a node."""
    return {port["name"]: port["tx_pkts"] for port in lab.podlanes[name].podlane("port", "show")
            .get("ports", [])}


def shares_of(lab, n_flows):
    """Datagrams of so many flows from a1 to b1: how many left by each uplink of A."""
    before, arrived = sent_by(lab, "a"), snmp(PODS["b1"].netns)["Udp"]["NoPorts"]
    run(["bash", "-c", f"for port in $(seq {n_flows}); do echo x > "
         f"/dev/udp/{PODS['b1'].address}/$((10000 + port)); done; sleep 0.2"],
        netns=PODS["a1"].netns)
    now = sent_by(lab, "a")
    expect_equal("arrived", snmp(PODS["b1"].netns)["Udp"]["NoPorts"] - arrived, n_flows)
    return [now[port] - before[port] for port in ("uplink0", "uplink1")]


def check_both_are_used(lab):
    """Flows are dealt to both uplinks; pings between all pods lose nothing."""
    make_uplinks(lab)
    shares = shares_of(lab, 200)
    expect(min(shares) >= 60, f"by the uplinks of A: {shares}, expected about 100 each")
    for source, target in (("a1", "b1"), ("b1", "a1"), ("a2", "b2"), ("a1", "c1")):
        warm_up(PODS[source], PODS[target].address)
        expect_equal(f"{source} > {target} lost", ping(PODS[source], PODS[target].address).lost, 0)
    return f"of 200 flows {shares[0]} and {shares[1]}"


def link_is(name, state):
    """Take A's cable off at its other end, or put it back. Returns when that was begun."""
    began = time.monotonic()
    ip(SEGMENT_2 if name == "eth1" else PREFIX + "seg", f"link set dev a {state}")
    return began


def is_up(lab, port):
    return any(one["is_up"] for one in lab.podlanes["a"].podlane("port", "show").get("ports", [])
               if one["name"] == port)


def flap(lab, has_control):
    """A's second uplink loses its link under traffic and gets it back; without control the dataplane has
    to move the flows by itself. Returns the result, and how long after the failure (ms) and how often
    after the return a lost datagram was sent."""
    control = lab.daemons.pid(lab.podlanes["a"].names["control"])
    flows = Flows(PODS["a1"], PODS["b1"])
    if not has_control:
        os.kill(control, signal.SIGSTOP)
    try:
        time.sleep(0.5)
        at = link_is("eth1", "down")
        time.sleep(0.5)
        expect(not is_up(lab, "uplink1"), "A's uplink1 is up without a link")
        up_at = link_is("eth1", "up")
        time.sleep(0.5)
    finally:
        os.kill(control, signal.SIGCONT)
    wait_both(lab)
    time.sleep(0.5)
    result = flows.stop()
    late_ms = max(((t - at) * 1000 for t in result.lost), default=0)
    return result, late_ms, sum(t > up_at for t in result.lost)


def check_link_failure(lab):
    """Ten times, in turn with control and while it is stopped: the flows on the dead link move, the others
    stay, and they come back when the link does."""
    make_uplinks(lab)
    rounds = [flap(lab, has_control) for _ in range(5) for has_control in (True, False)]
    account = lab.podlanes["a"].account()
    expect(account["ok"], f"account of A: {account}")
    late_ms = max(one[1] for one in rounds)
    expect(late_ms < MOVED_MS, f"the last lost datagram was sent {late_ms:.0f} ms after the link died: "
           f"{[str(one[0]) for one in rounds]}")
    expect_equal("lost after the link was back", sum(one[2] for one in rounds), 0)
    lost = sorted(len(one[0].lost) for one in rounds)
    return (f"1000 datagrams/s in 64 flows: {lost[0]} to {lost[-1]} lost, the last one sent "
            f"{late_ms:.0f} ms after the link died; on its return none")


def check_first_link_failure(lab):
    """The first uplink, by which the first session goes: the second has both."""
    make_uplinks(lab)
    flows = Flows(PODS["a1"], PODS["b1"])
    time.sleep(0.5)
    at = link_is("eth0", "down")
    time.sleep(2)
    seen = hops_to(lab, "a", PODS["b1"])
    link_is("eth0", "up")
    wait_both(lab)
    result = flows.stop()
    moved = max((t - at) * 1000 for t in result.lost) if result.lost else 0
    expect_equal("next hops without the first uplink", seen, {SECOND["b"]})
    expect(moved < MOVED_MS, f"the last lost datagram was sent {moved:.0f} ms after the link died")
    lab.down()      # the next file starts with the usual uplink
    return str(result)


CHECKS = [check_both_are_used, check_link_failure, check_first_link_failure]

main_of(__name__)
