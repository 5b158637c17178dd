#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""A port that DPDK owns: A's uplink is a DPDK device, and A's kernel and FRR have its TAP twin, with
the node's address, ARP and BGP."""
import json
import subprocess

from support import expect, expect_equal, main_of

from lablib.netns import ip, tx_offload
from lablib.shell import run, wait_until
from lablib.topology import NODES, PODS, REFLECTOR, SEGMENT
from lablib.traffic import forwarded_by_kernel, ping, warm_up

VARIANTS = ["podlane"]
A = NODES["a"]
# The wire under the DPDK device: the kernel shall see its frames by the twin alone.
NFT = """
table netdev podlane {
	chain wire { type filter hook ingress device "wire0" priority 0; policy drop; }
}
"""
# Low, so that a busy machine can send more.
PUNT_PPS = 500
# Datagrams to a port where nobody listens, as fast as one core can.
FLOOD = f"""
import socket
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    try:
        one.sendto(b"flood", ("{A.address}", 9))
    except OSError:
        pass
"""


def link(name):
    return json.loads(run(["ip", "-n", A.netns, "-j", "address", "show", "dev", name]))[0]


def make_twin_node(lab):
    """Give A's eth0 to DPDK as net_af_packet; eth0 is now the twin, made before Podlane as an
    administrator would, so that its address is there when FRR looks for it."""
    podlane = lab.podlanes["a"]
    if "wire0" in run(["ip", "-n", A.netns, "-br", "link"]):
        return
    podlane.stop()
    ip(A.netns, "link set eth0 down", "link set eth0 name wire0", "address flush dev wire0")
    tx_offload(SEGMENT, "a", "off")
    run(["nft", "-f", "-"], netns=A.netns, feed=NFT)
    ip(A.netns, "link set wire0 up", "tuntap add dev eth0 mode tap", "link set eth0 up",
       f"address add {A.address}/24 dev eth0", f"route add default via {REFLECTOR}")
    podlane.write_config(port="eth0", device="devargs: net_af_packet0,iface=wire0\n    twin: true",
                         memory_mb=f"256\n  punt_pps: {PUNT_PPS}")
    podlane.start_dataplane()
    podlane.start_control()
    wait_whole(lab)


def wait_whole(lab):
    lab.wait_bgp()
    lab.wait_podlane()
    wait_until("A's pods attached", lambda: lab.podlanes["a"].missing_pods(
        [pod for pod in PODS.values() if pod.node == "a"]), 30, quiet=True)


def check_bgp_and_pods(lab):
    """BGP comes up over the twin, and pods' traffic passes A's kernel by."""
    make_twin_node(lab)
    twin, wire = link("eth0"), link("wire0")
    expect_equal("MAC of the twin", twin["address"], wire["address"])
    expect_equal("MTU of the twin", twin["mtu"], wire["mtu"])
    before = forwarded_by_kernel(A.netns)
    for source, target in (("a1", "b1"), ("b1", "a1"), ("a1", "c1"), ("c2", "a2")):
        warm_up(PODS[source], PODS[target].address)
        expect_equal(f"{source} > {target} lost", ping(PODS[source], PODS[target].address).lost, 0)
    n_kernel = forwarded_by_kernel(A.netns) - before
    expect(n_kernel < 20, f"A's kernel forwarded {n_kernel} packets")
    account = lab.podlanes["a"].account()
    expect(account["ok"], f"account of A: {account}")
    return f"4000 of 4000, the kernel sent {account.get('made')} frames by the twin"


def check_flood(lab):
    """A session comes up while others flood the kernel with what it polices."""
    make_twin_node(lab)
    podlane = lab.podlanes["a"]
    before = podlane.drops()["punt_policed"]
    flood = subprocess.Popen(["ip", "netns", "exec", NODES["c"].netns, "python3", "-c", FLOOD],
                             stdin=subprocess.DEVNULL)
    try:
        wait_until("the flood", lambda: podlane.drops()["punt_policed"] > before + 1000, 30,
                   quiet=True)
        lab.speakers["rr"].vty(f"clear bgp {A.address}")
        wait_until("the session is down", lambda: "a" in lab.missing_sessions().split(), 10, 0.05,
                   quiet=True)
        took = wait_until("the session is up again", lab.missing_sessions, 60, quiet=True)
        expect(flood.poll() is None, "the flood ended before the session was up")
    finally:
        flood.kill()
        flood.wait()
    n_policed = podlane.drops()["punt_policed"] - before
    wait_until("the account", lambda: podlane.account()["ok"], 10, quiet=True)
    wait_whole(lab)
    return f"up after {took:.1f} s, {n_policed} packets of the flood dropped"


def check_restart(lab):
    """The twin outlives the dataplane, without carrier; the next one takes it over."""
    make_twin_node(lab)
    podlane = lab.podlanes["a"]
    index = link("eth0")["ifindex"]
    lab.daemons.kill(podlane.names["dataplane"])
    wait_until("no carrier", lambda: "NO-CARRIER" in link("eth0")["flags"], 5, quiet=True)
    addresses = [one["local"] for one in link("eth0")["addr_info"]]
    expect(A.address in addresses, f"the twin without a dataplane has {addresses}")
    podlane.start_dataplane()
    wait_until("carrier", lambda: "NO-CARRIER" not in link("eth0")["flags"], 5, quiet=True)
    expect_equal("index of the twin", link("eth0")["ifindex"], index)
    wait_whole(lab)
    warm_up(PODS["a1"], PODS["b1"].address)
    expect_equal("a1 > b1 lost", ping(PODS["a1"], PODS["b1"].address).lost, 0)
    lab.down()  # the next file starts with the usual uplink


CHECKS = [check_bgp_and_pods, check_flood, check_restart]

main_of(__name__)
