# SPDX-License-Identifier: BSD-3-Clause
"""The founding lab: one segment, a reflector, three nodes, their pods. Up, down, and what it says."""
import fcntl
import json
import os
import shutil
import sys

from . import topology
from .daemons import Daemons, end_pid, start_time
from .netns import Namespaces, ip, sysctl, tx_offload
from .podlane import Podlane
from .shell import LabError, run, say, wait_until
from .speakers import ZEBRA_FPM, Bird, Frr
from .topology import NODES, PODS, POD_GATEWAY, PREFIX, REFLECTOR, SEGMENT

HOST_SYSCTLS = {
    "net__ipv4__ip_forward": 1,
    # Answers may come back another way than the kernel would send; 1 would drop them.
    "net__ipv4__conf__all__rp_filter": 0,
    "net__ipv4__conf__default__rp_filter": 0,
    # ECMP in the kernel by ports, too, as the dataplane does it.
    "net__ipv4__fib_multipath_hash_policy": 1,
}


class Lab:
    def __init__(self, state_dir=topology.STATE_DIR, build_dir=None, has_tx_offload=True):
        self.dir = state_dir
        self.has_tx_offload = has_tx_offload
        self.namespaces = Namespaces(state_dir)
        self.daemons = Daemons(state_dir)
        self.lock = None
        zebra = {"zebra": ZEBRA_FPM, "staticd": []}
        self.speakers = {
            "rr": Frr(self.daemons, "rr", "route-reflector.conf", {"zebra": [], "bgpd": []}),
            "a": Frr(self.daemons, "a", "node-a.conf", {**zebra, "bgpd": []}),
            "b": Bird(self.daemons, "b", state_dir),
            "c": Bird(self.daemons, "c", state_dir),
        }
        self.zebra_b = Frr(self.daemons, "b", "node-b.conf", zebra)
        self.podlanes = {
            node.name: Podlane(self.daemons, node, state_dir, build_dir, slot,
                               "complete" if has_tx_offload else "trust")
            for slot, node in enumerate(node for node in NODES.values() if node.has_podlane)
        }

    # One user at a time: the names are the same for everyone.

    def take(self):
        """Hold the lab until this process ends. LabError if another one holds it."""
        if os.geteuid() != 0:
            raise LabError(f"network namespaces need root: sudo {' '.join(sys.argv)}")
        os.makedirs(os.path.dirname(self.dir) or ".", exist_ok=True)
        # The descriptor is not inherited, so a daemon does not keep the lab taken.
        self.lock = os.open(self.dir + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self.lock, 200).decode(errors="replace").strip()
            raise LabError(f"the lab is in use by process {holder}; wait for its end") from None
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, f"{os.getpid()} ({os.path.basename(sys.argv[0])})\n".encode(), 0)

    # Up

    def up(self, has_podlane=True):
        """Everything, from nothing: what an earlier run left is taken down first."""
        self.down()
        os.makedirs(self.dir, exist_ok=True)
        for name in ("rr", *NODES):
            os.makedirs(os.path.join(self.dir, name), exist_ok=True)
        say("  namespaces and links")
        self.make_segment()
        for node in NODES.values():
            self.make_node(node)
        for pod in PODS.values():
            self.add_pod(pod)
        say("  FRR and BIRD")
        self.speakers["rr"].start()
        self.zebra_b.start()
        for name in NODES:
            self.speakers[name].start()
        if has_podlane:
            self.start_podlane()

    def start_podlane(self):
        for podlane in self.podlanes.values():
            say(f"  Podlane on {podlane.node.name}")
            podlane.start()

    def write_inventory(self, others=(), is_probed=False):
        """The file of nodes, others beside the lab's too. Returns its path."""
        path = os.path.join(self.dir, "nodes.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write("nodes:\n")
            for node in (*NODES.values(), *others):
                out.write(f"  - name: {node.hostname}\n    address: {node.address}\n")
                if is_probed:
                    out.write(f"    probe_address: {node.probe_address}\n")
        return path

    def set_policy(self, name, encap, scope="always", others=()):
        """Give a node's pool a policy, and its control the new file; nothing is probed."""
        podlane = self.podlanes[name]
        podlane.write_config(encap=encap, scope=scope, inventory=self.write_inventory(others))
        self.restart_control(podlane)

    def set_auto(self):
        """A and B compare the paths by probes and choose; C answers probes by its kernel."""
        ip(NODES["c"].netns, f"address replace {NODES['c'].probe_address}/32 dev lo")
        inventory = self.write_inventory(is_probed=True)
        for podlane in self.podlanes.values():
            podlane.write_config(encap="auto", inventory=inventory)
            self.restart_control(podlane)

    def restart_control(self, podlane):
        self.daemons.stop(podlane.names["control"], 10)
        podlane.start_control()

    def make_segment(self):
        self.namespaces.add(SEGMENT)
        sysctl(SEGMENT, net__ipv6__conf__all__disable_ipv6=1)
        ip(SEGMENT, "link set lo up", "link add br0 type bridge stp_state 0 mcast_snooping 0",
           "link set br0 up")
        self.make_host("rr", REFLECTOR)

    def make_host(self, name, address):
        """A namespace with eth0 on the segment; the segment's port has the namespace's name."""
        netns = PREFIX + name
        self.namespaces.add(netns)
        sysctl(netns, **HOST_SYSCTLS)
        ip(SEGMENT, f"link add name {name} type veth peer name eth0 netns {netns}",
           f"link set dev {name} master br0", f"link set dev {name} up")
        ip(netns, "link set lo up", f"address add {address}/24 dev eth0", "link set eth0 up")
        if not self.has_tx_offload:
            tx_offload(SEGMENT, name, "off")

    def make_node(self, node):
        self.make_host(node.name, node.address)
        ip(node.netns, f"route add default via {REFLECTOR}")
        if node.speaker == "frr":
            # Felix's route; BIRD writes its own.
            ip(node.netns, f"route add blackhole {node.block} proto 80")

    def add_pod(self, pod):
        """A pod as Calico's CNI plugin and Felix make it."""
        node = NODES[pod.node]
        self.namespaces.add(pod.netns)
        sysctl(pod.netns, net__ipv6__conf__all__disable_ipv6=1)
        ip(node.netns, f"link add {pod.host_if} address {topology.HOST_SIDE_MAC} type veth "
           f"peer name eth0 netns {pod.netns}")
        sysctl(node.netns, **{f"net__ipv4__conf__{pod.host_if}__proxy_arp": 1,
                              f"net__ipv4__neigh__{pod.host_if}__proxy_delay": 0})
        ip(pod.netns, "link set lo up", f"address add {pod.address}/32 dev eth0",
           "link set eth0 up", f"route add {POD_GATEWAY} dev eth0 scope link",
           f"route add default via {POD_GATEWAY} dev eth0")
        ip(node.netns, f"link set {pod.host_if} up",
           f"route add {pod.address}/32 dev {pod.host_if} scope link")
        if not self.has_tx_offload:
            tx_offload(pod.netns, "eth0", "off")

    def remove_pod(self, pod):
        """The pod's namespace takes both ends of its veth and its route along."""
        self.end_strangers(pod.netns)
        ip(NODES[pod.node].netns, f"link del {pod.host_if}")
        self.namespaces.remove(pod.netns)

    # Convergence

    def expected_routes(self):
        """The prefixes that each node must have from the reflector, with the node they come from."""
        borrowed = {f"{PODS['b3'].address}": "b"}
        blocks = {node.block: node.name for node in NODES.values()}
        return {name: {prefix: NODES[owner].address
                       for prefix, owner in {**blocks, **borrowed}.items() if owner != name}
                for name in NODES}

    def kernel_routes(self, node):
        """Prefix to the set of gateways, from the node's main table."""
        return self.routes_of(run(["ip", "-n", PREFIX + node, "-j", "-4", "route"]))

    @staticmethod
    def routes_of(text):
        """The same from what "ip -j route" printed."""
        routes = {}
        for route in json.loads(text or "[]"):
            hops = route.get("nexthops", [route])
            routes[route["dst"]] = {hop.get("gateway", hop.get("dev")) for hop in hops}
        return routes

    def missing_sessions(self):
        """Which of the reflector's sessions are not Established; "" if none."""
        states = self.speakers["rr"].sessions()
        return ", ".join(f"{node.name} {states.get(node.address, 'unknown')}"
                         for node in NODES.values()
                         if states.get(node.address) != "Established")

    def missing_routes(self):
        missing = []
        for name, wanted in self.expected_routes().items():
            have = self.kernel_routes(name)
            missing += [f"{name} {prefix}" for prefix, gateway in wanted.items()
                        if have.get(prefix) != {gateway}]
        return ", ".join(missing)

    def wait_bgp(self):
        wait_until("BGP sessions with the reflector", self.missing_sessions, 60)
        wait_until("routes in the kernels of A, B and C", self.missing_routes, 60)

    def wait_podlane(self):
        for name, podlane in self.podlanes.items():
            wanted = dict(self.expected_routes()[name])
            wait_until(f"routes in the dataplane of {name.upper()}",
                       lambda podlane=podlane, wanted=wanted: podlane.missing(wanted), 60)

    # Down

    def end_strangers(self, netns):
        """End what runs in a namespace of ours and is no daemon of ours: a ping, an iperf3."""
        for pid in self.namespaces.pids(netns):
            began = start_time(pid)
            if began is not None and pid != os.getpid():
                end_pid(pid, began, 1)

    def down(self):
        """Take down what is recorded, whoever brought it up. Returns the number of namespaces."""
        names = self.namespaces.recorded()
        running = self.daemons.names()
        if names or running:
            say(f"  taking down {len(running)} daemons and {len(names)} namespaces")
        for name in sorted(running, key=self.stop_order):
            self.daemons.stop(name, 10)
        for name in reversed(names):
            self.end_strangers(name)
            self.namespaces.remove(name)
        for name in ("rr", *NODES):
            shutil.rmtree(f"/var/run/frr/{PREFIX}{name}", ignore_errors=True)
        self.remove_eal_dirs()
        shutil.rmtree(self.dir, ignore_errors=True)
        return len(names)

    @staticmethod
    def remove_eal_dirs():
        """DPDK's EAL makes a directory per process and leaves it, empty."""
        for node in NODES.values():
            try:
                os.rmdir(f"/run/dpdk/podlane-{node.hostname}")
            except OSError:
                pass

    @staticmethod
    def stop_order(name):
        order = ("control", "dataplane", "bgpd", "bird", "staticd", "zebra")
        return order.index(name.partition("-")[2])
