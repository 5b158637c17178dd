# SPDX-License-Identifier: BSD-3-Clause
"""What a step of the control path took: time, everybody's CPU time, and that no packet was lost."""
import time

from lablib.shell import LabError

from . import node


class Meter:
    """What a step took: time, everybody's CPU time, and packets that went in and did not come out."""

    def __init__(self, here, names):
        self.here = here
        self.names = names
        self.before = self.now()
        self.began_ns = time.monotonic_ns()

    def now(self):
        stats = self.here.ask("stats")
        cpu = {name: node.cpu_sec(self.here.pid(name)) for name in self.names}
        cpu["main lcore"] = node.thread_sec(self.here.pid("dataplane"), self.here.pid("dataplane"))
        return {"cpu": cpu, "rx": int(stats["rx"]), "tx": int(stats["tx"]), "drop": int(stats["drop"])}

    def end(self, ended_ns):
        after = self.now()
        return {"sec": (ended_ns - self.began_ns) / 1e9,
                "cpu_sec": {name: after["cpu"][name] - self.before["cpu"][name]
                            for name in after["cpu"]},
                "forwarded": after["tx"] - self.before["tx"],
                "dropped": after["drop"] - self.before["drop"]}


def check_lost(what, measured):
    if measured["dropped"] > 0 or measured["forwarded"] == 0:
        raise LabError(f"{what}: {measured['dropped']} packets lost, {measured['forwarded']} forwarded")
    return measured
