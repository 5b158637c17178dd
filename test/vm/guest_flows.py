# SPDX-License-Identifier: BSD-3-Clause
"""Numbered datagrams of many flows from a pod of the guest to one of the host."""
import time

from lablib.flows import Flows
from lablib.topology import PODS


class GuestProcess:
    """What Flows wants of a process."""

    def __init__(self, machine, pod, program, words):
        self.machine = machine
        machine.call("nodes.start_sender", pod.name, program, words)

    def communicate(self, text, timeout):
        return self.machine.call("nodes.end_sender", text, timeout_sec=timeout), None


class GuestFlows(Flows):
    """From a1 to b1. The times of what was lost are the guest's."""

    def __init__(self, world, n_flows=32, per_sec=200):
        self.machine = world.machine
        super().__init__(PODS["a1"], PODS["b1"], n_flows, per_sec)

    def _start(self, pod, program, *words):
        if pod.node == "a":
            return GuestProcess(self.machine, pod, program, words)
        return super()._start(pod, program, *words)

    def now(self):
        """The guest's clock, not later than it is."""
        began = time.monotonic()
        there = self.machine.call("nodes.clock")
        return there - (time.monotonic() - began)
