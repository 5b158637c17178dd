# SPDX-License-Identifier: BSD-3-Clause
"""The founding lab of the virtual machine: the reflector, node B and the segment on the host; nodes A and C
and their pods in the guest. What is asked of A or C is asked in the guest."""
import json
import os
import shutil
import signal

import window
from lablib.lab import Lab
from lablib.netns import ip
from lablib.shell import LabError, say, wait_until
from lablib.podlane import Podlane
from lablib.topology import NODES, PODS, PREFIX, SEGMENT
from lablib.traffic import warm_up
from machine import Machine

IN_GUEST = ("a", "c")
# The guest's NICs by the TAP on the segment; their order is their number there.
TAP_OF_UPLINK1 = "a-second"
WIRES = {"a": "igb", "c": "virtio-net-pci", TAP_OF_UPLINK1: "igb"}
NIC_OF_A, NIC_OF_C, NIC_OF_UPLINK1 = range(len(WIRES))
KINDS = {"none": "native", "ipip": "ipip", "vxlan": "vxlan"}


def expect(is_true, text):
    if not is_true:
        raise LabError(text)


class GuestPodlane(Podlane):
    """A's, in the guest: only asked from here."""

    machine = None

    def podlane(self, *words):
        text = self.machine.run([self.program("podlane"), "--config", self.config, "--timeout", "5",
                                 "--json", *words], check=False)
        try:
            return json.loads(text)
        except ValueError:
            return {}

    def podlane_text(self, *words):
        return self.machine.run([self.program("podlane"), "--config", self.config, *words],
                                check=False)


class World(Lab):
    def __init__(self, build_dir, image):
        super().__init__(build_dir=build_dir)
        self.image = image
        self.machine = None
        self.may_start_again = True
        self.podlanes["a"] = GuestPodlane(self.daemons, NODES["a"], self.dir, build_dir, 0, "complete")
        self.take()

    def up_all(self):
        """The host's part, then the machine, then the nodes in it."""
        self.down()
        self.up_outside()
        folder = os.path.join(self.image.dir, "run")     # its logs are there afterwards, too
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.machine = Machine(self.image, folder, SEGMENT)
        self.podlanes["a"].machine = self.machine
        say(f"  the guest answers after {self.machine.start(WIRES):.0f} s, "
            f"Linux {self.machine.run(['uname', '-r']).strip()}")
        self.machine.call("nodes.prepare", self.podlanes["b"].build_dir)
        self.machine.call("nodes.start_c", NIC_OF_C)
        before, after = map(set, self.machine.call("nodes.start_a", NIC_OF_A, timeout_sec=300))
        expect("to-do" in before and after == {"ok"}, f"steps of podlane setup: {before}, then {after}")

    def up_outside(self):
        for name in ("rr", "b"):
            os.makedirs(os.path.join(self.dir, name), exist_ok=True)
        say("  on the host: the segment, the reflector, node B")
        self.make_segment()
        for tap in WIRES:
            ip(SEGMENT, f"tuntap add dev {tap} mode tap", f"link set dev {tap} up")
        for tap in ("a", "c"):
            ip(SEGMENT, f"link set dev {tap} master br0")
        self.make_node(NODES["b"])
        for pod in PODS.values():
            if pod.node == "b":
                self.add_pod(pod)
        self.speakers["rr"].start()
        self.zebra_b.start()
        self.speakers["b"].start()
        self.podlanes["b"].write_config(encap="none")
        self.podlanes["b"].start_dataplane()
        self.podlanes["b"].start_control()

    def down(self):
        if self.machine is not None:
            self.machine.stop()
            self.machine = None
        return super().down()

    # What differs from a lab in one place

    def kernel_routes(self, node):
        if node not in IN_GUEST:
            return super().kernel_routes(node)
        text = self.machine.run(["ip", "-n", PREFIX + node, "-j", "-4", "route"])
        return self.routes_of(text)

    def reload(self, encap, kind=None):
        """Another policy for A and B, one after the other, by SIGHUP; done when their paths are of that kind."""
        self.machine.call("nodes.reload", encap)
        self.podlanes["b"].write_config(encap=encap, inventory=self.write_inventory())
        os.kill(self.daemons.pid(self.podlanes["b"].names["control"]), signal.SIGHUP)
        for name, pod in (("a", "b1"), ("b", "a1")):
            self.wait_path(name, pod, kind or KINDS[encap])

    def wait_path(self, name, pod, kind):
        """Until a node's dataplane reaches a pod by this kind of path."""
        def missing():
            hops = self.podlanes[name].target(PODS[pod].address)[2]
            return "" if hops and hops[0][0] == kind else f"{pod} by {hops}"
        return wait_until(f"{name.upper()} reaches {pod} by {kind}", missing, 60, quiet=True)

    def echo(self, source, target, n_pkts):
        """Windowed echo requests between pods; LabError if one is lost. Returns the packets per second."""
        pod, address = PODS[source], PODS[target].address
        if pod.node in IN_GUEST:
            return self.machine.call("nodes.echo", source, address, n_pkts)
        warm_up(pod, address)
        return window.expect_echo(pod.netns, address, n_pkts)

    def link(self, interface):
        """What A's kernel says of an interface, as "ip -j address" prints it."""
        text = self.machine.run(["ip", "-n", NODES["a"].netns, "-j", "address", "show", interface])
        return json.loads(text)[0]

    def has_carrier(self, interface):
        return "NO-CARRIER" not in self.link(interface)["flags"]

    def show_state(self):
        """What helps to understand a failure."""
        if self.machine is None or self.machine.line is None:
            return
        say(f"      console: {self.machine.last_words()}")
        try:
            for words in (["ip", "-n", NODES["a"].netns, "-s", "-br", "address"],
                          ["ip", "-n", NODES["a"].netns, "neigh"], ["ip", "-br", "link"]):
                say(self.machine.run(words, check=False))
            for words in ("status", "drops"):
                say(self.podlanes["a"].podlane_text(words))
            for part in self.podlanes["a"].names.values():
                say(self.machine.run(["tail", "-n", "5", self.daemons.log_path(part)], check=False))
        except LabError as error:
            say(f"      {error}")
