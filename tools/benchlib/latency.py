# SPDX-License-Identifier: BSD-3-Clause
"""The time from a generator through the dataplane and back, over two net_memif, at shares of the
highest rate that comes through. tools/bench-latency.c sends and receives on the core of the main
lcores, the worker has the other: two cores suffice. Beside it stands what dpdk-testpmd io takes at the
same rates: the rest is what forwarding adds. These are devices in memory: hardware adds its own, and
takes the copies of net_memif away.

A round in which somebody else had one of the two threads' cores does not count, as one slice of the
scheduler is longer than all that is measured."""
import dataclasses
import os
import statistics
import subprocess

from lablib.shell import LabError, Progress

from . import layout, machine, packets, report, traffic
from .dataplane import Dataplane
from .testpmd import Testpmd

LOADS = (0.1, 0.5, 0.9)
ROUNDS, ROUND_SEC = 5, 0.25
TRIAL_PPS, TRIAL_SEC = 100000, 0.02
MORE_ROUNDS = 8             # times as many at most, until enough are undisturbed
LOST_SHARE = 0.0005         # of a round, by others on the core
LOSS = 0.0001               # packets; a rate at which more are lost is too high
N_FLOWS = 4096
MAC = "02:70:6f:64:00:01"     # of the port that receives; the driver takes it as an option
DATAPLANE_MB, GENERATOR_MB, MBUFS = 512, 256, 16384
MEMORY_MB = DATAPLANE_MB + GENERATOR_MB + 64
KEYS = ("p50_ns", "p99_ns", "p999_ns", "max_ns")

GNUPLOT = """\
set terminal {terminal} size {size} font "sans,{font}"
set output "{output}"
set title "latency over two net_memif, {cpu}" noenhanced
set style data linespoints
set logscale y
set xlabel "percent of the highest rate"
set ylabel "microseconds there and back"
set grid
set key bottom right
set xrange [0:100]
plot "{data}" using 1:2 lc 1 title "p50", "" using 1:3 lc 2 title "p99", \\
     "" using 1:4 lc 3 title "p99.9", "" using 1:5 lc 1 dt 2 title "p50 of testpmd io", \\
     "" using 1:6 lc 2 dt 2 title "p99 of testpmd io", "" using 1:7 lc 3 dt 2 title "p99.9 of testpmd io"
"""


@dataclasses.dataclass(frozen=True)
class Case:
    label: str


CASE = Case("latency, native, 1 route, 4k destinations, 64, at 10, 50 and 90 % of the highest rate")


class Generator:
    """tools/bench-latency on the core of the main lcores."""

    def __init__(self, build_dir, pcap, socket, core):
        memif = f"role=client,socket={socket},socket-abstract=no,rsize=10"
        argv = [os.path.join(build_dir, "tools", "bench-latency"), f"-l{core}", "--no-pci",
                "--in-memory", f"-m{GENERATOR_MB}", "--no-telemetry", "--iova-mode=va",
                "--log-level=lib.*:4", f"--vdev=net_memif0,id=0,{memif}",
                f"--vdev=net_memif1,id=1,{memif}", "--", pcap]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        try:
            self.answer()
            # who moves the packets learns of his links on this core, and could not any more
            machine.wait_for("a packet that comes back",
                             lambda: self.round(TRIAL_PPS, TRIAL_SEC)["received"] > 0, 10)
            machine.claim_core(self.pid)
        except BaseException:
            self.stop()
            raise

    def answer(self):
        while True:
            line = self.process.stdout.readline()
            if not line:
                said = self.process.stderr.read().strip().splitlines() or ["nothing said"]
                raise LabError(f"bench-latency ended: {said[-1]}")
            if "=" in line.split(" ")[0]:     # DPDK's own lines are between
                return {key: float(value) for key, value in
                        (word.split("=") for word in line.split())}

    def round(self, pps, seconds):
        self.process.stdin.write(f"round {pps:.0f} {seconds}\n")
        self.process.stdin.flush()
        return self.answer()

    def stop(self):
        self.process.kill()
        self.process.wait()


def spent_cycles(before, after):
    """Of the worker, for each packet between two readings of its counters."""
    return (after["busy"] - before["busy"]) / max(after["rx"] - before["rx"], 1)


