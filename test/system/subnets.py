#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""A node in another subnet, behind a router: zebra keeps it as the BGP next hop through an interface
route, and Podlane asks the kernel, whose rules and tables lead to the router, how it is reached."""
import os

from support import expect, expect_equal, main_of

from lablib.netns import ip, sysctl
from lablib.paths import add_kernel_vxlan, vtep_mac
from lablib.shell import run, wait_until
from lablib.topology import AS_NUMBER, NODES, PODS, PREFIX, REFLECTOR
from lablib.topology import Node, Pod
from lablib.traffic import ping, warm_up
from tunnels import wait_path

VARIANTS = ["podlane"]
ROUTER = "192.168.2.1"          # the reflector's second interface
FAR = Node("d", "192.168.2.13", "10.244.3.0/26", "worker-d", "bird", False)
FAR_POD = Pod("d1", "d", "10.244.3.10")
SUBNET = "192.168.2.0/24"
TABLE = 200

BIRD = f"""\
router id {FAR.address};
log stderr all;
protocol device {{ }}
protocol static own {{ ipv4; route {FAR.block} blackhole; }}
protocol bgp reflector {{
    local {FAR.address} as {AS_NUMBER};
    neighbor {ROUTER} as {AS_NUMBER};
    connect delay time 1;
    ipv4 {{ import none; export where proto = "own"; }};
}}
"""


def add_far_node(lab):
    """D: a stock node with BIRD and a kernel vxlan device; its pod's address is on its loopback."""
    lab.namespaces.add(FAR.netns)
    sysctl(FAR.netns, net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__default__rp_filter=0)
    ip(PREFIX + "rr", f"link add eth1 type veth peer name eth0 netns {FAR.netns}",
       f"address add {ROUTER}/24 dev eth1", "link set eth1 up")
    ip(FAR.netns, "link set lo up", f"address add {FAR.address}/24 dev eth0", "link set eth0 up",
       f"route add default via {ROUTER}", f"address add {FAR_POD.address}/32 dev lo")
    add_kernel_vxlan(FAR, ["a"])
    folder = os.path.join(lab.dir, FAR.name)
    os.makedirs(folder, exist_ok=True)
    config = os.path.join(folder, "bird.conf")
    with open(config, "w", encoding="ascii") as out:
        out.write(BIRD)
    lab.speakers["rr"].change(
        f"router bgp {AS_NUMBER}", f"neighbor {FAR.address} remote-as {AS_NUMBER}",
        "address-family ipv4 unicast", f"neighbor {FAR.address} activate",
        f"neighbor {FAR.address} route-reflector-client")
    lab.daemons.start("d-bird", ["bird", "-f", "-c", config, "-s", os.path.join(folder, "bird.ctl")],
                      netns=FAR.netns)


def add_recipe(lab):
    """On A, as README says: an interface route for zebra, a rule and a table for the kernel."""
    netns = NODES["a"].netns
    # a dummy device on a real node; this kernel has none
    ip(netns, "link add nodes0 type veth peer name nodes1", "link set nodes1 up", "link set nodes0 up",
       f"route add default via {REFLECTOR} table {TABLE}")
    run(["ip", "-n", netns, "rule", "add", "to", SUBNET, "lookup", str(TABLE)])
    lab.speakers["a"].change(f"ip route {SUBNET} nodes0")


def mac_of(netns, interface="eth0"):
    return run(["ip", "netns", "exec", netns, "cat", f"/sys/class/net/{interface}/address"]).strip()


def path_to_far(lab):
    paths = (lab.podlanes["a"].route(FAR_POD.address).get("dataplane") or {}).get("paths", [])
    return paths[0] if paths else {}


def wait_mac(lab, mac):
    wait_until(f"frames to D leave to {mac}", lambda: path_to_far(lab).get("dst_mac") == mac, 25,
               quiet=True)


def check_node_behind_a_router(lab):
    """Cross-subnet: B is reached plain and D by VXLAN through the router; none lost either way."""
    add_far_node(lab)
    add_recipe(lab)
    lab.set_policy("a", "vxlan", "cross-subnet", [FAR])
    lab.set_policy("b", "none", others=[FAR])
    wait_path(lab, "a", FAR_POD, "vxlan")
    wait_path(lab, "a", PODS["b1"], "native")
    wait_mac(lab, mac_of(PREFIX + "rr"))
    expect_equal("D's MAC inside", path_to_far(lab)["tunnel"]["inner_dst_mac"], vtep_mac(FAR))
    for target in (FAR_POD, PODS["b1"]):
        warm_up(PODS["a1"], target.address)
        expect_equal(f"a1 > {target.name} lost", ping(PODS["a1"], target.address).lost, 0)
    back = run(["ip", "netns", "exec", FAR.netns, "ping", "-n", "-q", "-c", "500", "-i", "0.002",
                "-I", FAR_POD.address, PODS["a1"].address], check=False)
    expect(" 500 received" in back, f"D's pod > a1: {back.strip().splitlines()[-2:]}")
    return "2000 of 2000 and 500 of 500"


def check_router_changes(lab):
    """The table's default moves from the reflector to C: the frames follow, none is lost."""
    ip(NODES["a"].netns, f"route replace default via {NODES['c'].address} table {TABLE}")
    wait_mac(lab, mac_of(NODES["c"].netns))
    warm_up(PODS["a1"], FAR_POD.address)
    expect_equal("by C lost", ping(PODS["a1"], FAR_POD.address).lost, 0)
    ip(NODES["a"].netns, f"route del default table {TABLE}",
       f"route add unreachable {SUBNET} table {TABLE}")
    wait_until("no path to D", lambda: path_to_far(lab).get("kind") == "punt", 25, quiet=True)
    ip(NODES["a"].netns, f"route del unreachable {SUBNET} table {TABLE}",
       f"route add default via {REFLECTOR} table {TABLE}")
    wait_mac(lab, mac_of(PREFIX + "rr"))
    expect_equal("by the router again lost", ping(PODS["a1"], FAR_POD.address).lost, 0)
    lab.down()  # the next check starts without these routes


CHECKS = [check_node_behind_a_router, check_router_changes]

main_of(__name__)
