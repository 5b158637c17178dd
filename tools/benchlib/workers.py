# SPDX-License-Identifier: BSD-3-Clause
"""Several workers, each with a queue of its own: do they get into each other's way? The main lcore shares the
first core with one of them, so that a machine with two cores shows two workers; testpmd is given the same
cores, and shows what the machine itself loses."""
import dataclasses

from lablib.shell import Progress

from . import forwarding, machine, plan, rounds
from .dataplane import Dataplane, replaying
from .testpmd import Testpmd

MEMORY_MB = 2 * forwarding.MEMORY_MB
N_STARTS = 3
LOST_SHARE = 0.05       # the main lcore wakes on the first worker's core, and this program sleeps there


@dataclasses.dataclass(frozen=True)
class Case:
    n_routes: int

    @property
    def label(self):
        return f"workers, {plan.count(self.n_routes)} route{'s' * (self.n_routes > 1)}"

    @property
    def forwarded(self):
        return plan.Case("native", self.n_routes, plan.K32, engine="dir24-8")


CASES = [Case(1), Case(plan.M1)]


class Bench(forwarding.Bench):
    def run(self, cases):
        return [self.run_workers(case) for case in cases]

    def run_workers(self, case):
        print(f"{case.label}, native, 64 B, 32k destinations", flush=True)
        packets = self.write_packets(case.forwarded.packets)
        numbers = range(1, len(self.cores) + 1)
        own, io, is_clean, tsc_hz = {n: [] for n in numbers}, {n: [] for n in numbers}, True, 0
        for start in range(N_STARTS):
            found, start_is_clean, tsc_hz = self.run_one_start(case, packets, numbers,
                                                               f"{start + 1} of {N_STARTS}")
            is_clean &= start_is_clean
            for n in numbers:
                own[n] += found["podlane", n]
                io[n] += found["io", n]
        return {"label": case.label, "routes": case.n_routes, "is_clean": is_clean, "tsc_hz": tsc_hz,
                "workers": [self.of_workers(n, own, io, tsc_hz) for n in numbers]}

    def run_one_start(self, case, offered, numbers, start):
        """Returns: the rounds by program and number of workers, are they undisturbed, and the clock."""
        pcap, n_packets = offered
        running = []
        try:
            for n in numbers:
                # one worker has the last core for itself, all of them have all cores
                cores = (self.cores[0], *self.cores[len(self.cores) - n:])
                mbufs = n * n_packets + forwarding.SPARE_MBUFS
                running.append((n, Testpmd(replaying(pcap, n).values(), mbufs, forwarding.TESTPMD_MB, cores)))
                machine.pause(running[-1][1].pid)
                running.append((n, Dataplane(self.build_dir, self.work_dir, replaying(pcap, n),
                                             case.forwarded.engine, mbufs, forwarding.OURS_MB, cores)))
                self.set_routes(running[-1][1], case.forwarded, is_first=True)
                self.set_mode(running[-1][1], plan.MODES["native"])
                machine.pause(running[-1][1].pid)
            progress = Progress(f"{case.label}, start {start}")
            contestants = [rounds.Contestant(("io" if isinstance(program, Testpmd) else "podlane", n), program)
                           for n, program in running]
            found, is_clean = rounds.measure_in_turn(
                contestants, self.n_turns, self.seconds,
                lambda clean, turns: progress.turn(f"{clean}/{self.n_turns} rounds"), LOST_SHARE)
            for n in numbers:
                self.check_forwarding(case.forwarded, found["podlane", n])
            progress.end(", ".join(f"{n}: {rounds.median(found['podlane', n], 'pps') / 1e6:.1f} Mpps"
                                   for n in numbers))
            return found, is_clean, running[-1][1].tsc_hz
        finally:
            for _, program in running:
                program.stop()

    @staticmethod
    def of_workers(n, own, io, tsc_hz):
        """What n workers do; times_one is how many times what one does, in the same turn."""
        pps = rounds.median(own[n], "pps")
        return {"n": n, "mpps": pps / 1e6, "spread": rounds.spread(own[n], "pps"),
                "cycles": n * tsc_hz / pps, "cycles_busy": rounds.median(own[n], "cycles_busy"),
                "times_one": rounds.ratio(own[n], own[1]), "io_mpps": rounds.median(io[n], "pps") / 1e6,
                "io_times_one": rounds.ratio(io[n], io[1])}


def table(results):
    rows = [("ROUTES", "WORKERS", "MPPS", "+-", "TIMES ONE", "CYCLES OF A WORKER", "IO, MPPS", "TIMES ONE", "")]
    for one in results:
        for many in one["workers"]:
            rows.append((plan.count(one["routes"]), str(many["n"]), f"{many['mpps']:.2f}",
                         f"{100 * many['spread']:.0f} %", f"{many['times_one']:.2f}", f"{many['cycles']:.1f}",
                         f"{many['io_mpps']:.2f}", f"{many['io_times_one']:.2f}",
                         "" if one["is_clean"] else "disturbed"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
