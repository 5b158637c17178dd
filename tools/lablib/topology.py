# SPDX-License-Identifier: BSD-3-Clause
"""Who is in the founding lab."""
import hashlib
import ipaddress
import os
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Another prefix is another lab: several on one machine do not see each other.
PREFIX = os.environ.get("PODLANE_LAB_PREFIX", "podlane-")
STATE_DIR = f"/run/{PREFIX}lab"
SEGMENT = PREFIX + "seg"
REFLECTOR = "192.168.1.1"
POOL = "10.244.0.0/16"
AS_NUMBER = 64512
POD_GATEWAY = "169.254.1.1"
HOST_SIDE_MAC = "ee:ee:ee:ee:ee:ee"


@dataclass(frozen=True)
class Node:
    name: str        # in the lab: a, b, c
    address: str
    block: str
    hostname: str
    speaker: str     # "frr" or "bird"
    has_podlane: bool

    @property
    def netns(self):
        return PREFIX + self.name

    @property
    def probe_address(self):
        """In its own block, and no pod's."""
        return str(ipaddress.ip_network(self.block)[1])


@dataclass(frozen=True)
class Pod:
    name: str
    node: str
    address: str

    @property
    def netns(self):
        return PREFIX + self.name

    @property
    def host_if(self):
        """The host side's name, made as Calico makes it: 11 digits of a hash."""
        return "cali" + hashlib.sha1(f"default.{self.name}".encode()).hexdigest()[:11]


NODES = {node.name: node for node in (
    Node("a", "192.168.1.10", "10.244.0.0/26", "worker-a", "frr", True),
    Node("b", "192.168.1.11", "10.244.1.0/26", "worker-b", "bird", True),
    Node("c", "192.168.1.12", "10.244.2.0/26", "worker-c", "bird", False),
)}

# b3 has an address borrowed from A's block: its /32 must win over A's /26.
PODS = {pod.name: pod for pod in (
    Pod("a1", "a", "10.244.0.10"),
    Pod("a2", "a", "10.244.0.11"),
    Pod("b1", "b", "10.244.1.10"),
    Pod("b2", "b", "10.244.1.11"),
    Pod("b3", "b", "10.244.0.40"),
    Pod("c1", "c", "10.244.2.10"),
    Pod("c2", "c", "10.244.2.11"),
)}
