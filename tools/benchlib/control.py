# SPDX-License-Identifier: BSD-3-Clause
"""The control path: from the bytes of an FPM connection to what workers look up, while packets are
forwarded and none is lost.

Wall times are of a machine that others use, too, and on two cores the sender, podlane-control and the
dataplane's main lcore share one. So beside them stands how long each has computed; the sum of that is
what one core to itself would take."""
import dataclasses
import os
import time

from lablib.shell import LabError, Progress, run

from . import layout, meter, node, plan, report, streams, zebra

PEER_MB = 640           # the peer's, while the dataplane is not there
PACED = 900000          # frames per second: as fast as zebra replays
SWITCHES = ("ipip", "vxlan", "none")    # from "none"
KINDS = {"none": "native", "ipip": "ipip", "vxlan": "vxlan"}
PAUSE_SEC = 0.3
LOOKED_AT = 60          # slots while paths are switched; bench-client takes 64

GNUPLOT = """\
set terminal {terminal} size {size} font "sans,{font}"
set output "{output}"
set title "the way of the routes, {cpu}" noenhanced
set logscale x
set xrange [0.001:100]
set yrange [-0.6:*]
set xlabel "seconds"
set ytics noenhanced
set grid xtics
set style fill solid 0.8
set key top outside right horizontal
plot "{data}" using 3:1:(0.001):3:($1-0.4):($1+0.4):ytic(2) with boxxyerror lc rgb "#cccccc" title "until it was in the FIB", \\
     "" using 4:1:(0.001):4:($1-0.2):($1+0.2) with boxxyerror lc rgb "#2060a0" title "of that computed, by all"
"""


@dataclasses.dataclass(frozen=True)
class Case:
    """One table of so many routes."""
    n_routes: int
    source: str = "generated"

    @property
    def label(self):
        return f"control, {plan.count(self.n_routes)} routes, {self.source} stream"


def cases(is_quick):
    return ([Case(plan.M1)] if is_quick else
            [Case(100000), Case(plan.M1), Case(100000, "zebra"), Case(plan.M1, "zebra")])


class Bench:
    def __init__(self, build_dir, work_dir, cores):
        self.build_dir = build_dir
        self.work_dir = work_dir
        self.cores = cores

    def path(self, name):
        return os.path.join(self.work_dir, name)

    def run(self, cases):
        return [self.run_case(case) for case in cases]

    def run_case(self, case):
        progress = Progress(case.label)
        routed = layout.make("cluster", case.n_routes)
        result = {"label": case.label, "routes": case.n_routes, "source": case.source,
                  "nodes": layout.NODES}
        result["peer_sec"] = self.measure_peer(routed)
        here = node.Node(self.build_dir, self.work_dir, self.cores)
        try:
            here.write_config()
            here.write_packets(routed)
            here.start_dataplane()
            here.start_control()
            if case.source == "zebra":
                result.update(zebra.measure(here, routed, progress))
            else:
                result.update(Stream(here, routed, progress).measure())
        finally:
            here.stop()
        progress.end(summary(result))
        return result

    def measure_peer(self, routed):
        """CPU time of a bare loop of rte_fib_add over the same routes in the same order."""
        routed.write_routes(self.path("routes"))
        program = os.path.join(self.build_dir, "test/unit/dataplane/table/fib_add_loop")
        said = run(node.NICE + [program, "--in-memory", "--no-pci", "--no-telemetry",
                                "-m", str(PEER_MB), "-l", str(self.cores[0]),
                                "--log-level=*:error", "--", self.path("routes")])
        return int(said.rpartition("ns=")[2]) / 1e9