class Bench:
    def __init__(self, build_dir, work_dir, cores):
        self.build_dir, self.work_dir, self.cores = build_dir, work_dir, cores

    def run(self):
        """Returns: a result for each load."""
        pcap = os.path.join(self.work_dir, "latency.pcap")
        packets.write_pcap(pcap, traffic.Traffic(n_flows=N_FLOWS, dst_mac=MAC).frames())
        ours = self.forwarding(pcap)
        self.add_baseline(pcap, ours)
        return ours

    def devices(self, socket):
        memif = f"role=server,socket={socket},socket-abstract=no,rsize=10"
        return {"in": f"net_memif0,id=0,{memif},mac={MAC}", "out": f"net_memif1,id=1,{memif}"}

    def forwarding(self, pcap):
        socket = os.path.join(self.work_dir, "memif.sock")
        ours = Dataplane(self.build_dir, self.work_dir, self.devices(socket), "lpm", MBUFS,
                         DATAPLANE_MB, self.cores)
        try:
            path = os.path.join(self.work_dir, "routes")
            layout.write_one_route(path)
            for words in (f"paths native {ours.out_port} {layout.NODES}", f"set {path}", "ends 0"):
                ours.ask(words)
            generator = Generator(self.build_dir, pcap, socket, self.cores[0])
            try:
                return self.measure(ours, generator)
            finally:
                generator.stop()
        finally:
            ours.stop()

    def add_baseline(self, pcap, results):
        """To each result: the same rate through testpmd io."""
        socket = os.path.join(self.work_dir, "memif-io.sock")
        testpmd = Testpmd(self.devices(socket).values(), MBUFS, DATAPLANE_MB, self.cores)
        try:
            generator = Generator(self.build_dir, pcap, socket, self.cores[0])
            try:
                for one in results:
                    progress = Progress(f"latency of testpmd io at {one['pps'] / 1e6:.1f} Mpps")
                    used, is_clean = self.rounds(testpmd, generator, one["pps"], progress)
                    one["io"] = {key: statistics.median(each[key] for each in used)
                                 for key in KEYS}
                    one["is_clean"] = one["is_clean"] and is_clean
                    progress.end(f"p99 {one['io']['p99_ns'] / 1000:.1f} us")
            finally:
                generator.stop()
        finally:
            testpmd.stop()

    def one_round(self, program, generator, pps):
        watches = [machine.Watch(program.pid, program.workers),
                   machine.Watch(generator.pid, [(generator.pid, self.cores[0])])]
        result = generator.round(pps, ROUND_SEC)
        if result["received"] == 0:
            raise LabError(f"latency: none of {result['sent']:.0f} packets came back")
        result["lost_share"] = max(watch.lost_sec() for watch in watches) / ROUND_SEC
        return result

    def rounds(self, program, generator, pps, progress):
        """The undisturbed ones, or the least disturbed, and are they undisturbed?"""
        done = []
        for _ in range(ROUNDS * MORE_ROUNDS):
            done.append(self.one_round(program, generator, pps))
            clean = [one for one in done if one["lost_share"] <= LOST_SHARE]
            progress.turn(f"{len(clean)}/{ROUNDS} rounds, {len(done) - len(clean)} disturbed")
            if len(clean) == ROUNDS:
                return clean, True
        return sorted(done, key=lambda one: one["lost_share"])[:ROUNDS], False

    def highest_rate(self, ours, generator):
        """What comes back when as much is sent as goes, lowered until nothing is lost; and the share of
        the worker's time that it takes, as the generator may be the slower one."""
        progress = Progress("latency, highest rate")
        used, _ = self.rounds(ours, generator, 0, progress)
        pps = statistics.median(one["received"] / one["sec"] for one in used)
        for _ in range(12):
            before = ours.stats()
            used, _ = self.rounds(ours, generator, pps, progress)
            cycles = spent_cycles(before, ours.stats())
            sent = sum(one["sent"] for one in used)
            if sent - sum(one["received"] for one in used) <= LOSS * sent:
                break
            pps *= 0.95
        share = pps * cycles / ours.tsc_hz
        progress.end(f"{pps / 1e6:.2f} Mpps, worker {share:.0%} busy")
        return pps, share

    def measure(self, ours, generator):
        highest, worker_share = self.highest_rate(ours, generator)
        results = []
        for load in LOADS:
            progress = Progress(f"latency at {load:.0%}")
            used, is_clean = self.rounds(ours, generator, load * highest, progress)
            result = {"load": load, "highest_pps": highest, "is_clean": is_clean,
                      "pps": statistics.median(one["sent"] / one["sec"] for one in used),
                      "worker_load": load * worker_share,
                      "lost": sum(one["sent"] - one["received"] for one in used),
                      "sent": sum(one["sent"] for one in used),
                      **{key: statistics.median(one[key] for one in used) for key in KEYS}}
            results.append(result)
            progress.end(f"p99 {result['p99_ns'] / 1000:.1f} us" + ("" if is_clean else
                                                                    ", DISTURBED"))
        return results


def table(results):
    lines = ["latency over two net_memif (devices in memory), from the generator's core and back to it, us",
             "  LOAD    MPPS  WORKER     P50     P99   P99.9   TESTPMD IO  P50     P99   P99.9  LOST"]
    for one in results:
        lines.append(f"{one['load']:6.0%}  {one['pps'] / 1e6:6.2f}  {one['worker_load']:6.0%}" +
                     percentiles(one) + " " * 9 + percentiles(one["io"]) + f"  {one['lost']:4.0f}" +
                     ("" if one["is_clean"] else "  disturbed"))
    return lines


def percentiles(times):
    return "".join(f"  {times[key] / 1e3:6.1f}" for key in KEYS[:3])


def draw(out_dir, results):
    with open(os.path.join(out_dir, "latency.dat"), "w", encoding="ascii") as out:
        for one in results:
            out.write(f"{100 * one['load']} {one['p50_ns'] / 1e3} {one['p99_ns'] / 1e3} "
                      f"{one['p999_ns'] / 1e3} {one['io']['p50_ns'] / 1e3} "
                      f"{one['io']['p99_ns'] / 1e3} {one['io']['p999_ns'] / 1e3}\n")
    return report.plot(out_dir, "latency", GNUPLOT, "900,500")
