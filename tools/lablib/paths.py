# SPDX-License-Identifier: BSD-3-Clause
"""The paths between nodes: the kernel's vxlan device as Calico makes it, what podlane compare says, pins,
and filters that make a path fail."""
import hashlib

from .netns import ip
from .shell import LabError, run, wait_until
from .topology import NODES, PODS, POOL, SEGMENT

KINDS = ("native", "ipip", "vxlan")
OVERHEAD = {"native": 0, "ipip": 20, "vxlan": 50}
ON_THE_WIRE = {"native": "not proto 4 and not udp port 4789", "ipip": "proto 4",
               "vxlan": "udp port 4789"}
FILTERS = {"native": f"ip saddr {POOL} ip daddr {POOL}", "ipip": "ip protocol 4",
           "vxlan": "udp dport 4789"}
BOTH_WAYS = (("a", "b"), ("b", "a"))
UP_SEC = 200   # a machine too busy to answer within 250 ms makes paths fall, and holds them down


def vtep_mac(node):
    """As Calico computes it: 0x66 and five bytes of SHA-1 of the node's name."""
    digest = hashlib.sha1(node.hostname.encode()).digest()
    return "66:" + ":".join(f"{byte:02x}" for byte in digest[:5])


def add_kernel_vxlan(node, peers):
    """A vxlan device as Felix makes it: no learning, one neighbour and FDB entry per node."""
    ip(node.netns,
       f"link add vxlan.calico address {vtep_mac(node)} type vxlan id 4096 local {node.address} "
       "dev eth0 dstport 4789 nolearning",
       f"address add {node.block.split('/')[0]}/32 dev vxlan.calico", "link set vxlan.calico up")
    for peer in (NODES[other] for other in peers):
        vtep = peer.block.split("/")[0]
        ip(node.netns, f"neigh add {vtep} lladdr {vtep_mac(peer)} dev vxlan.calico nud permanent")
        run(["bridge", "-n", node.netns, "fdb", "append", vtep_mac(peer), "dev", "vxlan.calico",
             "dst", peer.address, "self", "permanent"])
        ip(node.netns, f"route replace {peer.block} via {vtep} dev vxlan.calico onlink proto 80")


def remove_kernel_vxlan(node):
    """Its routes, neighbours and FDB go with it."""
    ip(node.netns, "link del vxlan.calico")


# What podlane compare says

def node_of(lab, name, other):
    """What a node's control says of another node."""
    nodes = lab.podlanes[name].podlane("compare", NODES[other].hostname).get("nodes") or [{}]
    return nodes[0]


def path(lab, name, other, kind):
    return next((one for one in node_of(lab, name, other).get("paths", [])
                 if one["kind"] == kind), {})


def hop(lab, name, other):
    return (node_of(lab, name, other).get("hops") or [{}])[0]


def chosen(lab, name, other):
    return hop(lab, name, other).get("chosen")


def wait_chosen(lab, kind, timeout_sec=UP_SEC):
    """Until A reaches B, and B reaches A, by this kind of path. Returns the seconds it took."""
    return wait_until(f"A and B use {kind}",
                      lambda: all(chosen(lab, *way) == kind for way in BOTH_WAYS),
                      timeout_sec, 0.02, quiet=True)


def wait_measured(lab):
    """Until A and B know that all paths between them work."""
    for way in BOTH_WAYS:
        wait_until(f"{way[0].upper()}'s paths to {way[1].upper()} are up", lambda way=way: ", ".join(
            kind for kind in KINDS if path(lab, *way, kind).get("probe") != "up"), UP_SEC, quiet=True)


def wait_in_dataplane(lab, kind):
    """Until both dataplanes send to the other node's pods by this kind of path."""
    def is_there():
        for name, pod in (("a", "b1"), ("b", "a1")):
            hops = lab.podlanes[name].target(PODS[pod].address)[2]
            if not hops or hops[0][0] != kind:
                return False
        return True
    wait_until(f"the dataplanes use {kind}", is_there, 20, 0.05, quiet=True)


def pin(lab, kind):
    for one, other in BOTH_WAYS:
        said = lab.podlanes[one].podlane("path", "pin", NODES[other].hostname, kind)
        if "errors" in said:
            raise LabError(f"podlane path pin on {one.upper()}: {said['errors']}")


def unpin(lab):
    for one, other in BOTH_WAYS:
        lab.podlanes[one].podlane("path", "unpin", NODES[other].hostname)


class Filters:
    """Drops kinds of packets between A and B on the segment, and nobody else's."""

    def __enter__(self):
        self.nft("add table bridge podlane")
        self.nft("add chain bridge podlane f { type filter hook forward priority 0; }")
        return self

    def __exit__(self, *_):
        self.nft("delete table bridge podlane")

    @staticmethod
    def nft(*lines):
        run(["nft", "\n".join(lines)], netns=SEGMENT)

    def set(self, *kinds):
        lines = ["flush chain bridge podlane f"]
        lines += ['add rule bridge podlane f iifname { "a", "b" } oifname { "a", "b" } '
                  f"{FILTERS[kind]} drop" for kind in kinds]
        self.nft(*lines)
