# SPDX-License-Identifier: BSD-3-Clause
"""In the guest: the kernel's tunl0 as Calico sets it up, and what A's Podlane and a kernel make of the same
packets."""
import json

import nodes
from frames import forwarded, is_about, pod_packets
from lablib.netns import ip
from lablib.shell import LabError, run
from lablib.topology import HOST_SIDE_MAC, NODES, PODS
from lablib.traffic import snmp
from lablib.wire import Wire, mac_of
from scapy.layers.l2 import Ether
from through import compare_with_kernel

MTU = 1480


def add(name, peers):
    """A node's tunl0, up, with its tunnel address, and a route to each peer's block as Felix or BIRD writes it."""
    node = NODES[name]
    run(["modprobe", "ipip"])
    ip(node.netns, f"link set tunl0 mtu {MTU} up", f"address replace {node.probe_address}/32 dev tunl0",
       *(f"route replace {NODES[peer].block} via {NODES[peer].address} dev tunl0 onlink proto 80"
         for peer in peers))


def remove(name):
    """The device stays, as the module does; its routes and its address go."""
    ip(NODES[name].netns, "address flush dev tunl0", "link set tunl0 down")


def describe(name):
    """The device and one of the routes over it, as ip prints them."""
    netns = NODES[name].netns
    device = run(["ip", "-n", netns, "-d", "link", "show", "tunl0"]).splitlines()[-1]
    routes = run(["ip", "-n", netns, "route", "show", "dev", "tunl0"]).splitlines()
    return f"{device.partition(' addrgenmode')[0].strip()}; {routes[0].strip()}"


def errors(name):
    """What C's kernel refused: of the device and of IP."""
    netns = NODES[name].netns
    stats = json.loads(run(["ip", "-n", netns, "-j", "-s", "link", "show", "tunl0"]))[0]["stats64"]
    ip_counts = snmp(netns)["Ip"]
    return {**{f"rx_{key}": stats["rx"][key] for key in ("errors", "dropped")},
            **{f"tx_{key}": stats["tx"][key] for key in ("errors", "dropped", "carrier_errors")},
            **{key: ip_counts[key] for key in ("InHdrErrors", "InUnknownProtos", "InDiscards")}}


def compare():
    """Returns how many frames of a1 A's Podlane sends as A's kernel does by its own tunl0."""
    ours, _ = compare_with_kernel(nodes.LAB, PODS["a1"], PODS["c1"], "ipip", MTU)
    return len(ours)


def pass_through(source, target):
    """All kinds of packets through Podlane and tunl0, two hops: in the pod as they were. Returns how many."""
    source, target = PODS[source], PODS[target]
    packets = pod_packets(source.address, target.address, MTU)
    del packets["TTL 2"]    # its second hop says so
    with Wire(source.netns) as sender, Wire(target.netns) as receiver:
        ethernet = Ether(src=mac_of(source.netns), dst=HOST_SIDE_MAC)
        for name, packet in packets.items():
            sender.send(ethernet / packet)
            frame = receiver.wait_for(is_about(packet))
            wanted = bytes(forwarded(forwarded(packet)))
            if frame is None or frame[14:] != wanted:
                raise LabError(f"{source.name} > {target.name}, {name}, in the pod: "
                               f"{frame and frame[14:].hex()}, expected {wanted.hex()}")
    return len(packets)
