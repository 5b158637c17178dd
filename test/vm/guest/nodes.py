# SPDX-License-Identifier: BSD-3-Clause
"""In the guest: node A of the founding lab, its uplink a VF that DPDK owns, and node C, a stock node with
Debian's kernel and BIRD, its uplink a virtio NIC."""
import json
import os
import random
import signal
import socket
import subprocess
import time

import nics
import window
from lablib.lab import HOST_SYSCTLS, Lab
from lablib.netns import ip, sysctl
from lablib.shell import LabError, run, say, wait_until
from lablib.topology import AS_NUMBER, NODES, PODS, REFLECTOR
from lablib.traffic import snmp, warm_up
from lablib.wire import call_in_netns

A, C = NODES["a"], NODES["c"]
PUNT_PPS = 100      # of each class; little enough that a slow machine can offer more
# vfio_iommu_type1 comes along with vfio-pci on a host; busybox's modprobe knows no soft dependencies.
MODULES = ["igb", "virtio_net", "vfio_iommu_type1", "tun", "veth", "sch_ingress", "cls_bpf"]


class GuestLab(Lab):
    """Lives as long as the guest."""

    def __init__(self, build_dir):
        super().__init__(build_dir=build_dir)
        self.ports = {}     # of A's podlane.yaml, by name: PCI address
        self.vlans = {}     # of those that have one
        self.bonds = {}     # the members
        self.programs = []
        self.podlanes["a"].start_sec = 300

    def add_namespace(self, node):
        os.makedirs(os.path.join(self.dir, node.name), exist_ok=True)
        self.namespaces.add(node.netns)
        sysctl(node.netns, **HOST_SYSCTLS)
        ip(node.netns, "link set lo up")

    def add_pods(self, node):
        for pod in PODS.values():
            if pod.node == node.name:
                self.add_pod(pod)

    def write_config(self, encap="none", **changes):
        first, *others = self.ports
        device = self.port_text(first) + "".join(f"\n  - name: {name}\n    {self.port_text(name)}"
                                                 for name in others)
        self.podlanes["a"].write_config(port=first, device=device, hugepages="true", encap=encap,
                                        memory_mb=f"256\n  punt_pps: {PUNT_PPS}", **changes)

    def port_text(self, name):
        vlan = f"\n    vlan: {self.vlans[name]}" if name in self.vlans else ""
        if name in self.bonds:
            members = ",".join(f"member={address}" for address in self.bonds[name])
            return f"devargs: net_bonding0,mode=1,{members}\n    twin: true{vlan}"
        return f"pci: {self.ports[name]}{vlan}"

    def start_podlane_a(self):
        podlane = self.podlanes["a"]
        try:
            podlane.start_dataplane()
            podlane.start_control()
        except LabError:
            for name in podlane.names.values():
                say("\n".join(dict.fromkeys(self.daemons.lines(name))))
            raise


LAB = None


def prepare(build_dir):
    global LAB  # the functions below are called one by one
    for module in MODULES:
        run(["modprobe", module])
    LAB = GuestLab(build_dir)


def start_c(nic):
    """Node C as tools/lab makes it."""
    interface = nics.interface_of(nic)
    LAB.add_namespace(C)
    run(["ip", "link", "set", interface, "netns", C.netns, "name", "eth0"])
    ip(C.netns, f"address add {C.address}/24 dev eth0", "link set eth0 up",
       f"route add default via {REFLECTOR}")
    LAB.add_pods(C)
    LAB.speakers["c"].start()


def start_a(nic):
    """Node A: its kernel's part by the twin's name, then the VF by "podlane setup", then Podlane."""
    pf = nics.device_of(nic)
    run(["ip", "link", "set", nics.interface_of(nic), "up"])
    LAB.add_namespace(A)
    ip(A.netns, "tuntap add dev uplink0 mode tap", "link set uplink0 up",
       f"address add {A.address}/24 dev uplink0", f"route add default via {REFLECTOR}",
       f"route add blackhole {A.block} proto 80")
    LAB.add_pods(A)
    LAB.speakers["a"].start()
    # by the PF's address, because A's namespace does not have the PF's interface
    LAB.ports["uplink0"] = f"{pf}/vf0"
    LAB.write_config()
    nics.show_devices("before")
    say(f"before: {refusal()}")
    steps = set_up()
    nics.set_vf_mac(nic)
    nics.show_devices("after")
    LAB.start_podlane_a()
    return steps


def set_up():
    """podlane setup, first only shown. Returns the states of its steps before and after."""
    podlane = LAB.podlanes["a"]
    argv = [podlane.program("podlane"), "--config", podlane.config, "setup"]

    def look():
        steps = json.loads(run([*argv, "--dry-run", "--json"], check=False))["steps"]
        return [step["state"] for step in steps]
    before = look()
    for words in (["--dry-run"], []):
        say(" ".join(["podlane setup", *words]) + ":")
        say(run([*argv, *words], check=not words).strip())
    return before, look()


