# SPDX-License-Identifier: BSD-3-Clause
"""In the guest: A and C reach each other's pods by a VLAN, A's part of it in a port of Podlane's, C's a vlan
device of the kernel's."""
import nodes
from lablib.netns import ip
from lablib.shell import run
from lablib.topology import NODES

A, C = NODES["a"], NODES["c"]
OF_A, OF_C = "192.168.5.10", "192.168.5.12"


def start(port, vlan):
    """A port that was there without a tag has one."""
    nodes.LAB.vlans[port] = vlan
    nodes.restart_podlane()
    route(port, vlan)


def route(port, vlan):
    run(["modprobe", "8021q"])
    ip(C.netns, f"link add link eth0 name eth0.{vlan} type vlan id {vlan}", f"link set eth0.{vlan} up",
       f"address add {OF_C}/24 dev eth0.{vlan}",
       f"route replace {A.block} via {OF_A} dev eth0.{vlan} proto 80")
    ip(A.netns, f"address add {OF_A}/24 dev {port}",
       f"route replace {C.block} via {OF_C} dev {port} proto 80")


def unroute(port):
    """C's device takes its route along."""
    ip(C.netns, f"link del eth0.{nodes.LAB.vlans[port]}")
    ip(A.netns, f"route del {C.block} via {OF_C} dev {port} proto 80", f"address del {OF_A}/24 dev {port}")


def stop(port):
    unroute(port)
    del nodes.LAB.vlans[port]
    nodes.restart_podlane()