class Stream:
    """A made-up zebra: tools/fpm-replay with files of frames."""

    def __init__(self, here, routed, progress):
        self.here = here
        self.routed = routed
        self.progress = progress
        self.n = routed.n

    def prepare(self):
        here, path = self.here, lambda name: os.path.join(self.here.dir, name)
        streams.write_cover(path("cover"), here.ifindex)
        streams.write(path("set"), self.routed, layout.NODES, here.ifindex)
        streams.write(path("withdraw"), self.routed, layout.NODES, here.ifindex, is_withdrawn=True)
        first = {}      # address of each node, in the order in which control will meet them
        for address, at in sorted(zip(self.routed.addresses, self.routed.nodes)):
            first.setdefault(at, address)
        order = list(first.values())
        self.looked_at = order[::max(len(order) // LOOKED_AT, 1)] + order[-1:]

    def measure(self):
        self.progress.turn("streams")
        self.prepare()
        here = self.here
        here.start_replay("cover", "set", "withdraw", "set")
        self.here.step_replay()
        self.here.replay_waited_sec()
        here.await_in_sync()
        base = int(here.ask("info")["routes"])
        result = {"load": self.measure_step(base + self.n)}
        result["memory"] = here.memory()
        result["withdraw"] = self.measure_step(base)
        result["load_again"] = self.measure_step(base + self.n)
        result["switch"] = {f"{KINDS[a]} > {KINDS[b]}": self.measure_switch(a, b)
                            for a, b in zip(("none",) + SWITCHES, SWITCHES)}
        result["replay"] = self.measure_replay()
        return result

    def measure_step(self, n_wanted):
        self.progress.turn(f"to {n_wanted} routes")
        time.sleep(PAUSE_SEC)
        taken = meter.Meter(self.here, ("control", "replay"))
        self.here.step_replay()
        ended_ns = int(self.here.ask(f"await routes {n_wanted} {n_wanted} 120")["ns"])
        measured = meter.check_lost(f"to {n_wanted} routes", taken.end(ended_ns))
        measured["waited_sec"] = self.here.replay_waited_sec()
        self.here.await_in_sync()
        return measured

    def measure_switch(self, before, after):
        """All nodes to another path, by a changed "encap" and SIGHUP. Some slots are looked at while
        it goes on, the first and the last among them, and afterwards all."""
        here = self.here
        self.progress.turn(f"all nodes to {KINDS[after]}")
        here.change_config(f"encap: {before}", f"encap: {after}")
        taken = meter.Meter(here, ("control",))
        here.hang_up("control")
        answer = here.ask(f"await {KINDS[after]} 20 " + " ".join(map(str, self.looked_at)))
        measured = meter.check_lost(f"all nodes to {KINDS[after]}", taken.end(int(answer["ns"])))
        here.await_in_sync()
        kinds = {path["kind"] for path in here.control("path show")["paths"]}
        if kinds != {KINDS[after]}:
            raise LabError(f"paths are {', '.join(sorted(kinds))}, all should be {KINDS[after]}")
        return measured

    def measure_replay(self):
        """zebra comes anew and replays all at its speed: nothing changes, and it never waits."""
        self.progress.turn(f"replay at {PACED} frames/s")
        self.here.end("replay")
        self.here.start_replay("set", speed=PACED)
        time.sleep(PAUSE_SEC)
        taken = meter.Meter(self.here, ("control", "replay"))
        self.here.step_replay()
        waited_sec = self.here.replay_waited_sec()
        measured = meter.check_lost("replay", taken.end(time.monotonic_ns()))
        measured["waited_sec"] = waited_sec
        self.here.await_in_sync()
        return measured


def draw(out_dir, results):
    """Seconds of each step, one below the other, and what of them was computing."""
    with open(os.path.join(out_dir, "control.dat"), "w", encoding="utf-8") as out:
        rows = [(f"{result['label'].removeprefix('control, ')}: {name}", one)
                for result in results for name, one, _ in rows_of(result)]
        for i, (name, one) in enumerate(reversed(rows)):
            out.write(f"{i} \"{name}\" {one['sec']} {cpu(one)}\n")
    return report.plot(out_dir, "control", GNUPLOT, f"1000,{160 + 34 * len(rows)}")


def summary(result):
    load = result["load"]
    return (f"loaded in {load['sec']:.2f} s (CPU {cpu(load):.2f} s), bare loop of rte_fib_add "
            f"{result['peer_sec']:.2f} s")


def cpu(measured):
    """What one core to itself would take."""
    return sum(measured["cpu_sec"].values())


STEPS = (("load", "load"), ("withdraw", "withdraw"), ("load_again", "load again"),
         ("replay", f"replay at {PACED // 1000}k/s"),
         ("zebra_replay", "zebra's replay, control restarted"))


def rows_of(result):
    for key, name in STEPS:
        if key in result:
            yield name, result[key], f"{result['routes'] / result[key]['sec'] / 1e3:.0f}k/s"
    for name, one in result.get("switch", {}).items():
        yield f"switch {name}, {result['nodes']:,} nodes", one, ""


def table(results):
    """What each step took, and who computed how long."""
    lines = []
    for result in results:
        lines += [result["label"], f"  {'STEP':36} {'SEC':>8} {'CPU SEC':>8} {'ROUTES':>8}  "
                  f"{'FORWARDED':>12} {'LOST':>5}  CPU OF"]
        for name, one, rate in rows_of(result):
            whose = ", ".join(f"{who} {sec:.3f}" for who, sec in one["cpu_sec"].items())
            lines.append(f"  {name:36} {one['sec']:8.3f} {cpu(one):8.3f} {rate:>8}  "
                         f"{one['forwarded']:12,} {one['dropped']:5}  {whose}")
        lines += [f"  {text}" for text in notes(result)]
    return lines


def notes(result):
    memory = result["memory"]
    yield f"a bare loop of rte_fib_add over the same sorted routes: {result['peer_sec']:.3f} s"
    yield (f"memory with all routes: control {memory['control_mb']:.0f} MB; dataplane "
           f"{memory['dataplane_mb']:.0f} MB and tables of {memory['tables_mb']:.0f} MB in hugepages "
           f"({memory['tbl8']} groups of 256), packet buffers not counted")
    if "replay" in result:
        yield f"replay at {PACED:,} frames/s: zebra waited {result['replay']['waited_sec']:.3f} s"
    if "zebra_reader" in result:
        yield (f"zebra's replay: {result['zebra_replay']['sec']:.2f} s to control, "
               f"{result['zebra_reader']['sec']:.2f} s to a mere reader: "
               f"{100 * result['frr_share']:.0f} % is FRR's own")


def bar(results):
    """As report.bar(), in seconds: less is better. By CPU time, since the cores are shared."""
    rows = []
    for result in results:
        if result["routes"] != plan.M1 or "switch" not in result:
            continue
        rows.append(("1M routes, FPM bytes to FIB", cpu(result["load"]),
                     2 * result["peer_sec"] + 0.7, 0.5))
        rows += [(f"switch {name}", cpu(one), 0.020, 0.005)
                 for name, one in result["switch"].items()]
        rows.append(("zebra waits during a replay", result["replay"]["waited_sec"], 0.0, 0.0))
    return [dict(zip(("name", "value", "most", "aim"), row)) for row in rows]


def bar_lines(rows):
    words = {0: "missed", 1: "reached", 2: "aim reached"}
    return [f"{row['name']:40} {row['value']:.4f} s (at most {row['most']:.3f}, aim {row['aim']:.3f}): "
            f"{words[(row['value'] <= row['most']) + (row['value'] <= row['aim'])]}" for row in rows]