def refusal():
    """What podlane-dataplane says of its configuration."""
    podlane = LAB.podlanes["a"]
    done = subprocess.run(["ip", "netns", "exec", A.netns, podlane.program("podlane-dataplane"),
                           "--config", podlane.config], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.strip().splitlines()[-1]


def restart_podlane():
    LAB.podlanes["a"].stop()
    LAB.write_config()
    LAB.start_podlane_a()


def add_pf(name, address, nic, vlan=None):
    """Another uplink: a whole NIC, taken from the kernel."""
    device = nics.device_of(nic)
    nics.bind(device)
    ip(A.netns, f"tuntap add dev {name} mode tap", f"link set {name} up",
       f"address add {address}/24 dev {name}")
    LAB.ports[name] = device
    if vlan is not None:
        LAB.vlans[name] = vlan
    restart_podlane()


def remove_pf(name):
    """Its port and its twin; the NIC stays bound."""
    del LAB.ports[name]
    LAB.vlans.pop(name, None)
    restart_podlane()
    ip(A.netns, f"link del {name}")


def make_bond(name, nic):
    """A port and a whole NIC, which "podlane setup" takes from the kernel, in a bond; the port is the active
    member."""
    LAB.bonds[name] = [LAB.ports[name], nics.device_of(nic)]
    LAB.write_config()
    set_up()
    restart_podlane()


def end_bond(name):
    del LAB.bonds[name]
    restart_podlane()


def device_of_port(name):
    """The PCI address of a port of A's."""
    address, _, vf = LAB.ports[name].partition("/vf")
    if not vf:
        return address
    return os.path.basename(os.path.realpath(f"/sys/bus/pci/devices/{address}/virtfn{vf}"))


def has_said(text):
    """A's dataplane, in its log?"""
    return any(text in line for line in LAB.daemons.lines(LAB.podlanes["a"].names["dataplane"]))


def give_vf_back(nic):
    """With its MAC before the dataplane, which looks for it, can take it."""
    nics.make_vf(nic)
    nics.set_vf_mac(nic)
    set_up()


def give_nic_back(nic):
    """A NIC that was plugged in, as soon as the kernel has it."""
    wait_until("the kernel has the NIC", lambda: nics.interface_of(nic) is not None, 60, quiet=True)
    nics.bind(nics.device_of(nic))


def add_session(peer):
    LAB.speakers["a"].change(
        f"router bgp {AS_NUMBER}", f"neighbor {peer} remote-as {AS_NUMBER}",
        f"neighbor {peer} timers connect 5", "address-family ipv4 unicast", f"neighbor {peer} activate")


def remove_session(peer):
    LAB.speakers["a"].change(f"router bgp {AS_NUMBER}", f"no neighbor {peer}")


def start_sender(pod, program, words):
    """A Python program in a pod, until its first datagram is sent."""
    netns = PODS[pod].netns
    before = snmp(netns)["Udp"]["OutDatagrams"]
    LAB.programs.append(subprocess.Popen(
        ["ip", "netns", "exec", netns, "python3", "-c", program, *map(str, words)],
        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    wait_until("datagrams", lambda: snmp(netns)["Udp"]["OutDatagrams"] > before, 60, quiet=True)


def end_sender(text):
    """Tell the last one started, and return what it said."""
    return LAB.programs.pop().communicate(text, timeout=60)[0]


def send_datagrams(pod, address, port, sizes):
    """One of each size."""
    with call_in_netns(PODS[pod].netns,
                       lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
        for size in sizes:
            sender.sendto(random.randbytes(size), (address, port))


def send_stream(pod, address, port, n_bytes):
    """So many bytes by TCP. Returns them in hexadecimal digits."""
    content = random.randbytes(n_bytes)
    with call_in_netns(PODS[pod].netns,
                       lambda: socket.create_connection((address, port), 30)) as connection:
        connection.sendall(content)
    return content.hex()


def clock():
    return time.monotonic()


def reload(encap):
    """Another policy for A's pool, by SIGHUP."""
    LAB.write_config(encap=encap, inventory=LAB.write_inventory())
    os.kill(LAB.daemons.pid(LAB.podlanes["a"].names["control"]), signal.SIGHUP)


def echo(pod, address, n_pkts):
    """Windowed echo requests from a pod of the guest. Returns the packets per second."""
    warm_up(PODS[pod], address)
    return window.expect_echo(PODS[pod].netns, address, n_pkts)


def add_route(block, gateway, mac):
    """A route of the kernel's on A, to a host that answers no ARP."""
    ip(A.netns, f"neigh replace {gateway} lladdr {mac} dev uplink0 nud permanent",
       f"route replace {block} via {gateway} dev uplink0 proto 80")


def remove_route(block):
    ip(A.netns, f"route del {block}")
